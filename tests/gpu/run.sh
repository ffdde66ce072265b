#!/usr/bin/env bash
# Builds the tests and the benchmark of Device<Cuda>, for compute capability 9.0 and that of the machine's own
# GPU, runs them, those of Collective<Nccl> by two ranks where there are two GPUs, the memory checker over the
# tests, and writes one table.
#   tests/gpu/run.sh [--build | --run] [TABLE.md]      (by default build/gpu/figures.md)
# --build stops before the first program runs, so that another machine with the same file system, or a copy of
# build/gpu, goes on with --run: that one needs a GPU and its driver alone, --build nvcc 13 and no GPU. What else
# it needs is installed where it is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
only=
if [[ ${1:-} == --build || ${1:-} == --run ]]; then only=$1 && shift; fi
table=${1:-build/gpu/figures.md}

fail() { echo "tests/gpu/run.sh: $1" >&2; exit 1; }
capabilities=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | tr -d . | sort -u) ||
  [[ $only == --build ]] ||
  fail "no GPU; expected one that nvidia-smi lists (the CPU tests the same kernels: bash tests/run.sh -R device)"
command -v nvcc >/dev/null || PATH=$PATH:/usr/local/cuda/bin

if [[ $only != --run ]]; then
  command -v nvcc >/dev/null || fail "no nvcc; expected the CUDA Toolkit, version 13"
  # shellcheck disable=SC2086  # several GPUs
  architectures=$(printf '%s\n' 90 $capabilities | sort -nu | paste -sd ';')
  bash .ci/install-dependencies tests benchmarks
  cmake --preset release -B build/gpu -DPOLIS_BUILD_EXAMPLES=OFF -DPOLIS_CUDA_ARCHITECTURES="$architectures" \
    -DPOLIS_TEST_CUDA_FLAGS=-O3
  cmake --build build/gpu -j "$(nproc)" --target tests_gpu benchmark_cuda
fi
if [[ $only == --build ]]; then exit 0; fi
[[ -x build/gpu/tests/gpu/tests_gpu ]] || fail "build/gpu has no tests; expected what --build leaves there"

nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
build/gpu/tests/gpu/tests_gpu
if ! grep -q 'POLIS_NCCL_LIBRARY:FILEPATH=.*NOTFOUND' build/gpu/CMakeCache.txt; then
  if [[ $(nvidia-smi --query-gpu=name --format=csv,noheader | wc -l) -ge 2 ]]; then
    bash tests/gpu/ranks.sh 2 build/gpu/tests/gpu/tests_gpu --test-case='ranks of Nccl*'
  else
    echo "one GPU: Collective<Nccl> was tested as one rank"
  fi
fi
if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck; do
    compute-sanitizer --tool "$tool" --error-exitcode 1 build/gpu/tests/gpu/tests_gpu \
      --test-case='one update: odd widths*,one update: turns*' | tail -n 4
  done
else
  echo "compute-sanitizer is not installed: memory was not checked"
fi

build/gpu/benchmarks/benchmark_cuda --json build/gpu/figures.json
{
  gpu=$(nvidia-smi --query-gpu=name --format=csv,noheader | head -n 1)
  driver=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader | head -n 1)
  echo "$gpu, driver $driver, $(date +%Y-%m-%d)"
  echo
  echo '| Figure | Value | Unit | Sizes |'
  echo '| --- | ---: | --- | --- |'
  awk "$(<benchmarks/figures.awk)"'
    { printf "| %s | %.4g | %s | %s |\n", text("name"), number("value"), text("unit"), text("sizes") }' \
    build/gpu/figures.json
} >"$table"
cat "$table"
