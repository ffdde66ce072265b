#!/usr/bin/env bash
# A program of docs/ranks.md, the BLOCK-th, is the one that is compiled here, runs, and leaves or prints what CHECK asks:
# `evaluates`, one evaluation of an agent that learns; `saves`, a checkpoint of the best member; `asks_for_gpu`, that it
# needs one.
#   program.sh CHECK ROOT BLOCK SOURCE COMMAND...
set -euo pipefail
check=$1 root=$2 block=$3 source=$4
shift 4
diff <(awk -v block="$block" '/^```cpp$/ { inside = ++blocks == block; next } /^```$/ { inside = 0 } inside' \
  "$root/docs/ranks.md") <(tail -n +2 "$source")
rm -f best.polis
status=0
output=$("$@" 2>&1) || status=$?
echo "$output"
if [[ $check == asks_for_gpu ]]; then
  grep -q 'Collective<Nccl>: no GPU: .*; expected an NVIDIA GPU' <<<"$output"
  exit
fi
[[ $status -eq 0 ]]
case $check in
  evaluates)
    [[ $(grep -c '^return ' <<<"$output") -eq 1 ]]
    awk '/^return / { exit !($2 > 100) }' <<<"$output" ;;
  saves) [[ -s best.polis ]] ;;
  *) exit 1 ;;
esac
