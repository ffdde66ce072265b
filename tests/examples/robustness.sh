#!/usr/bin/env bash
# What examples/trading says to bad input, and what it keeps through full disks, Ctrl-C and kill -9.
#   tests/examples/robustness.sh PATH-TO-TRADING EU-INDICES.CSV
set -uo pipefail
trading=$(realpath "$1") prices=$(realpath "$2")
work=$(mktemp -d)
trap 'umount "$work/disk" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

fail() {
  echo "FAILED: $*" >&2
  failures=$((failures + 1))
}

# A small run: some updates a second, a checkpoint after almost each.
small=(lanes=16 algorithm.steps=32 algorithm.minibatch=256 checkpoint.seconds=.01)

# run ARGUMENT...: the program's exit status in $status, its streams in out and err.
run() {
  status=0
  "$trading" "$@" >out 2>err || status=$?
}

# refuses WHAT PATTERN ARGUMENT...: exit status 1 and one line of error, which matches all of the pattern.
refuses() {
  local what=$1 pattern=$2
  shift 2
  run "$@"
  [[ $status -eq 1 ]] || fail "$what: exit status $status"
  [[ $(wc -l <err) -eq 1 ]] || fail "$what: $(wc -l <err) lines of error"
  grep -Eq -- "^trading: .*$pattern" err || fail "$what: says '$(cat err)', not '$pattern'"
}

# accepts WHAT ARGUMENT...: exit status 0.
accepts() {
  local what=$1
  shift
  run "$@"
  [[ $status -eq 0 ]] || fail "$what: exit status $status: $(tail -n 1 err)"
}

# The figures of a run's rows, without the columns that hold times.
figures() { cut -d, -f1,5- "$1/train.csv"; }

# Each row of both logs once and in order, and no other lines than whole ones.
check_logs() {
  awk -F, 'NR == 1 { columns = NF; if ($1 != "step") exit 1; next }
           NF != columns || $1 + 0 <= last { exit 1 } { last = $1 + 0 }' "$1/train.csv" ||
    fail "$2: rows of train.csv repeated or torn"
  awk '/^\{"kind":"training","step":[0-9]+,.*\}$/ { split($0, part, /[:,]/); step = part[4] + 0
         if (step <= last) exit 1; last = step; next }
       !/^\{"kind":"(run|message)".*\}$/ { exit 1 }' "$1/log.jsonl" ||
    fail "$2: rows of log.jsonl repeated or torn"
}

csv_files() {
  head -n 1 "$prices" >header
  awk -F, -v OFS=, 'NR == 100 { $3 = "n/a" } 1' "$prices" >text.csv
  awk -F, -v OFS=, 'NR == 100 { $3 = "" } 1' "$prices" >gap.csv
  awk -F, -v OFS=, 'NR == 100 { $3 = -$3 } 1' "$prices" >negative.csv
  awk 'NR == 100 { sub(/,[^,]*$/, "") } 1' "$prices" >short_row.csv
  head -n 2 "$prices" >one_row.csv
  head -n 60 "$prices" >few_rows.csv
  cp header no_rows.csv
  : >empty.csv
  { printf '\xef\xbb\xbf'; sed 's/$/\r/' "$prices"; } >crlf_bom.csv
  awk -F, -v OFS=, 'NR == 1 { print "day,a,b,c,d,e,f,g,h,i"; next }
                    { print $1, $2, $3, $4, $5, $2, $3, $4, $5, $2 }' "$prices" >nine.csv
  awk -F, -v OFS=, 'NR == 1 { print "date,open,high,low,close,volume"; next }
                    { print $1, $2, $2 * 1.01, $2 * .99, $2 * 1.001, 1000 }' "$prices" >ohlcv.csv
  awk -F, 'NR == 1 { print "date,symbol,close"; next }
           { print $1 ",DAX," $2; print $1 ",SMI," $3 }' "$prices" >long.csv
}

