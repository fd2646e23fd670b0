#!/usr/bin/env bash
# Help, mistyped names, bad numbers, exit codes.
. "$(dirname "$0")/library.sh"
echo "some text to train on" >"$WORK/a.txt"

run 0 help && has out "canto train" && has out inspect && has out "data prepare"
run 0 help train && has out --width && has out --max-time && has out "gelu-tanh|gelu|relu"
run 0 train --help && has out --sample-every
run 0 help tokenizer && has out "tokenizer encode"
run 0 help tokenizer encode && has out --jsonl
run 0 --version && grep -qE '^canto [0-9]+\.[0-9]+' "$WORK/out" || fail "--version"
for command in generate eval inspect "tokenizer train" "tokenizer decode" "tokenizer info" "data prepare"; do
    run 0 help $command && has out "usage: canto $command"
done
lacks out serve

run 2
run 2 trian && has err "did you mean train?"
run 2 help inspct && has err "did you mean inspect?"
run 2 tokenizer encod && has err "did you mean tokenizer encode?"
run 2 zzzzzzzzzz && lacks err "did you mean"
run 2 train a.txt -o r --widht 64 && has err "did you mean --width?"
run 2 train a.txt -o r --wamrup=3 && has err "did you mean --warmup?"
run 2 generate r --temprature 1 && has err "did you mean --temperature?"
run 2 train a.txt -o r --zzzzzzzzzz && has err "unknown option --zzzzzzzzzz" && lacks err "did you mean"
run 2 train a.txt -o r --width && has err "--width needs a value"
run 2 train a.txt -o r --quiet=3 && has err "--quiet takes no value"
run 2 train a.txt -o r --drop 1 && has err "could be several"

for bad in 12x 1.5 "" " 3" 99999999999999999999 2147483648 0 -4 nan 0x10; do
    run 2 train a.txt -o r --width "$bad" && has err "--width $bad: must be a whole number"
done
for bad in 1e-3x nan inf NAN 1e999 -1 "" 0x1p3; do
    run 2 train a.txt -o r --lr "$bad" && has err "--lr $bad: must be a number"
done
run 2 train a.txt -o r --dropout 1 && has err "--dropout 1: must be"
run 2 train a.txt -o r --betas 0.9 && has err "--betas 0.9: must be two numbers"
run 2 train a.txt -o r --betas 0.9,x && has err "--betas 0.9,x"
run 2 train a.txt -o r --tie yes && has err "--tie yes: must be on or off"
run 2 train a.txt -o r --norm sideways && has err "pre|post|none"
run 2 train a.txt -o r --attention-pattern gx && has err "--attention-pattern gx"
run 2 train a.txt -o r --steps 1 --epochs 1 && has err "--epochs"
run 2 train -o r && has err "which texts"
run 2 train a.txt && has err "add -o RUN"
run 2 train a.txt -o r --preset shakespear-tiny && has err shakespeare-tiny
run 2 train "$WORK/a.txt" -o "$WORK/r" --width 10 --heads 3
[ ! -e "$WORK/r" ] || fail "a refused training made a folder"

run 1 train "$WORK/missing.txt" -o "$WORK/r" && has err missing.txt
[ ! -e "$WORK/r" ] || fail "a failed training made a folder"
run 1 generate "$WORK/missing" && has err missing
run 1 eval "$WORK/missing" "$WORK/a.txt" && has err missing
run 1 inspect "$WORK/missing" && has err missing
run 1 tokenizer encode --tokenizer "$WORK/missing" && has err missing
run 1 train "$WORK/a.txt" -o "$WORK/r" --tokenizer "$WORK/missing" && has err "--tokenizer"
mkdir "$WORK/full" && touch "$WORK/full/x"
run 1 train "$WORK/a.txt" -o "$WORK/full" && has err "not empty" && has err "rm -r"
echo '{"widht": 3}' >"$WORK/c.json"
run 2 train "$WORK/a.txt" -o "$WORK/r" --config "$WORK/c.json" && has err 'did you mean "width"?'
echo '{"width": "3x"}' >"$WORK/c.json"
run 2 train "$WORK/a.txt" -o "$WORK/r" --config "$WORK/c.json" && has err "--width 3x"
echo '{"width": ' >"$WORK/c.json"
run 2 train "$WORK/a.txt" -o "$WORK/r" --config "$WORK/c.json" && has err "line 2"
run 2 inspect && has err "--preset"
run 2 train a.txt -o r --norm pots && has err "pre|post|none; did you mean post?"
run 1 train "$WORK/a.txt" -o "$WORK/r" --tokenizer wrod && has err "did you mean word?"
if [ -e /dev/full ]; then
    "$CANTO" help >/dev/full 2>/dev/null && fail "a full standard output goes unnoticed"
fi
finish
