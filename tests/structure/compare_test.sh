#!/usr/bin/env bash
# benchmarks/compare.sh flags what got worse, by the direction of the unit, and refuses what is no file of figures.
#   compare_test.sh COMPARE
set -euo pipefail
compare=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

# figure NAME VALUE UNIT
figure() {
  echo "{\"name\": \"$1\", \"value\": $2, \"unit\": \"$3\", \"threads\": 1, \"sizes\": \"\", \"kernel_path\": null, \
\"peak_gflops\": null, \"share_of_peak\": null}"
}

# verdict STATUS TEXT [ARGUMENT...]: the status that old.json and new.json get, and a line of what is said.
verdict() {
  local expected=$1 text=$2 status=0
  shift 2
  bash "$compare" "$scratch/old.json" "$scratch/new.json" "$@" >"$scratch/said" 2>&1 || status=$?
  if [[ $status -ne $expected ]] || ! grep -qE -- "$text" "$scratch/said"; then
    echo "compare.sh $*: status $status, expected $expected and a line like '$text'; it said:" >&2
    cat "$scratch/said" >&2
    failures=$((failures + 1))
  fi
}

# Medians: of the three old speeds 10.
{ figure speed 10 steps/s; figure speed 99 steps/s; figure speed 1 steps/s; figure time 2 s; figure kept 3 return; } \
  >"$scratch/old.json"
{ figure speed 9 steps/s; figure time 1 s; figure kept 1 return; figure fresh 1 s; } >"$scratch/new.json"
verdict 1 '^speed .* 0\.900  WORSE$'
verdict 1 '^time .* 2\.000  better$'
verdict 1 '^2 figures compared, 1 worse by more than 5%$'
verdict 0 '^2 figures compared, 0 worse by more than 15%$' --tolerance 15
figure time 2.2 s >"$scratch/new.json"
verdict 1 '^time .* 0\.909  WORSE$'
figure other 2.2 s >"$scratch/new.json"
verdict 2 'no figure in common'
echo 'speed 10' >"$scratch/new.json"
verdict 2 'new.json, line 1: no figure'
rm "$scratch/new.json"
verdict 2 'cannot be read: .*new.json'
exit $((failures > 0))
