#!/usr/bin/env bash
# Text -> model -> text -> evaluation with each tokenizer; token files; --steps 0; JSON forms; samples; --config.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
S="--width 16 --heads 2 --layers 1 --context 16 --batch 4 --eval-batches 1 --quiet"

for kind in char byte word bpe:300; do
    run 0 train "$WORK/small.txt" -o "$WORK/$kind" $S --tokenizer $kind --steps 3 || continue
    for file in run.json metrics.csv best/model.safetensors last/config.json last/tokenizer.json; do
        [ -e "$WORK/$kind/$file" ] || fail "$kind: no $file"
    done
    run 0 generate "$WORK/$kind" -p "the beginning" -n 5 --seed 3 && has out "the beginning"
    cp "$WORK/out" "$WORK/first"
    run 0 generate "$WORK/$kind" -p "the beginning" -n 5 --seed 3 --stream off
    cmp -s "$WORK/out" "$WORK/first" || fail "$kind: the same seed wrote two texts"
    run 0 generate "$WORK/$kind" -p "the beginning" -n 5 --seed 3 --json
    jq -e '(.ids | length) == 5 and (.logprobs | length) == 5 and .prompt == "the beginning"' "$WORK/out" >/dev/null ||
        fail "$kind: generate --json: $(cat "$WORK/out")"
    run 0 generate "$WORK/$kind" -n 3 --count 2 && has out "1 of 2" && has out "2 of 2"
    run 0 eval "$WORK/$kind" "$WORK/small.txt" --json
    jq -e '.loss > 0 and .perplexity > 1 and .bits_per_byte > 0 and .tokens > 100' "$WORK/out" >/dev/null ||
        fail "$kind: eval --json: $(cat "$WORK/out")"
    run 0 eval "$WORK/$kind" "$WORK/small.txt" && has out perplexity
    run 0 inspect "$WORK/$kind" && has out "total"

    # tokenizer encode and decode, each the other's inverse
    run 0 tokenizer train "$WORK/small.txt" -o "$WORK/t/$kind" --tokenizer $kind
    run 0 tokenizer encode --tokenizer "$WORK/t/$kind" "$WORK/small.txt" && cp "$WORK/out" "$WORK/ids"
    run 0 tokenizer encode --tokenizer "$WORK/$kind" "$WORK/small.txt" --json
    [ "$(jq -r 'map(tostring) | join(" ")' "$WORK/out")" = "$(cat "$WORK/ids")" ] || fail "$kind: encode --json differs"
    run 0 tokenizer decode --tokenizer "$WORK/t/$kind" "$WORK/ids"
    if [ $kind = word ]; then
        [ "$(cat "$WORK/out")" = "$(tr -s ' \n' ' ' <"$WORK/small.txt" | sed 's/ $//')" ] || fail "word: decode"
    else
        cmp -s "$WORK/out" "$WORK/small.txt" || fail "$kind: decode is not encode's inverse"
    fi
    run 0 tokenizer encode --tokenizer "$WORK/t/$kind" --lines "$WORK/small.txt"
    [ "$(wc -l <"$WORK/out")" = 40 ] || fail "$kind: encode --lines"
    run 0 tokenizer info "$WORK/t/$kind" && has out "${kind%%:*}"

    # a token file is the texts, and trains to the same bytes
    run 0 data prepare "$WORK/small.txt" -o "$WORK/$kind.tokens" --tokenizer $kind --quiet
    run 0 train "$WORK/$kind.tokens" -o "$WORK/$kind.again" $S --steps 3
    cmp -s "$WORK/$kind/last/model.safetensors" "$WORK/$kind.again/last/model.safetensors" ||
        fail "$kind: a token file trains another model than its texts"
    run 0 eval "$WORK/$kind" "$WORK/$kind.tokens" --json
done
run 1 eval "$WORK/char" "$WORK/word.tokens" && has err "another tokenizer"
rm -r "$WORK/char.tokens.tokenizer"
run 1 train "$WORK/char.tokens" -o "$WORK/none" $S --steps 1 && has err "--tokenizer FOLDER"
run 1 generate "$WORK/char" -p "the ü" && has err "ü"
run 1 generate "$WORK/word" -p "the unheard" && has err unheard
run 0 train "$WORK/small.txt" -o "$WORK/unknown" $S --tokenizer word --unknown '<UNK>' --numbers '<NUM>' --steps 0
run 0 generate "$WORK/unknown" -p "the unheard 77" -n 1 && has out "the <UNK> <NUM>"

# the prompt from standard input, less its last newline
[ "$(echo "the moon" | "$CANTO" generate "$WORK/char" -n 2 --json | jq -r .prompt)" = "the moon" ] || fail "stdin"

# --json of train: metrics.csv's names, a line an event; samples; --config with the command line winning
echo '{"steps": 9, "width": 16, "heads": 2, "layers": 1, "context": 16, "tie": false, "betas": [0.8, 0.9]}' >"$WORK/c.json"
run 0 train "$WORK/small.txt" -o "$WORK/json" --config "$WORK/c.json" --steps 4 --eval-every 2 --eval-batches 1 \
    --sample-every 2 --sample-prompt "the " --json --quiet
jq -es 'map(.event) | (map(select(. == "step")) | length) == 4 and (map(select(. == "sample")) | length) == 2 and
    index("evaluation") != null and index("checkpoint") != null and .[-1] == "done"' "$WORK/out" >/dev/null ||
    fail "events of train --json: $(cut -c1-60 "$WORK/out")"
jq -es 'map(select(.event == "step"))[0] | has("step") and has("epoch") and has("tokens") and has("train_loss") and
    has("eval_train_loss") and has("val_loss") and has("lr") and has("grad_norm") and has("tokens_per_second") and
    has("seconds")' "$WORK/out" >/dev/null || fail "names of train --json"
grep -q -- "--- step 4 ---" "$WORK/json/samples.txt" || fail "samples.txt"
jq -e '.command.width == 16 and .command.steps == 4 and .command.tie == "off"' "$WORK/json/run.json" >/dev/null ||
    fail "the record in run.json: $(jq -c .command "$WORK/json/run.json")"
# The progress line: what it says, and what of it a pipe gets.
run 0 train "$WORK/small.txt" -o "$WORK/told" ${S% --quiet} --steps 2
grep -qE "^step 1/2  loss [0-9.]+  trend [0-9.]+  val [0-9.]+  [0-9.]+[KMG]? tokens/s  .* left  [0-9]+% of peak$" "$WORK/err" ||
    fail "progress: $(cat "$WORK/err")"
finish
