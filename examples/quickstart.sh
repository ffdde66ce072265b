#!/usr/bin/env bash
# The main job in one command: installs what is missing, builds it, lets four agents learn to trade, and draws
# what came of it.
#   examples/quickstart.sh [ARGUMENT-OF-TRADING...]      e.g. --csv prices.csv --seed 3; --help lists them
# The run's files go to runs/1, runs/2, ... in the current directory; report.html among them is the report.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

bash "$root/.ci/install-dependencies" examples
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "Building (a minute or less)"
if ! { cmake -S "$root" -B "$root/build/quickstart" -G Ninja -DCMAKE_BUILD_TYPE=Release \
         -DPOLIS_BUILD_TESTS=OFF -DPOLIS_BUILD_BENCHMARKS=OFF &&
       cmake --build "$root/build/quickstart" --target trading report; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi

# The program says last in which folder everything lies; without it (--help) there is nothing to draw.
programs=$root/build/quickstart/examples
"$programs/trading" "$@" | tee -i "$log"  # Ctrl-C ends the training, not what it says last
folder=$(sed -n 's/^In \(.*\): checkpoint, settings.yaml.*/\1/p' "$log")
if [[ -n $folder ]]; then
  echo "Report: $("$programs/report" "$folder/report.html" "$folder" --title "Four agents trade")"
fi
