#!/usr/bin/env bash
# Installs what is missing, builds the benchmarks and runs those named (all by default).
#   benchmarks/run.sh [NAME...] [--threads N] [--json FILE] [--markdown FILE] [--peer NAME=COMMAND]...
#                     [--build-only] [-- ARGUMENT-OF-THE-PROGRAM...]
# Prints the figures. The JSON file gets one object per figure and line: name, value, unit, threads, sizes,
# kernel_path, peak_gflops (multiply-add peak of one core in the same run) and share_of_peak; benchmarks/compare.sh
# compares two of them. The Markdown file gets a table under the machine's and the compiler's names. A peer is a
# command that does the work of the figure NAME (benchmarks/peer.hpp), timed in turn with ours.
set -euo pipefail
directory=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$directory")

fail() { echo "benchmarks/run.sh: $1" >&2; exit 2; }

names=() arguments=() json='' markdown='' build_only=false
while [[ $# -gt 0 ]]; do
  case $1 in
    --threads)
      [[ ${2-} =~ ^[1-9][0-9]*$ ]] || fail "--threads expects a positive number"
      arguments+=(--threads "$2"); shift 2 ;;
    --json) json=$(realpath -m -- "${2:?"--json expects a file"}"); shift 2 ;;
    --markdown) markdown=$(realpath -m -- "${2:?"--markdown expects a file"}"); shift 2 ;;
    --peer)
      [[ ${2-} == ?*=?* ]] || fail "--peer expects NAME=COMMAND"
      arguments+=(--peer "$2"); shift 2 ;;
    --build-only) build_only=true; shift ;;
    -h|--help) sed -n '2,8s/^# //p' "${BASH_SOURCE[0]}"; exit 0 ;;
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
log=$(mktemp) figures=$(mktemp)
trap 'rm -f "$log" "$figures"' EXIT
if ! { cmake --preset release -B "$build" -DPOLIS_BUILD_TESTS=OFF -DPOLIS_BUILD_EXAMPLES=OFF \
         -DPOLIS_WARNINGS_AS_ERRORS=OFF &&
       cmake --build "$build" -j "$(nproc)" --target "${targets[@]}"; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
if $build_only; then echo "built: ${names[*]}"; exit 0; fi

if [[ -n $json ]]; then
  mkdir -p "$(dirname "$json")"
  : >"$json"
elif [[ -n $markdown ]]; then
  json=$figures
fi
if [[ -n $json ]]; then arguments=(--json "$json" "${arguments[@]}"); fi

# The figures of $json as a table.
write_table() {
  local processor compiler
  processor=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
  compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[^=]*=//p' "$build/CMakeCache.txt")
  echo "${processor:-$(uname -m)}, $(nproc) cores, $("$compiler" --version | head -n 1), $(date +%Y-%m-%d)"
  echo
  echo '| Figure | Value | Unit | Threads | Share of peak | Sizes |'
  echo '| --- | ---: | --- | ---: | ---: | --- |'
  awk "$(<"$directory/figures.awk")"'
    {
      share = number("share_of_peak")
      printf "| %s | %.5g | %s | %d | %s | %s |\n", text("name"), number("value"), text("unit"),
        number("threads"), (share > 0 ? sprintf("%.1f%% of %d x %.0f GFLOP/s", 100 * share,
        number("threads"), number("peak_gflops")) : ""), text("sizes")
    }' "$json"
}
for name in "${names[@]}"; do
  echo "== $name"
  "$build/benchmarks/benchmark_$name" "${arguments[@]}"
done
if [[ -n $markdown ]]; then
  mkdir -p "$(dirname "$markdown")"
  write_table >"$markdown"
  echo "$markdown"
fi
