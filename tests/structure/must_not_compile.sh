#!/usr/bin/env bash
# Checks that a program is refused, and how: the first line of the case says what is expected.
#   // expect: ConceptName [ConceptName...]   fails; at most 3072 bytes of messages; their first line and the
#                                             first error are in the case's own file; each name appears
#   // expect: ok                             compiles (the positive control)
#   must_not_compile.sh CASE.cpp COMPILER [FLAG...]
set -euo pipefail
case=$1
shift
limit=3072

fail() {
  printf '%s: %s\n--- the compiler said:\n%s\n' "$case" "$1" "$messages" >&2
  exit 1
}

messages=
read -r first_line <"$case"
[[ $first_line =~ ^//\ expect:\ ([A-Za-z0-9_ ]+)$ ]] || fail "the first line is not '// expect: ConceptName'"
read -ra names <<<"${BASH_REMATCH[1]}"

status=0
messages=$(LC_ALL=C "$@" -fsyntax-only -fdiagnostics-color=never "$case" 2>&1) || status=$?
# The budget is the message's, not that of the folder the project happens to lie in.
messages=${messages//"$PWD/"/}
case=${case#"$PWD/"}
# Where polis.hpp was compiled ahead, the compiler does not say that the case includes it: it would, and that counts.
include=$(grep -nm1 '^#include <polis/polis.hpp>' "$case" | cut -d: -f1 || true)
messages=$(sed -E "s|^(.* from .*polis/polis\.hpp:[0-9]+):\$|\1,\n                 from $case:$include:|" <<<"$messages")
if [[ ${names[*]} == ok ]]; then
  [[ $status -eq 0 ]] || fail "must compile, and does not"
  echo "compiles"
  exit 0
fi

[[ $status -ne 0 ]] || fail "must not compile, and does"
size=$(printf '%s\n' "$messages" | wc -c)
[[ $size -le $limit ]] || fail "$size bytes of messages; expected at most $limit"
[[ $messages == "$case":* ]] || fail "the first line of the messages is not in the case's own file"
first_error=$(grep -m1 -E '(^|: )(fatal )?error: ' <<<"$messages") || fail "no error among the messages"
[[ $first_error == "$case":* ]] || fail "the first error is not in the case's own file"
for name in "${names[@]}"; do
  grep -qw -- "$name" <<<"$messages" || fail "the messages do not name $name"
done
echo "refused in $size bytes"
