#!/usr/bin/env bash
# Compiles every header alone, without a warning; then all of them together, and links the lot: a function that
# lacks its `inline` is defined twice there.
# Where the environment has leave_out="HEADER...", those are left out: what they need is not installed.
#   headers_alone.sh INCLUDE-DIRECTORY SCRATCH-DIRECTORY COMPILER [FLAG...]
set -euo pipefail
include=$1
export scratch=$2
shift 2

rm -rf "$scratch"
mkdir -p "$scratch"

compile() {
  local header=$1 unit=$scratch/${1//\//_} messages
  shift
  echo "#include <$header>" >"$unit.cpp"
  messages=$("$@" -c "$unit.cpp" -o "$unit.o" 2>&1) ||
    { printf '%s does not compile alone:\n%s\n' "$header" "$messages" >&2; return 1; }
}
export -f compile

cd "$include"
mapfile -t headers < <(find polis -name '*.hpp' | grep -vxF "$(tr ' ' '\n' <<<"${leave_out:-none}")" | LC_ALL=C sort)
[[ ${#headers[@]} -gt 0 ]] || { echo "no headers below $include" >&2; exit 1; }
printf '%s\n' "${headers[@]}" | xargs -P "$(nproc)" -I '{}' bash -c 'compile "$@"' compile '{}' "$@"

printf '#include <%s>\n' "${headers[@]}" >"$scratch/everything.cpp"
"$@" -c "$scratch/everything.cpp" -o "$scratch/everything.o"
"$@" -r -nostdlib "$scratch"/*.o -o "$scratch/linked"
echo "${#headers[@]} headers compile alone and together"
