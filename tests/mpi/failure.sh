#!/usr/bin/env bash
# A rank that dies ends the job with a message and a status, and the last checkpoint goes on, also on another
# number of ranks.
#   failure.sh PROGRAM MPIEXEC [ARGUMENT...]      (the last argument is the flag of the number of ranks)
set -uo pipefail
program=$1
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() { printf '%s\n%s\n' "$1" "$2" >&2; exit 1; }

# dies MODE MESSAGE: the job of two ranks ends by itself, with that message and no good status.
dies() {
  local mode=$1 message=$2 output status
  shift 2
  output=$(timeout 60 "$@" 2 "$program" "$mode" "$folder/$mode" 2>&1)
  status=$?
  [[ $status -ne 0 && $status -ne 124 ]] || fail "$mode: status $status" "$output"
  grep -qE "$message" <<<"$output" || fail "$mode: no message like: $message" "$output"
}

# resumes MODE RANKS: goes on from what the job had saved, three collections of 12 lanes x 16 steps.
resumes() {
  local output
  output=$(timeout 60 "${@:3}" "$2" "$program" resume "$folder/$1" 2>&1) || fail "resume: status $?" "$output"
  grep -q "went on from step 576 to step 1344 on $2 ranks" <<<"$output" || fail "resume on $2 ranks" "$output"
}

dies throw 'polis: rank 1 of 2 failed, and all ranks end: Fragile::step: a wheel came off' "$@"
dies kill 'rank 1 .*signal 9' "$@"
dies late 'polis: rank 1 left its work by an exception; all ranks end|a wheel came off' "$@"
resumes throw 2 "$@"
cp "$folder/kill" "$folder/again"
resumes kill 3 "$@"
resumes again 1 "$@"
