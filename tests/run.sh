#!/usr/bin/env bash
# Installs what is missing, builds and runs every test.
#   tests/run.sh [--preset NAME] [--targets "NAME..."] [ARGUMENT-OF-CTEST...]
# e.g. `bash tests/run.sh --preset asan -R returns`. The presets are those of CMakePresets.json.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=release
targets=all
while [[ $# -gt 0 ]]; do
  case $1 in
    --preset) preset=${2:?"--preset expects a name"}; shift 2 ;;
    --targets) targets=${2:?"--targets expects names"}; shift 2 ;;
    -h|--help) sed -n '2,4s/^# //p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) break ;;
  esac
done

bash .ci/install-dependencies tests
cmake --preset "$preset" -DPOLIS_BUILD_BENCHMARKS=OFF
# shellcheck disable=SC2086  # several targets
cmake --build --preset "$preset" -j "$(nproc)" --target $targets
ctest --preset "$preset" -j "$(nproc)" "$@"
