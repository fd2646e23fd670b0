#!/usr/bin/env bash
# Fifty times the real program is killed at a random moment, and goes on: each run that so comes to its end is, byte for byte,
# the run that was never killed. The moments are random within a quarter of the time that a whole run took here: however fast
# the machine and the program are, a run is killed some times and then comes to its end.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
. "$(dirname "$0")/runs.sh"
RANDOM=20261
S="--width 16 --heads 2 --layers 1 --context 16 --batch 2 --dropout 0.1 --eval-batches 1 --eval-every 60
   --save-every 25 --keep 1 --sample-every 35 --steps 600"
killed=0 runs=0 begun=0

began=${EPOCHREALTIME//[!0-9]/} # microseconds
run 0 train "$WORK/small.txt" -o "$WORK/whole" $S --quiet
whole=$((${EPOCHREALTIME//[!0-9]/} - began))
while [ "$killed" -lt 50 ] && [ "$FAILURES" -eq 0 ]; do
    if [ "$begun" = 0 ]; then
        runs=$((runs + 1))
        rm -rf "$WORK/run"
    fi
    # Killed before there was a run.json: it begins again.
    if [ -e "$WORK/run/run.json" ]; then arguments=(--resume "$WORK/run"); else
        # shellcheck disable=SC2206 # words
        arguments=("$WORK/small.txt" -o "$WORK/run" $S)
    fi
    begun=1
    "$CANTO" train "${arguments[@]}" --quiet >"$WORK/out" 2>"$WORK/err" </dev/null &
    child=$!
    microseconds=$((whole * (RANDOM % 1000) / 4000))
    sleep "$((microseconds / 1000000)).$(printf %06d $((microseconds % 1000000)))"
    kill -s KILL $child 2>"$WORK/gone"
    wait $child 2>"$WORK/waited"
    code=$?
    case $code in
        137) killed=$((killed + 1)) ;;
        0) same_runs whole run; begun=0 ;;
        *) fail "after $killed kills: exit $code: $(cat "$WORK/err")" ;;
    esac
done
if [ -e "$WORK/run/run.json" ] && [ "$begun" = 1 ]; then
    run 0 train --resume "$WORK/run" --quiet
    same_runs whole run
fi
echo "$killed kills in $runs runs"
[ "$killed" -eq 50 ] || fail "only $killed kills"
finish
