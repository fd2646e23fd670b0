#!/usr/bin/env bash
# A disk that is too small, or full in the middle of a run: a clear error with exit 1, the checkpoints before it are whole, and
# with room again the run goes on to the same bytes. A tiny file system is mounted for it; where that cannot be (not root), the
# largest size of a file stands for it.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
. "$(dirname "$0")/runs.sh"
S="--width 16 --heads 2 --layers 1 --context 16 --batch 2 --eval-batches 1 --eval-every 200 --sample-every 500"

run 0 train "$WORK/small.txt" -o "$WORK/whole" $S --steps 2000 --quiet

# The journal outgrows the largest file: checkpoints still fit.
(
    ulimit -f 80
    "$CANTO" train "$WORK/small.txt" -o "$WORK/limited" $S --steps 2000 --quiet >"$WORK/out" 2>"$WORK/err"
    echo $? >"$WORK/code"
)
[ "$(cat "$WORK/code")" = 1 ] || fail "a file too large: exit $(cat "$WORK/code")"
has err "File too large" && has err "metrics.csv" && has err "free some space" && has err "is untouched"
run 0 generate "$WORK/limited" -n 3
run 0 train --resume "$WORK/limited" --quiet
same_runs whole limited

disk=$WORK/disk
mkdir "$disk"
if [ "$(id -u)" != 0 ] || ! mount -t tmpfs -o size=1m tmpfs "$disk" 2>"$WORK/err"; then
    echo "SKIP: no file system can be mounted here, so none is filled"
    finish
fi
trap 'umount "$disk"; rm -rf "$WORK"' EXIT
run 1 train "$WORK/small.txt" -o "$disk/deep/run" --width 128 --heads 2 --layers 4 --steps 1000
has err "MB of disk" && has err "MB free" && has err "keep"
[ ! -e "$disk/deep" ] || fail "a run that does not fit made a folder"
start '"checkpoint"' train "$WORK/small.txt" -o "$disk/run" $S --steps 2000
cat /dev/zero >"$disk/filler" 2>"$WORK/full" # until there is no room
drain
[ $CODE -eq 1 ] || fail "a full disk: exit $CODE: $(cat "$WORK/err")"
has err "No space left on device" && has err "free some space" && has err "canto train --resume $disk/run"
run 0 generate "$disk/run" -n 3
run 1 train --resume "$disk/run" # still full
rm "$disk/filler"
run 0 train --resume "$disk/run" --quiet
mv "$disk/run" "$WORK/filled"
same_runs whole filled
finish
