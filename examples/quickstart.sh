#!/usr/bin/env bash
# The main job in one command: installs what is missing, builds it, and lets four agents learn to trade.
#   examples/quickstart.sh [ARGUMENT-OF-TRADING...]      e.g. --csv prices.csv --seed 3; --help lists them
# The run's files go to runs/1, runs/2, ... in the current directory.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

bash "$root/.ci/install-dependencies" examples
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "Building (a minute or less)"
if ! { cmake -S "$root" -B "$root/build/quickstart" -G Ninja -DCMAKE_BUILD_TYPE=Release \
         -DPOLIS_BUILD_TESTS=OFF -DPOLIS_BUILD_BENCHMARKS=OFF &&
       cmake --build "$root/build/quickstart" --target trading; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
rm -f "$log"
exec "$root/build/quickstart/examples/trading" "$@"
