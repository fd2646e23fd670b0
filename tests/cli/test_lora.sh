#!/usr/bin/env bash
# canto train --lora: adapters beside a frozen model, in PEFT's form; opened, they are one model.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/runs.sh"
. "$(dirname "$0")/text.sh"

run 0 train "$WORK/small.txt" -o "$WORK/base" --tokenizer char --width 32 --heads 2 --layers 2 --context 32 --batch 4 --eval-batches 2 --steps 20 --seed 7
tac "$WORK/small.txt" >"$WORK/other.txt"
tuning="--from $WORK/base --batch 4 --eval-batches 2 --eval-every 5 --warmup 0 --lr 0.01 --sample-every 5 --dropout 0.1 --seed 3"
all="--lora 4 --lora-alpha 6 --lora-targets qkv,projection,up,down"
sum=$(cat "$WORK"/base/step-*/model.safetensors | cksum)
run 0 train "$WORK/other.txt" -o "$WORK/lora" $tuning $all --steps 10 --json
cp "$WORK/out" "$WORK/events"
[ "$(cat "$WORK"/base/step-*/model.safetensors | cksum)" = "$sum" ] || fail "the model was changed"
[ "$(ls "$WORK/lora/last" | tr '\n' ' ')" = "adapter_config.json adapter_model.safetensors optimizer.safetensors tokenizer.json tokenizer_config.json trainer.json " ] ||
    fail "files: $(ls "$WORK/lora/last")"
jq -e '.peft_type == "LORA" and .r == 4 and .lora_alpha == 6 and .fan_in_fan_out and (.target_modules | length) == 4 and
    (.base_model_name_or_path | test("/base/step-[0-9]+$"))' "$WORK/lora/last/adapter_config.json" >/dev/null || fail "adapter_config.json"
tail -c +9 "$WORK/lora/last/adapter_model.safetensors" | head -c 8000 >"$WORK/header"
for name in attn.c_attn attn.c_proj mlp.c_fc mlp.c_proj; do
    for letter in A B; do
        [ "$(grep -ao "base_model.model.transformer.h.[01].$name.lora_$letter.weight" "$WORK/header" | sort -u | wc -l)" = 2 ] || fail "lacks $name $letter"
    done
done
# Weights, gradients and moments of the adapters alone: A and B of qkv, projection, up and down, 2 layers.
trained=$((2 * 4 * (32 + 96 + 32 + 32 + 32 + 128 + 128 + 32)))
bytes=$(stat -c %s "$WORK/lora/last/optimizer.safetensors")
[ "$bytes" -gt $((8 * trained)) ] && [ "$bytes" -lt $((8 * trained + 6000)) ] || fail "optimizer.safetensors: $bytes bytes, $trained trained"
run 0 plan "$WORK/other.txt" $tuning $all --measure off --json
jq -e ".trained == $trained and .memory.gradients_bytes % (4 * $trained) == 0 and .memory.moments_bytes == 8 * $trained and
    .memory.weights_bytes == 4 * .parameters and .checkpoint_bytes == 65536 + 12 * $trained" "$WORK/out" >/dev/null || fail "plan: $(cat "$WORK/out")"

# Opened, base and adapters are one model: its loss is what training saw, and a whole model made of it is the same.
run 0 eval "$WORK/base" "$WORK/other.txt" --json && before=$(jq .loss "$WORK/out")
run 0 eval "$WORK/lora/last" "$WORK/other.txt" --json && jq -e ".loss < $before - 0.05" "$WORK/out" >/dev/null || fail "adapters do not help: $before, $(cat "$WORK/out")"
run 0 generate "$WORK/lora" -p In -n 20 --greedy && cp "$WORK/out" "$WORK/text"
run 0 inspect "$WORK/lora" --json && [ "$(jq .parameters.total "$WORK/out")" = "$(run 0 inspect "$WORK/base" --json && jq .parameters.total "$WORK/out")" ] || fail "inspect"
# A training that goes on from it takes what was merged, and with a rate of 0 its first evaluation is the last one of the adapters.
run 0 train "$WORK/other.txt" -o "$WORK/whole" --from "$WORK/lora/last" --steps 0
run 0 generate "$WORK/whole" -p In -n 20 --greedy
cmp "$WORK/out" "$WORK/text" || fail "merged weights write another text"
run 0 convert "$WORK/lora/last" "$WORK/converted" && cmp "$WORK/converted/model.safetensors" "$WORK/whole/last/model.safetensors" || fail "convert does not join"
run 0 train "$WORK/other.txt" -o "$WORK/look" --from "$WORK/lora/last" --steps 1 --lr 0 --batch 4 --eval-batches 2 --seed 3 --json
jq -es --slurpfile e "$WORK/events" '(map(select(.event == "evaluation"))[0].val_loss) as $merged |
    ($e | map(select(.event == "evaluation"))[-1].val_loss) as $beside | ($merged - $beside) | fabs < 1e-5' "$WORK/out" >/dev/null || fail "merged and beside have other losses"

