#!/usr/bin/env bash
# Installs what is missing, builds the benchmarks and runs those named (all by default).
#   benchmarks/run.sh [NAME...] [--threads N] [--json FILE] [--build-only] [-- ARGUMENT-OF-THE-PROGRAM...]
# Prints the figures; FILE gets one JSON object per figure and line: name, value, unit, threads, sizes,
# kernel_path, peak_gflops (multiply-add peak of one core in the same run) and share_of_peak.
set -euo pipefail
directory=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$directory")

fail() { echo "benchmarks/run.sh: $1" >&2; exit 2; }

names=() arguments=() json='' build_only=false
while [[ $# -gt 0 ]]; do
  case $1 in
    --threads)
      [[ ${2-} =~ ^[1-9][0-9]*$ ]] || fail "--threads expects a positive number"
      arguments+=(--threads "$2"); shift 2 ;;
    --json) json=$(realpath -m -- "${2:?"--json expects a file"}"); shift 2 ;;
    --build-only) build_only=true; shift ;;
    -h|--help) sed -n '2,5s/^# //p' "${BASH_SOURCE[0]}"; exit 0 ;;
    --) shift; arguments+=("$@"); break ;;
    -*) fail "no such option: $1" ;;
    *) names+=("$1"); shift ;;
  esac
done

known=()
for source in "$directory"/*.cpp; do
  if [[ -e $source ]]; then known+=("$(basename "$source" .cpp)"); fi
done
if [[ ${#names[@]} -eq 0 ]]; then names=("${known[@]}"); fi
targets=()
for name in "${names[@]}"; do
  [[ " ${known[*]} " == *" $name "* ]] || fail "no benchmark is called $name; there are: ${known[*]}"
  targets+=("benchmark_$name")
done

bash "$root/.ci/install-dependencies" benchmarks
cd "$root"
build=build/benchmarks
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { cmake --preset release -B "$build" -DPOLIS_BUILD_TESTS=OFF -DPOLIS_BUILD_EXAMPLES=OFF &&
       cmake --build "$build" -j "$(nproc)" --target "${targets[@]}"; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
if $build_only; then echo "built: ${names[*]}"; exit 0; fi

if [[ -n $json ]]; then
  mkdir -p "$(dirname "$json")"
  : >"$json"
  arguments=(--json "$json" "${arguments[@]}")
fi
for name in "${names[@]}"; do
  echo "== $name"
  "$build/benchmarks/benchmark_$name" "${arguments[@]}"
done
