#!/usr/bin/env bash
# canto train --resume: stopped by Ctrl-C once or twice, by SIGTERM, SIGKILL or --max-time, a run goes on to the same bytes.
# What may change and what may not, a changed text, two runs in one folder, paths that moved.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
. "$(dirname "$0")/runs.sh"
S="--width 16 --heads 2 --layers 1 --context 16 --batch 2 --dropout 0.1 --eval-batches 1 --sample-every 40"

INSTANT=1e-6 # minutes: 60 microseconds, in which no machine makes 900 steps

# begin NAME OPTIONS...: trains in the background, and is beyond step 90.
begin() {
    local name=$1
    shift
    start '"step":90,' train "$WORK/small.txt" -o "$WORK/$name" $S "$@"
}
# goes_on NAME OPTIONS...: to the end, and it is the run that nothing stopped.
goes_on() {
    local name=$1
    shift
    run 0 train --resume "$WORK/$name" "$@"
    same_runs whole "$name"
}

run 0 train "$WORK/small.txt" -o "$WORK/whole" $S --steps 900 --eval-every 150 --quiet
for signal in INT TERM KILL; do
    begin $signal --steps 900 --eval-every 150
    kill -s $signal $CHILD
    drain
    if [ $signal = KILL ]; then [ $CODE -eq 137 ] || fail "KILL: exit $CODE"
    else
        [ $CODE -eq 130 ] || fail "$signal: exit $CODE: $(cat "$WORK/err")"
        has err "interrupted after step" && has err "to go on: canto train --resume $WORK/$signal"
    fi
    goes_on $signal
done
begin twice --steps 900 --eval-every 150
kill -s INT $CHILD
kill -s TERM $CHILD # two of the same kind might arrive as one
wait $CHILD 2>"$WORK/waited" # without anybody reading: it does not wait for its step
CODE=$?
[ $CODE -eq 130 ] || fail "two interruptions: exit $CODE: $(cat "$WORK/err")"
goes_on twice
run 0 train "$WORK/small.txt" -o "$WORK/time" $S --steps 900 --eval-every 150 --max-time $INSTANT
has err "the time is up after step" && has err "to go on: canto train --resume $WORK/time"
goes_on time --max-time 10
run 0 train --resume "$WORK/time" && has err "the run was complete already: 900 steps"
same_runs whole time

# The texts are found from anywhere, and where they have moved to.
cp "$WORK/small.txt" "$WORK/moving.txt"
(cd "$WORK" && "$CANTO" train moving.txt -o moved $S --steps 900 --eval-every 150 --max-time $INSTANT --quiet >"$WORK/out")
mkdir "$WORK/elsewhere" && mv "$WORK/moved" "$WORK/elsewhere/it's"
(cd / && "$CANTO" train --resume "$WORK/elsewhere/it's" --max-time $INSTANT) 2>"$WORK/err" >"$WORK/out"
has err "--resume '$WORK/elsewhere/it'\\''s'"
mv "$WORK/moving.txt" "$WORK/elsewhere/"
run 1 train --resume "$WORK/elsewhere/it's" && has err "moving.txt"
sed 's/evening/morning/' "$WORK/elsewhere/moving.txt" >"$WORK/changed.txt"
run 1 train --resume "$WORK/elsewhere/it's" "$WORK/changed.txt" && has err "is not the one"
mv "$WORK/elsewhere/it's" "$WORK/found"
goes_on found "$WORK/elsewhere/moving.txt" --max-time 10

# What may change.
for option in "--lr 1" "--width 32" "--seed 2" "--batch 3" "--preset mini" "--tokenizer byte" "--dropout 0" "--parity torch"; do
    run 2 train --resume "$WORK/INT" $option
    has err "$(cut -d' ' -f1 <<<"$option") cannot change when a run goes on" && has err "--steps"
done
run 0 train --resume "$WORK/INT" --seed 1337
run 2 train --resume "$WORK/INT" -o "$WORK/x" && has err "two runs"
run 1 train --resume "$WORK/INT" --steps 100 && has err "has made 900 steps already"
run 1 train --resume "$WORK/INT" --epochs 3 && has err "goes by steps"
run 0 train --resume "$WORK/INT" --steps 920 --save-every 10 --keep 0 --eval-every 0 --sample-every 10
has err "learning rate" && has err "going on after step 900"
[ -e "$WORK/INT/step-00000910" ] && [ -e "$WORK/INT/step-00000920" ] || fail "--save-every on resume"
grep -q -- '--- step 910 ---' "$WORK/INT/samples.txt" || fail "--sample-every on resume"
jq -e '.training.steps == 920 and .command.steps == 920 and .command.width == 16' "$WORK/INT/run.json" >/dev/null ||
    fail "run.json after resume: $(cat "$WORK/INT/run.json")"

# --keep N beside best and last.
run 0 train "$WORK/small.txt" -o "$WORK/keep" $S --steps 50 --save-every 5 --keep 2 --quiet
(cd "$WORK/keep" && ls -d step-*) >"$WORK/out"
has out step-00000050 && has out step-00000045 && has out step-00000040
[ "$(wc -l <"$WORK/out")" -le 4 ] || fail "--keep 2 left $(cat "$WORK/out")"

# One run at a time.
begin busy --steps 100000000 --eval-every 100000000
run 1 train --resume "$WORK/busy" && has err "Another run is writing"
run 1 train "$WORK/small.txt" -o "$WORK/busy" $S && has err "there is a run already" && has err "--resume $WORK/busy"
kill -s INT $CHILD
drain
run 1 train --resume "$WORK/none" && has err "has no run.json"
[ ! -e "$WORK/none" ] || fail "--resume made a folder"
mkdir "$WORK/early" && touch "$WORK/early/.lock" "$WORK/early/run.json.tmp-1-0"
run 0 train "$WORK/small.txt" -o "$WORK/early" $S --steps 2 --quiet

# A folder that nobody may write into, and one that vanishes. root may everything, and becomes nobody for it.
mkdir "$WORK/closed" && chmod 555 "$WORK/closed" && chmod 755 "$WORK"
cp "$CANTO" "$WORK/program"
nobody=()
if [ "$(id -u)" = 0 ]; then nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups); fi
"${nobody[@]}" "$WORK/program" train "$WORK/small.txt" -o "$WORK/closed/run" $S >"$WORK/out" 2>"$WORK/err"
CODE=$?
[ $CODE -eq 1 ] || fail "an unwritable folder: exit $CODE"
has err "$WORK/closed/run" && has err "Permission denied" && has err "check the permissions"
begin gone --steps 100000000 --eval-every 100000000 --save-every 50
mv "$WORK/gone" "$WORK/back"
drain
[ $CODE -eq 1 ] || fail "a folder that vanishes: exit $CODE"
has err "is gone"
run 0 generate "$WORK/back" -n 3
finish