# Threads change nothing, and neither does an interruption; the base must be the one.
run 0 train "$WORK/other.txt" -o "$WORK/threads" $tuning $all --steps 10 --threads 3
run 0 train "$WORK/other.txt" -o "$WORK/half" $tuning $all --steps 10 --save-every 5
rm -r "$WORK/half/step-00000010" "$WORK/half/last" "$WORK/half/best"
ln -s step-00000005 "$WORK/half/last"
run 0 train --resume "$WORK/half"
for name in threads half; do
    for file in last/adapter_model.safetensors last/optimizer.safetensors samples.txt; do
        cmp "$WORK/lora/$file" "$WORK/$name/$file" || fail "$name differs in $file"
    done
    diff <(metrics lora) <(metrics "$name") >"$WORK/diff" || fail "$name differs in metrics.csv: $(head -n 4 "$WORK/diff")"
done
# Adapters beside adapters.
run 0 train "$WORK/other.txt" -o "$WORK/second" --from "$WORK/lora" --lora 2 --steps 2 --batch 4 --eval-batches 2
run 0 eval "$WORK/second/last" "$WORK/other.txt"
base=$(jq -r .base_model_name_or_path "$WORK/lora/last/adapter_config.json")
mv "$base" "$base.away"
refused 1 "does not open" generate "$WORK/lora" -p In -n 2
cp -rL "$WORK/whole/last" "$base"
refused 1 "weights are others by now" generate "$WORK/lora" -p In -n 2
refused 1 "other weights" train --resume "$WORK/half" --steps 12
rm -r "$base" && mv "$base.away" "$base"
# Damaged ones: one that stands beside itself, another rank than its tensors have, no path, another kind.
broken() {
    rm -rf "$WORK/broken" && cp -rL "$WORK/lora/last" "$WORK/broken"
    jq "$2" "$WORK/lora/last/adapter_config.json" >"$WORK/broken/adapter_config.json"
    refused 1 "$1" eval "$WORK/broken" "$WORK/other.txt"
}
broken "adapters beside adapters" ".base_model_name_or_path = \"$WORK/broken\""
broken "lora_A" '.r = 5'
broken '"r"' '.r = 0'
broken "base_model_name_or_path" 'del(.base_model_name_or_path)'
broken "LOHA" '.peft_type = "LOHA"'
broken "lm_head" '.target_modules = ["lm_head"]'
broken "is empty" '.target_modules = []'
broken "belongs to none" '.target_modules = ["attn.c_attn"]' # tensors of the other three would be lost without a word
broken "lora_alpha" '.lora_alpha = -1'
broken "weights_hash" '.canto = {}'
broken "rslora" '.use_rslora = true'

refused 1 "say which one to begin from" train "$WORK/other.txt" -o "$WORK/none" --tokenizer char --lora 4
refused 2 "--lora" train "$WORK/other.txt" -o "$WORK/none" $tuning --lora-alpha 4
refused 1 "cannot have an adapter" train "$WORK/other.txt" -o "$WORK/none" $tuning --lora 4 --lora-targets head
refused 1 "An adapter of rank 33" train "$WORK/other.txt" -o "$WORK/none" $tuning --lora 33
refused 1 "frozen already" train "$WORK/other.txt" -o "$WORK/none" $tuning --lora 4 --freeze ffn
refused 1 "keeps its positions" train "$WORK/other.txt" -o "$WORK/none" $tuning --lora 4 --context 16
[ ! -e "$WORK/none" ] || fail "a refused run left a folder"
finish
