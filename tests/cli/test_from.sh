#!/usr/bin/env bash
# canto train --from: training on with a model that is there, and what is refused.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/runs.sh"
. "$(dirname "$0")/text.sh"

sizes="--tokenizer char --width 32 --heads 2 --layers 2 --context 32 --batch 4 --eval-batches 2 --seed 7"
run 0 train "$WORK/small.txt" -o "$WORK/base" $sizes --steps 30 --eval-every 10 --lr 0.01
tac "$WORK/small.txt" >"$WORK/other.txt" # the same characters
tuning="--batch 4 --eval-batches 2 --eval-every 5 --warmup 0 --sample-every 5"

# It begins with the model's loss, its shape and its tokenizer, and the optimizer is new; the text is another one.
run 0 train "$WORK/other.txt" -o "$WORK/still" --from "$WORK/base" $tuning --steps 0
cmp "$WORK/base/best/model.safetensors" "$WORK/still/last/model.safetensors" || fail "the weights are others than the model's"
cmp "$WORK/base/best/tokenizer.json" "$WORK/still/last/tokenizer.json" || fail "the tokenizer is another than the model's"
run 0 train "$WORK/other.txt" -o "$WORK/tuned" --from "$WORK/base" $tuning --steps 10 --dropout 0.1 --seed 3
jq -e '.from.weights_hash > 0 and (.from.path | test("/base/step-[0-9]+$")) and .command.from == .from.path and .training.lr == 0.0001 and
    .training.beta2 == 0.999 and .config.dropout_residual == 0.1 and .config.width == 32' "$WORK/tuned/run.json" >/dev/null || fail "run.json: $(cat "$WORK/tuned/run.json")"
run 0 eval "$WORK/base" "$WORK/other.txt" --json && before=$(jq .loss "$WORK/out")
run 0 eval "$WORK/tuned/last" "$WORK/other.txt" --json && jq -e ".loss < $before" "$WORK/out" >/dev/null ||
    fail "training on made it worse: $before, then $(cat "$WORK/out")"
run 0 train "$WORK/other.txt" -o "$WORK/cropped" --from "$WORK/base" $tuning --steps 2 --context 16
[ "$(jq .n_positions "$WORK/cropped/last/config.json")" = 16 ] || fail "a shorter context"
# The model's own file and checkpoint are models as well; a hash tells that they are the same.
run 0 train "$WORK/other.txt" -o "$WORK/file" --from "$WORK/base/best/model.safetensors" $tuning --steps 10 --dropout 0.1 --seed 3
same_runs tuned file
[ "$(jq .from.weights_hash "$WORK/file/run.json")" = "$(jq .from.weights_hash "$WORK/tuned/run.json")" ] || fail "two hashes of one model"
[ "$(jq -r .from.path "$WORK/file/run.json")" = "$(realpath "$WORK/base/best/model.safetensors")" ] || fail "the file's path"

# Interrupted and gone on with, the model away; and before the first checkpoint, when the model is needed.
run 0 train "$WORK/other.txt" -o "$WORK/half" --from "$WORK/base" $tuning --steps 10 --dropout 0.1 --seed 3 --save-every 5
mv "$WORK/base" "$WORK/away"
rm -r "$WORK/half/step-00000010" "$WORK/half/last" "$WORK/half/best"
ln -s step-00000005 "$WORK/half/last"
run 0 train --resume "$WORK/half"
same_runs tuned half
rm -r "$WORK"/half/step-* "$WORK/half/last" "$WORK/half/best"
refused 1 base train --resume "$WORK/half"
run 0 train --resume "$WORK/half" --from "$WORK/away"
same_runs tuned half
rm -r "$WORK"/half/step-* "$WORK/half/last" "$WORK/half/best"
refused 1 "other weights" train --resume "$WORK/half" --from "$WORK/tuned"
mv "$WORK/away" "$WORK/base"
run 0 train --resume "$WORK/half" --from "$WORK/base"
same_runs tuned half

# What contradicts the model is named.
more="train $WORK/other.txt -o $WORK/none --from $WORK/base"
refused 2 "width is 64, but the model to begin with has 32" $more --width 64
refused 2 "tied is off" $more --tie off
refused 2 "activation is relu" $more --activation relu
refused 2 "vocab is 9" $more --vocab 9
refused 2 "context is 64" $more --context 64
refused 2 "--preset" $more --preset gpt2
refused 2 "--init" $more --init torch
refused 1 "would make a new tokenizer" $more --tokenizer char
refused 1 "--tokenizer" $more --tokenizer "$WORK/nothing"
run 0 tokenizer train "$WORK/small.txt" -o "$WORK/bytes" --tokenizer byte
refused 1 "is another one (hash" $more --tokenizer "$WORK/bytes"
run 0 train "$WORK/other.txt" -o "$WORK/named" --from "$WORK/base" --tokenizer "$WORK/base" $tuning --steps 1
run 0 data prepare "$WORK/other.txt" -o "$WORK/bytes.tok" --tokenizer "$WORK/bytes"
refused 1 "another tokenizer" train "$WORK/bytes.tok" -o "$WORK/none" --from "$WORK/base"
run 0 data prepare "$WORK/other.txt" -o "$WORK/own.tok" --tokenizer "$WORK/base"
run 0 train "$WORK/own.tok" -o "$WORK/tokens" --from "$WORK/base" $tuning --steps 1
echo "a word and §" >"$WORK/strange.txt"
refused 1 "§" train "$WORK/strange.txt" -o "$WORK/none" --from "$WORK/base"
refused 1 "$WORK/nothing" train "$WORK/other.txt" -o "$WORK/none" --from "$WORK/nothing"
run 2 train -o "$WORK/none" --from "$WORK/base"
[ ! -e "$WORK/none" ] || fail "a refused run left a folder"
# A model that came without a tokenizer needs one.
cp -rL "$WORK/base/best" "$WORK/bare" && rm "$WORK"/bare/tokenizer*
refused 1 "--tokenizer" train "$WORK/other.txt" -o "$WORK/none" --from "$WORK/bare"
run 0 train "$WORK/other.txt" -o "$WORK/clothed" --from "$WORK/bare" --tokenizer "$WORK/base" $tuning --steps 1 && run 0 train --resume "$WORK/clothed" --steps 2

# plan counts the model that is open beside.
run 0 plan "$WORK/other.txt" --from "$WORK/base" --measure off --json && jq -e '.updates == 500 and .context == 32' "$WORK/out" >/dev/null || fail "plan: $(cat "$WORK/out")"
refused 2 "width is 64" plan --from "$WORK/base" --width 64 --measure off
finish
