#!/usr/bin/env bash
# canto train --freeze: what is frozen keeps its bytes, what is trained does not know of it, memory and disk are smaller.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/runs.sh"
. "$(dirname "$0")/text.sh"

run 0 train "$WORK/small.txt" -o "$WORK/base" --tokenizer char --width 32 --heads 2 --layers 3 --context 32 --batch 4 --eval-batches 2 --steps 20 --seed 7
tac "$WORK/small.txt" >"$WORK/other.txt"
tuning="--from $WORK/base --batch 4 --eval-batches 2 --eval-every 5 --warmup 0 --lr 0.001 --sample-every 5 --dropout 0.1 --seed 3"
run 0 train "$WORK/other.txt" -o "$WORK/tuned" $tuning --steps 10 --freeze embeddings,positions,blocks:0-1
run 0 inspect "$WORK/base" --diff "$WORK/tuned/last" --json
jq -e '[.difference.modules[] | select(.changed > 0) | .name] as $changed | [.difference.modules[].name | select(test("^trf_blocks[.]2[.]|^final_norm"))] as $trained |
    ($trained | length) >= 14 and $changed == $trained' "$WORK/out" >/dev/null || fail "what changed: $(jq -c '[.difference.modules[] | select(.changed > 0) | .name]' "$WORK/out")"
# Of the optimizer the checkpoint has what is trained alone.
names() { tail -c +9 "$WORK/$1/last/optimizer.safetensors" | head -c 8000 | grep -ao '"m[.][a-z_0-9.]*"'; }
[ "$(names tuned | wc -l)" = 14 ] && [ "$(names tuned | grep -cv -e blocks.2 -e final_norm)" = 0 ] || fail "moments of what is frozen: $(names tuned)"
run 0 train "$WORK/other.txt" -o "$WORK/all" $tuning --steps 10
few=$(stat -c %s "$WORK/tuned/last/optimizer.safetensors") all=$(stat -c %s "$WORK/all/last/optimizer.safetensors")
[ $((few * 2)) -lt "$all" ] || fail "optimizer.safetensors: $few bytes of a third of the model, $all of all of it"

# Threads change nothing, and neither does an interruption.
run 0 train "$WORK/other.txt" -o "$WORK/threads" $tuning --steps 10 --freeze embeddings,positions,blocks:0-1 --threads 3
same_runs tuned threads
run 0 train "$WORK/other.txt" -o "$WORK/half" $tuning --steps 10 --freeze embeddings,positions,blocks:0-1 --save-every 5
rm -r "$WORK/half/step-00000010" "$WORK/half/last" "$WORK/half/best"
ln -s step-00000005 "$WORK/half/last"
run 0 train --resume "$WORK/half"
same_runs tuned half
refused 2 "--freeze" train --resume "$WORK/half" --steps 12 --freeze ffn

# plan: gradients and moments of what is trained.
sizes="--width 64 --heads 2 --layers 4 --context 32 --batch 1 --eval-batch 1 --vocab 100 --measure off --json"
run 0 plan $sizes --freeze embeddings,positions,norms,attention,blocks:1-3
up_down=$(((64 * 256 + 256 + 256 * 64 + 64)))
jq -e ".trained == $up_down and .memory.gradients_bytes == 4 * $up_down and .memory.moments_bytes == 8 * $up_down and
    .memory.weights_bytes == 4 * .parameters and .checkpoint_bytes - 65536 == 4 * .parameters + 8 * $up_down" "$WORK/out" >/dev/null || fail "plan: $(cat "$WORK/out")"

refused 1 "nothing" plan --freeze nothing --measure off
refused 1 "which are 0 to 3" plan --freeze blocks:4 --measure off
refused 1 "say embeddings" plan --freeze head --measure off
refused 1 "nothing is left to train" plan --freeze embeddings,positions,norms,attention,ffn --measure off
refused 1 "the model has none" train "$WORK/other.txt" -o "$WORK/none" --tokenizer char --positions none --freeze positions
[ ! -e "$WORK/none" ] || fail "a refused run left a folder"
finish
