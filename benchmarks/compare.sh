#!/usr/bin/env bash
# Compares two files of figures (benchmarks/run.sh --json) and flags by ratio what got worse.
#   benchmarks/compare.sh OLD.json NEW.json [--tolerance PERCENT]
# Compared are speeds (a unit "per second"), times and sizes; what is learnt is not. A ratio above 1 is an
# improvement. Ends with 1 where a figure is worse by more than PERCENT (5 by default). A figure that a file holds
# several times counts by its median.
set -euo pipefail
directory=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() { echo "benchmarks/compare.sh: $1" >&2; exit 2; }

files=() tolerance=5
while [[ $# -gt 0 ]]; do
  case $1 in
    --tolerance)
      [[ ${2-} =~ ^[0-9]+(\.[0-9]+)?$ ]] || fail "--tolerance expects a percentage"
      tolerance=$2; shift 2 ;;
    -h|--help) sed -n '2,6s/^# //p' "${BASH_SOURCE[0]}"; exit 0 ;;
    -*) fail "no such option: $1" ;;
    *) [[ -r $1 ]] || fail "cannot be read: $1"
       files+=("$1"); shift ;;
  esac
done
[[ ${#files[@]} -eq 2 ]] || fail "two files are expected: OLD.json NEW.json"

awk -v tolerance="$tolerance" "$(<"$directory/figures.awk")"'
  function median(list,   values, n, i, j, t) {
    n = split(list, values, " ")
    for (i = 2; i <= n; ++i)
      for (j = i; j > 1 && values[j] + 0 < values[j - 1] + 0; --j) {
        t = values[j]; values[j] = values[j - 1]; values[j - 1] = t
      }
    return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
  }
  # 1 where more is better, -1 where less is, 0 where it is no speed and no cost.
  function direction(unit) {
    if (unit ~ /\/s$/) return 1
    return unit ~ /^(s|ms|us|ns|bytes|MB|MiB|kB)$/ ? -1 : 0
  }
  !/^\{"name": / {
    printf "benchmarks/compare.sh: %s, line %d: no figure\n", FILENAME, FNR > "/dev/stderr"
    broken = 1; exit 2
  }
  {
    unit = text("unit"); name = text("name")
    if (!direction(unit)) next
    key = name SUBSEP number("threads") SUBSEP unit
    if (FILENAME == ARGV[1]) {
      before[key] = before[key] " " number("value")
    } else {
      if (!(key in after)) order[++count] = key
      after[key] = after[key] " " number("value")
    }
  }
  END {
    if (broken) exit 2
    for (i = 1; i <= count; ++i) {
      key = order[i]
      if (!(key in before)) continue
      split(key, part, SUBSEP)
      old = median(before[key]); new = median(after[key])
      if (old <= 0 || new <= 0) continue
      ratio = direction(part[3]) > 0 ? new / old : old / new
      slower = ratio < 1 - tolerance / 100
      worse += slower; ++compared
      printf "%-48s %2d %12.5g -> %12.5g %-10s %6.3f%s\n", part[1], part[2], old, new, part[3], ratio,
        (slower ? "  WORSE" : (ratio > 1 + tolerance / 100 ? "  better" : ""))
    }
    if (!compared) {
      print "benchmarks/compare.sh: the files have no figure in common" > "/dev/stderr"
      exit 2
    }
    printf "%d figures compared, %d worse by more than %g%%\n", compared, worse, tolerance
    exit worse > 0
  }' "${files[@]}"
