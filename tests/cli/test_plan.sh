#!/usr/bin/env bash
# canto plan: its numbers against the memory that canto train really takes, and the refusal of what is too large.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"

for i in $(seq 1 40); do # 3,000 words, some hundred of them once only
    cat "$WORK/small.txt" && echo "word$i other$((i * i)) last$((i * 7))"
done >"$WORK/long.txt"

# peak FILE ARGUMENTS...: trains; the largest resident memory in bytes into FILE.
peak() {
    local file=$1
    shift
    /usr/bin/time -f %M -o "$file" "$CANTO" train "$@" -o "$WORK/run" --quiet >"$WORK/out" 2>"$WORK/err" </dev/null ||
        fail "canto train $*: $(head -c 400 "$WORK/err")"
    rm -rf "$WORK/run"
    echo $(($(tail -n 1 "$file") * 1024)) >"$file"
}

# Within 5 %; what the sanitizers keep for themselves is not planned.
compare() {
    run 0 plan "$@" --measure off --json || return
    local planned taken
    planned=$(jq .memory.peak_bytes "$WORK/out")
    jq -e '.memory | (.weights_bytes + .gradients_bytes + .moments_bytes + .activations_bytes) < .peak_bytes' \
        "$WORK/out" >/dev/null || fail "plan $*: the parts are more than the whole"
    peak "$WORK/peak" "$@"
    taken=$(cat "$WORK/peak")
    echo "planned $planned, taken $taken: $*"
    if [ -z "${CANTO_SANITIZE:-}" ]; then
        [ $((planned * 100)) -ge $((taken * 95)) ] && [ $((planned * 100)) -le $((taken * 105)) ] ||
            fail "plan $*: $planned bytes planned, $taken taken"
    fi
}
little="--steps 2 --eval-batches 1"
compare "$WORK/long.txt" $little
compare "$WORK/long.txt" --preset shakespeare-tiny $little --threads 3
compare "$WORK/long.txt" --preset shakespeare-tiny $little --batch 3 --threads 1
compare "$WORK/long.txt" --preset mini --width 64 --tokenizer word --epochs 1 --context 32 --batch 8 --split 0.9
compare "$WORK/long.txt" $little --accumulate 3 --batch 4
compare "$WORK/long.txt" $little --batch 2 --eval-batch 24
compare "$WORK/long.txt" --preset shakespeare-tiny $little --parity torch --context 128 --dropout 0.1
compare "$WORK/long.txt" --width 512 --heads 8 --layers 8 --context 64 --batch 2 $little
compare "$WORK/long.txt" --width 512 --heads 8 --layers 8 --context 64 --batch 8 $little --recompute on
compare "$WORK/long.txt" --width 512 --heads 8 --layers 8 --context 64 --batch 2 $little --freeze embeddings,blocks:0-6
compare "$WORK/long.txt" --width 64 --heads 4 --layers 1 --context 1024 --batch 1 $little --sample-every 1
compare "$WORK/long.txt" --vocab 30000 --width 128 --layers 2 --heads 4 --context 32 --batch 2 $little
yes "$(cat "$WORK/small.txt")" | head -c 20000000 >"$WORK/large.txt"
compare "$WORK/large.txt" --preset shakespeare-tiny --batch 2 --eval-batch 2 --context 8 $little

# Without a text, and for people.
run 0 plan --preset gpt2 --measure off --json && jq -e '.memory.weights_bytes == 497759232 and .memory.moments_bytes == 2 * .memory.weights_bytes
    and .memory.gradients_bytes == .memory.weights_bytes and .disk_bytes > .checkpoint_bytes and
    .checkpoint_bytes > 3 * .memory.weights_bytes and (has("tokens_per_second") | not)' "$WORK/out" >/dev/null || fail "plan --preset gpt2"
run 0 plan --measure off && has out "at most, together" && has out "run folder" && has out "half the context"
run 2 plan --resume "$WORK/run" && has err "canto train --resume"
run 2 plan --widht 3 && has err "did you mean --width?"
run 1 plan "$WORK/missing.txt" && has err missing.txt

