#!/usr/bin/env bash
# Runs a program as so many ranks of this machine, as torchrun would; the status is bad where that of any is.
#   ranks.sh RANKS PROGRAM [ARGUMENT...]
set -euo pipefail
ranks=$1
shift
started=()
for ((rank = 0; rank < ranks; ++rank)); do
  RANK=$rank WORLD_SIZE=$ranks LOCAL_RANK=$rank MASTER_ADDR=127.0.0.1 MASTER_PORT=${MASTER_PORT:-29500} \
    timeout 600 "$@" &
  started+=($!)
done
status=0
for process in "${started[@]}"; do wait "$process" || status=$?; done
exit "$status"