bad_input() {
  refuses "text in a CSV" "text.csv:100:[0-9]+: found 'n/a' in column 'SMI'; expected a number" --csv text.csv
  refuses "a gap in a CSV" "gap.csv:100:[0-9]+: .*empty; expected a number" --csv gap.csv
  refuses "a negative price" "negative.csv:100:[0-9]+: found '-.*expected a price above zero" --csv negative.csv
  refuses "a row that lacks a field" "short_row.csv:100.*expected" --csv short_row.csv
  refuses "a CSV of one row" "one_row.csv: found one row of prices; expected at least 2" --csv one_row.csv
  refuses "a CSV of few rows" "training range has 47 days; expected at least" --csv few_rows.csv
  refuses "a CSV without rows" "no_rows.csv.*expected" --csv no_rows.csv
  refuses "an empty CSV" "empty.csv" --csv empty.csv
  refuses "no CSV" "missing.csv: cannot be read: No such file" --csv missing.csv
  refuses "too many symbols" "nine.csv: found 9 symbols; expected at most 8" --csv nine.csv
  refuses "an unknown key" "algorithm.objective.clpi.*algorithm.objective.clip" algorithm.objective.clpi=.1
  refuses "a value of the wrong type" "algorithm.epochs.*many.*expected" algorithm.epochs=many
  refuses "a number out of range" "lanes = 0.*expected|lanes.*expected at least 1" lanes=0
  refuses "an unknown flag" "--sede.*--seed" --sede 3
  refuses "a flag without its value" "--csv has no value" --csv
  refuses "a word that is neither" "found 'prices.csv'; expected key=value" prices.csv
  refuses "a path for the checkpoint" "checkpoint.path: .*--out" checkpoint.path=here
  refuses "nothing to resume" "no checkpoint|no run" --resume --out nowhere
  printf 'algorithm:\n  epoch: 3\n' >settings.yaml
  refuses "an unknown key in YAML" "settings.yaml:2:3: .*epoch.*algorithm.epochs" --settings settings.yaml
  accepts "CRLF and BOM" --csv crlf_bom.csv --steps 512 "${small[@]}" --out crlf
  accepts "OHLCV" --csv ohlcv.csv --steps 512 "${small[@]}" --out ohlcv
  accepts "a row a day and symbol" --csv long.csv --steps 512 "${small[@]}" --out long
}

bad_checkpoints() {
  accepts "a short run" --steps 1024 "${small[@]}" --out whole
  for name in cut flipped foreign newer; do cp -r whole $name; done
  local size
  size=$(wc -c <whole/checkpoint)
  head -c $((size / 2)) whole/checkpoint >cut/checkpoint
  printf 'XXXX' | dd of=flipped/checkpoint bs=1 seek=$((size / 2)) conv=notrunc status=none
  printf 'PK\3\4 not ours' >foreign/checkpoint
  printf '\7' | dd of=newer/checkpoint bs=1 seek=8 conv=notrunc status=none
  refuses "a checkpoint cut off" "cut/checkpoint: the checkpoint is torn" --resume --out cut
  refuses "a checkpoint with changed bytes" "flipped/checkpoint: the checkpoint is torn.*checksum" --resume --out flipped
  refuses "a file that is no checkpoint" "foreign/checkpoint: this is not a polis checkpoint" --resume --out foreign
  refuses "a newer checkpoint" "newer/checkpoint: written by a newer polis: .*7" --resume --out newer
  refuses "other prices" "csv: found ohlcv.csv; expected .*the prices it began with" --resume --out whole --csv ohlcv.csv
  refuses "another number of lanes" "lanes=16 in the checkpoint; expected lanes=8" --resume --out whole lanes=8
  refuses "a folder in use" "whole: it holds the checkpoint of another run" --out whole
  accepts "the whole one" --resume --out whole --steps 2048
}

# A file size limit stands for a full disk where nothing can be mounted; SIGXFSZ is ignored, so writing fails.
full_disk() {
  local disk=$work/disk size
  accepts "a run to fill the disk after" --steps 1024 "${small[@]}" --out full
  size=$(wc -c <full/checkpoint)
  cp full/checkpoint full_before
  status=0
  (trap '' XFSZ; ulimit -f $((size / 2048)); "$trading" --resume --out full --steps 100000 >out 2>err) || status=$?
  [[ $status -eq 1 ]] || fail "a file size limit: exit status $status"
  tail -n 1 err | grep -q "cannot write the checkpoint: File too large (the previous checkpoint is untouched)" ||
    fail "a file size limit: says '$(tail -n 1 err)'"
  cmp -s full/checkpoint full_before || fail "a file size limit: the checkpoint changed"
  [[ ! -e full/checkpoint.tmp ]] || fail "a file size limit: a torn file is left"
  accepts "the disk has room again" --resume --out full --steps 2048

  mkdir "$disk"
  if ! mount -t tmpfs -o size=$((3 * size)) tmpfs "$disk" 2>/dev/null; then
    echo "no tmpfs can be mounted here: the full disk is tried by a file size limit alone"
    return
  fi
  accepts "a run on a small disk" --steps 1024 "${small[@]}" --out "$disk/run"
  cp "$disk/run/checkpoint" full_before
  head -c $((3 * size)) /dev/zero >"$disk/filler" 2>/dev/null
  run --resume --out "$disk/run" --steps 100000
  [[ $status -eq 1 ]] || fail "a full disk: exit status $status"
  tail -n 1 err | grep -Eq "^trading: .*(No space left|space on the disk)" || fail "a full disk: says '$(tail -n 1 err)'"
  cmp -s "$disk/run/checkpoint" full_before || fail "a full disk: the checkpoint changed"
  rm "$disk/filler"
  accepts "a disk with room again" --resume --out "$disk/run" --steps 2048
  check_logs "$disk/run" "a full disk"
}

