#!/usr/bin/env bash
# Compiles every header alone, without a warning; then all of them together, and links that with itself: a function
# that lacks its `inline` is defined twice there.
# Where the environment has leave_out="HEADER...", those are left out: what they need is not installed.
#   headers_alone.sh INCLUDE-DIRECTORY SCRATCH-DIRECTORY COMPILER [FLAG...]
set -euo pipefail
include=$1
export scratch=$2
shift 2

rm -rf "$scratch"
mkdir -p "$scratch"

# Most of what a header costs is those it includes. The largest of these that it reaches is compiled ahead: as the
# header includes it before any code of its own, it stands alone by no less. From the least to the largest.
ahead=(polis/core/simd.hpp polis/env/multi_agent_env.hpp polis/algorithm/learner.hpp
  polis/algorithm/actor_critic.hpp)

# The index of the last of `ahead` that a header reaches through others; -1 if none.
declare -A reached
reach() {
  local header=$1 included most=-1 i
  if [[ -n ${reached[$header]-} ]]; then return; fi
  reached[$header]=-1
  while read -r included; do
    if [[ ! -f $included ]]; then continue; fi
    reach "$included"
    if ((reached[$included] > most)); then most=${reached[$included]}; fi
    for i in "${!ahead[@]}"; do
      if [[ ${ahead[i]} == "$included" ]] && ((i > most)); then most=$i; fi
    done
  done < <(sed -n 's/^#include <\(polis\/.*\)>.*/\1/p' "$header")
  reached[$header]=$most
}

# A file that includes the header alone, of which g++ finds what was compiled ahead beside it.
ahead_of() { echo "$scratch/ahead_${1//\//_}"; }

compile_ahead() {
  local unit
  unit=$(ahead_of "$1")
  echo "#include <$1>" >"$unit"
  "${@:2}" -x c++-header "$unit" -o "$unit.gch"
}

compile() {
  local header=$1 first=$2 unit=$scratch/${1//\//_} messages
  shift 2
  echo "#include <$header>" >"$unit.cpp"
  if [[ -n $first ]]; then set -- "$@" -include "$(ahead_of "$first")"; fi
  messages=$("$@" -fsyntax-only "$unit.cpp" 2>&1) ||
    { printf '%s does not compile alone:\n%s\n' "$header" "$messages" >&2; return 1; }
}
export -f compile compile_ahead ahead_of

cd "$include"
mapfile -t headers < <(find polis -name '*.hpp' | grep -vxF "$(tr ' ' '\n' <<<"${leave_out:-none}")" | LC_ALL=C sort)
[[ ${#headers[@]} -gt 0 ]] || { echo "no headers below $include" >&2; exit 1; }
printf '%s\n' "${ahead[@]}" |
  xargs -P "$(nproc)" -I '{}' bash -c 'compile_ahead "$@"' compile_ahead '{}' "$@"
for header in "${headers[@]}"; do
  reach "$header"
  first=
  if ((reached[$header] >= 0)); then first=${ahead[reached[$header]]}; fi
  printf '%s\0%s\0' "$header" "$first"
done >"$scratch/jobs"
xargs -0 -n 2 -P "$(nproc)" bash -c 'compile "${@: -2}" "${@:1:$# - 2}"' compile "$@" <"$scratch/jobs"

printf '#include <%s>\n' "${headers[@]}" >"$scratch/everything.cpp"
"$@" -c "$scratch/everything.cpp" -o "$scratch/everything.o"
cp "$scratch/everything.o" "$scratch/again.o"
"$@" -r -nostdlib "$scratch/everything.o" "$scratch/again.o" -o "$scratch/linked"
echo "${#headers[@]} headers compile alone and together"
