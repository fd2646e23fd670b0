#!/usr/bin/env bash
# Ctrl-C and SIGTERM finish the step, save and exit with 130; --max-time saves and exits with 0.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
S="--width 16 --heads 2 --layers 1 --context 16 --batch 2 --steps 100000000 --eval-every 100000000 --eval-batches 1"
set -m # the child gets signals of its own (a background child without job control ignores SIGINT)
for signal in INT TERM; do
    : >"$WORK/events" # the child empties it as well, but perhaps only after the first look
    "$CANTO" train "$WORK/small.txt" -o "$WORK/$signal" $S --json >"$WORK/events" 2>"$WORK/err" </dev/null &
    child=$!
    wait_for '"step":5,' "$WORK/events"
    kill -s $signal $child
    wait $child
    code=$?
    [ $code -eq 130 ] || fail "$signal: exit $code: $(cat "$WORK/err")"
    has err "interrupted after step" && has err "$WORK/$signal"
    run 0 generate "$WORK/$signal" -n 3
    run 0 eval "$WORK/$signal" "$WORK/small.txt"
done
run 0 train "$WORK/small.txt" -o "$WORK/time" $S --max-time 0.01 --quiet
[ -e "$WORK/time/last/model.safetensors" ] || fail "--max-time saved nothing"
finish