# wait_for_rows FOLDER: until the run has logged some rows.
wait_for_rows() {
  local i
  for ((i = 0; i < 200; ++i)); do
    [[ -e $1/train.csv && $(wc -l <"$1/train.csv") -gt 3 ]] && return
    sleep .05
  done
  fail "$1: no rows after ten seconds"
}

interrupt() {
  "$trading" --steps 50000000 "${small[@]}" checkpoint.seconds=1000 --out stopped >out 2>err &
  local pid=$!
  wait_for_rows stopped
  kill -INT $pid
  status=0
  wait $pid || status=$?
  [[ $status -eq 130 ]] || fail "Ctrl-C: exit status $status"
  grep -Eq '^Stopped after [0-9]+ steps; all is saved. To go on: trading --resume --out stopped$' out ||
    fail "Ctrl-C: says '$(tail -n 1 out)'"
  local steps
  steps=$(sed -n 's/^Stopped after \([0-9]*\) .*/\1/p' out)
  [[ $(tail -n 1 stopped/train.csv | cut -d, -f1) == "$steps" ]] || fail "Ctrl-C: the log ends before step $steps"
  accepts "resuming after Ctrl-C" --resume --out stopped --steps $((steps + 512))
  check_logs stopped "Ctrl-C"
  [[ $(tail -n 1 stopped/train.csv | cut -d, -f1) == $((steps + 512)) ]] || fail "Ctrl-C: the run went on from elsewhere"
}

# Killed at twenty random moments and resumed each time, a run goes on as one that nobody disturbed. The moments lie
# within a few times what a run takes to start.
kills() {
  local i pid steps start longest hits=0 places resume=()
  start=$(date +%s%N)
  accepts "a run of one update" --steps 1 "${small[@]}" --out first
  longest=$((($(date +%s%N) - start) * 3 / 1000000 + 100))
  RANDOM=7
  for ((i = 0; i < 20; ++i)); do
    "$trading" --steps 100000000 "${small[@]}" --out killed "${resume[@]}" >out 2>err &
    pid=$!
    sleep "$(awk "BEGIN { print $RANDOM / 32768 * $longest / 1000 }")"
    kill -9 $pid 2>/dev/null
    status=0
    wait $pid 2>/dev/null || status=$?
    [[ $status -ne 137 ]] || hits=$((hits + 1))
    ! grep -q '^trading:' err || fail "after kill $i: $(grep '^trading:' err)"
    [[ -e killed/checkpoint ]] && resume=(--resume)
  done
  places=$(grep -o '"resumed_at":[0-9]*' killed/log.jsonl | sort -u | wc -l)
  [[ $hits -eq 20 && $places -ge 3 ]] || fail "kill -9: $hits of 20 runs hit at work, resumed at $places steps"
  steps=$(($(tail -n 2 killed/train.csv | head -n 1 | cut -d, -f1) + 1024))
  accepts "the end after twenty kills" --steps $steps "${small[@]}" --out killed "${resume[@]}"
  grep '%' out >killed_table
  accepts "an undisturbed run" --steps $steps "${small[@]}" --out calm
  check_logs killed "kill -9"
  cmp -s <(figures calm) <(figures killed) || fail "kill -9: other figures than those of an undisturbed run"
  cmp -s <(grep '%' out) killed_table || fail "kill -9: another table than that of an undisturbed run"
  echo "killed $hits times at work, resumed at $places different steps, $steps steps in all"
}

csv_files
for part in bad_input bad_checkpoints full_disk interrupt kills; do
  start=$SECONDS
  $part
  echo "$part: $((SECONDS - start)) s"
done
if [[ $failures -gt 0 ]]; then
  echo "$failures checks failed"
  exit 1
fi
echo "all checks passed"
