#!/usr/bin/env bash
# Runs the program of tests/structure/separate, and looks at what the translation unit of its main has compiled:
# the separate trainer's functions are called and not there, nor is anything that trains.
#   separate.sh NM PROGRAM OBJECT
set -euo pipefail
symbols=$("$1" -C "$3")
grep -q ' U polis::SeparateTrainer<.*>::train(' <<<"$symbols" || { echo "$3 calls no separate trainer" >&2; exit 1; }
if grep -E ' [TtWw] .*polis::(internal::OnPolicy|internal::block|SeparateTrainer|ActorCriticPolicy|ThreadPool)' <<<"$symbols" >&2; then
  echo "$3 has compiled what is another translation unit's" >&2
  exit 1
fi
"$2"
