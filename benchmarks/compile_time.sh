#!/usr/bin/env bash
# What a program that uses polis costs to compile: seconds and peak memory of g++ -O3 for each example.
#   benchmarks/compile_time.sh [--json FILE] [--runs N] [PROGRAM.cpp...]
# A figure is the least of N runs (3 by default) of the compiler's own time (user), so that a busy machine disturbs
# little. FILE gets one JSON object per figure and line, with the keys of benchmarks/figure.hpp.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() { echo "benchmarks/compile_time.sh: $1" >&2; exit 2; }

json='' runs=3 programs=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --json) json=${2:?"--json expects a file"}; shift 2 ;;
    --runs)
      [[ ${2-} =~ ^[1-9][0-9]*$ ]] || fail "--runs expects a positive number"
      runs=$2; shift 2 ;;
    -h|--help) sed -n '2,5s/^# //p' "${BASH_SOURCE[0]}"; exit 0 ;;
    -*) fail "no such option: $1" ;;
    *) [[ -f $1 ]] || fail "no such file: $1"
       programs+=("$1"); shift ;;
  esac
done
if [[ ${#programs[@]} -eq 0 ]]; then programs=("$root"/examples/*.cpp "$root"/examples/*/*.cpp); fi

compiler=${CXX:-g++}
options=(-std=c++20 -O3 -march=native)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
if [[ -n $json ]]; then : >"$json"; fi

# One figure: its name, value and unit.
report() {
  printf "%-40s %10.2f %s\n" "$1" "$2" "$3"
  if [[ -n $json ]]; then
    printf '{"name": "%s", "value": %s, "unit": "%s", "threads": 1, "sizes": "%s", "kernel_path": null, ' \
      "$1" "$2" "$3" "$compiler ${options[*]}" >>"$json"
    echo '"peak_gflops": null, "share_of_peak": null}' >>"$json"
  fi
}

# User seconds of the compilation; the peak of resident KiB goes to the file $scratch/peak.
compile() {
  python3 - "$scratch/peak" "$compiler" "${options[@]}" -I "$root/include" -c "$1" -o "$scratch/object.o" <<'PYTHON'
import resource
import subprocess
import sys

subprocess.run(sys.argv[2:], check=True)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as peak:
    peak.write(str(usage.ru_maxrss))
print(f"{usage.ru_utime:.2f}")
PYTHON
}

for program in "${programs[@]}"; do
  name=${program##*examples/} name=compile_time/${name%.cpp}
  for ((run = 0; run < runs; ++run)); do compile "$program"; done >"$scratch/seconds"
  report "$name/seconds" "$(sort -n "$scratch/seconds" | head -n 1)" s
  report "$name/peak_memory" "$(awk '{printf "%.0f", $1 / 1024}' "$scratch/peak")" MiB
done
