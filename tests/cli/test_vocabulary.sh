#!/usr/bin/env bash
# A model's vocabulary is the tokenizer's unless --vocab says otherwise: larger, or smaller as long as the text has no
# token beyond it.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
S="--tokenizer byte --width 16 --heads 2 --layers 1 --context 16 --batch 2 --steps 2 --eval-batches 1 --quiet"
# vocabulary RUN: the number in its config.
vocabulary() { jq .vocab_size "$WORK/$1/last/config.json"; }

run 0 train "$WORK/small.txt" -o "$WORK/own" $S
[ "$(vocabulary own)" = 256 ] || fail "a byte tokenizer gives a vocabulary of $(vocabulary own)"
for vocab in 300 128; do # the text is ASCII
    run 0 train "$WORK/small.txt" -o "$WORK/of$vocab" $S --vocab $vocab
    [ "$(vocabulary of$vocab)" = $vocab ] || fail "--vocab $vocab gives $(vocabulary of$vocab)"
    run 0 generate "$WORK/of$vocab" -p the -n 5
    run 0 eval "$WORK/of$vocab" "$WORK/small.txt"
done
run 1 train "$WORK/small.txt" -o "$WORK/few" $S --vocab 97
has err "vocabulary is 97, but the data holds the token 121: set vocab to at least 122"
run 1 eval "$WORK/of128" "$WORK/symbols.txt"
has err "holds the token 195, but the model's vocabulary is 128"
run 1 generate "$WORK/of128" -p é -n 5
has err "195"

# The same from a token file, whose header names the tokenizer's vocabulary.
run 0 data prepare "$WORK/small.txt" -o "$WORK/small.tok" --tokenizer byte
run 0 train "$WORK/small.tok" -o "$WORK/prepared" $S --vocab 128
run 1 train "$WORK/small.tok" -o "$WORK/less" $S --vocab 97
has err "set vocab to at least 122"
finish