# How long: what was measured, and what follows from it. A model too large for a short try is tried in parts.
sizes="--width 16 --heads 2 --layers 2 --context 16 --batch 4"
run 0 plan "$WORK/long.txt" $sizes --steps 1000 --eval-every 100 --eval-batches 5 --accumulate 2 --json && jq -e '.updates == 1000 and
    .tokens == 128000 and .tokens_per_second > 0 and .seconds_total > .tokens / .tokens_per_second and (.instead | length == 3) and
    (.instead[1].instead | test("recompute")) and .instead[1].seconds_total > .seconds_total and
    .instead[2].seconds_total < .seconds_total and (.memory.peak_bytes as $peak | all(.instead[]; .peak_bytes <= 1.1 * $peak))' \
    "$WORK/out" >/dev/null || fail "times: $(head -c 900 "$WORK/out")"
for batch in 4 5 6 7; do # what the last window, and the last batch, leave over
    run 0 plan "$WORK/long.txt" $sizes --batch $batch --epochs 2 --split 0.9 --json --measure off && updates=$(jq .updates "$WORK/out")
    run 0 train "$WORK/long.txt" -o "$WORK/run" $sizes --batch $batch --epochs 2 --split 0.9 --eval-batches 1 --json &&
        [ "$updates" = "$(jq -s '.[-1].step' "$WORK/out")" ] || fail "batch $batch: $updates updates planned: $(tail -n 1 "$WORK/out")"
    rm -rf "$WORK/run"
done
if [ -z "${CANTO_SANITIZE:-}" ]; then
    run 0 plan --preset gpt2 --vocab 300 --layers 6 --context 128 --batch 16 --steps 10 --accumulate 2 && has out "with a part of the model" && has out "a parameter"
fi

# Too much: plan says so and what would fit, train refuses it, and what plan proposed passes. (A small model's memory hardly
# grows with its batch.)
if [ -z "${CANTO_SANITIZE:-}" ]; then
    ulimit -v 1000000
    middling="--width 512 --heads 8 --layers 6 --context 32"
    run 0 plan "$WORK/long.txt" --batch 4000 --measure off --json && jq -e .fits "$WORK/out" >/dev/null || fail "a small model's large batch"
    run 0 plan "$WORK/long.txt" $middling --batch 4000 --measure off --json && jq -e '.fits == false' "$WORK/out" >/dev/null || fail "it would not fit"
    advice=$(jq -r .advice "$WORK/out")
    run 1 train "$WORK/long.txt" -o "$WORK/run" $middling --batch 4000 && has err "are available" && has err "weights" && has err "A batch of"
    [ ! -e "$WORK/run" ] || fail "a refused training made a folder"
    fitting=$(sed -n 's/A batch of \([0-9]*\).*/\1/p' <<<"$advice")
    run 0 plan "$WORK/long.txt" $middling --batch $((fitting - 1)) --measure off --json && jq -e .fits "$WORK/out" >/dev/null || fail "the advice: $advice"
    run 0 train "$WORK/long.txt" -o "$WORK/run" $middling --batch $((fitting - 1)) --steps 1 --eval-batches 1
    run 0 train "$WORK/long.txt" -o "$WORK/wide" --width 384 --heads 6 --layers 6 --batch 1 --context 4096 --steps 0
    (
        ulimit -v 100000
        run 1 generate "$WORK/wide" -p In && has err "Writing with this model needs" && has err "are available" && has err "would fit"
        run 1 eval "$WORK/wide" "$WORK/long.txt" && has err "Evaluating this model needs" && has err "are available"
        exit "$FAILURES"
    ) || fail "a model whose keys and values are too large"
    run 0 generate "$WORK/wide" -p In -n 3
    run 0 plan --preset gpt3 --measure off && has out "The preset" && has out "would fit"
    run 0 plan --width 768 --heads 12 --context 8192 --preset mini --measure off && has out "A batch of 1 with a context of"
fi
finish
