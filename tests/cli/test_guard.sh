#!/usr/bin/env bash
# The run speaks up: a loss that is no number stops it and names the tensor, warnings say what to try, each once, also with
# --quiet and over a resume.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
S="--tokenizer char --width 32 --heads 2 --layers 1 --context 16 --batch 8 --warmup 0 --eval-batches 4"
once() { [ "$(grep -c -- "$1" "$WORK/all")" -eq 1 ] || fail "'$1' stands $(grep -c -- "$1" "$WORK/all") times in: $(cat "$WORK/all")"; }

# Weights that explode: nothing is saved after that.
run 1 train "$WORK/small.txt" -o "$WORK/explodes" $S --steps 500 --lr 1e6 --weight-decay 1e6 --clip 0 --save-every 1 --keep 0 --quiet
has err "first tensor with a number that is not finite" && has err "checkpoints before it are untouched" && has err "smaller learning rate"
grep -qE "At step [0-9]+ the loss is" "$WORK/err" || fail "no step: $(cat "$WORK/err")"
step=$(sed -nE 's/.*At step ([0-9]+) the loss is.*/\1/p' "$WORK/err")
[ ! -e "$WORK/explodes/step-$(printf %08d $((step + 1)))" ] || fail "a checkpoint was saved after step $step"

# A text that is learnt by heart: it validates on lines of another kind.
{
    head -n 12 "$WORK/small.txt"
    for i in 1 2 3 4; do echo "hills moon evening counted numbers words rose were $i"; done
} >"$WORK/tiny.txt"
run 0 train "$WORK/tiny.txt" -o "$WORK/heart" $S --dropout 0 --split 0.85 --steps 240 --lr 0.01 --eval-every 20 --quiet
cat "$WORK/err" >"$WORK/all"
run 0 train --resume "$WORK/heart" --steps 400 --quiet
cat "$WORK/err" >>"$WORK/all"
once "Validation was best at step" && once "more dropout or weight decay"
once "tokens a parameter" && once "smaller model (width, layers)"

# Less validation than a window.
head -n 3 "$WORK/small.txt" >"$WORK/short.txt"
run 0 train "$WORK/short.txt" -o "$WORK/short" --width 8 --heads 1 --layers 1 --context 64 --steps 2 --batch 1 --eval-batches 1
has err "less than the 65 of one window" && has err "Try more text" && lacks err nan
finish
