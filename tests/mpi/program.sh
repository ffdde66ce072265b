#!/usr/bin/env bash
# The program of docs/ranks.md is the one that is compiled here, and prints one evaluation, of an agent that learns.
#   program.sh ROOT COMMAND...
set -euo pipefail
root=$1
shift
diff <(awk '/^```cpp$/ { inside = ++blocks == 1; next } /^```$/ { inside = 0 } inside' "$root/docs/ranks.md") <(tail -n +2 "$root/tests/mpi/program.cpp")
output=$("$@")
echo "$output"
[[ $(grep -c '^return ' <<<"$output") -eq 1 ]]
awk '/^return / { exit !($2 > 100) }' <<<"$output"
