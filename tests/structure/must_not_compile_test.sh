#!/usr/bin/env bash
# The runner of the must-not-compile tests must itself refuse what it is there to refuse.
#   must_not_compile_test.sh COMPILER [FLAG...]
set -euo pipefail
runner=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/must_not_compile.sh
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
failures=0

# verdict EXPECTED NAME REASON: runs the runner on standard input, which is the case, and compares.
verdict() {
  local expected=$1 name=$2 reason=$3 status=passes
  shift 3
  cat >"$name.cpp"
  bash "$runner" "$name.cpp" "${compiler[@]}" >"$name.txt" 2>&1 || status=refuses
  if [[ $status != "$expected" ]] || ! grep -qF -- "$reason" "$name.txt"; then
    echo "$name: the runner $status; expected that it $expected it, saying '$reason'; it said:" >&2
    cat "$name.txt" >&2
    failures=$((failures + 1))
  fi
}

compiler=("$@")
cat >library.hpp <<'E2'
template <class T> concept IsSmall = sizeof(T) <= 4;
template <IsSmall T> struct Holder {};
template <class T> struct Deep { static_assert(IsSmall<T>, "IsSmall"); };
E2

verdict passes names_the_concept "refused in" <<'E2'
// expect: IsSmall
#include "library.hpp"
Holder<double> holder;
E2
verdict refuses compiles "must not compile, and does" <<'E2'
// expect: IsSmall
#include "library.hpp"
Holder<float> holder;
E2
verdict refuses other_name "do not name IsLarge" <<'E2'
// expect: IsLarge
#include "library.hpp"
Holder<double> holder;
E2
verdict refuses inside_the_library "not in the case's own file" <<'E2'
// expect: IsSmall
#include "library.hpp"
Deep<double> deep;
E2
verdict refuses too_long "expected at most 3072" <<'E2'
// expect: IsSmall
#include "library.hpp"
Holder<double> a; Holder<double> b; Holder<double> c; Holder<double> d; Holder<double> e; Holder<double> f;
Holder<double> g; Holder<double> h; Holder<double> i; Holder<double> j; Holder<double> k; Holder<double> l;
E2
verdict refuses no_expectation "the first line is not" <<'E2'
#include "library.hpp"
E2
verdict refuses broken_control "must compile, and does not" <<'E2'
// expect: ok
#include "library.hpp"
Holder<double> holder;
E2
verdict passes control "compiles" <<'E2'
// expect: ok
#include "library.hpp"
Holder<float> holder;
E2
exit $((failures > 0))
