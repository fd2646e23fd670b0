#!/usr/bin/env bash
# The same bytes for 1 to 4 threads, for a repeated run, and in less memory, with dropout on; another seed gives others.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
train() { # NAME OPTIONS...
    local name=$1
    shift
    run 0 train "$WORK/small.txt" -o "$WORK/$name" --preset shakespeare-tiny --width 24 --heads 3 --layers 2 --context 24 \
        --batch 5 --dropout 0.2 --steps 6 --eval-every 3 --eval-batches 1 --quiet "$@"
}
train one --threads 1
train two --threads 2
train three --threads 3
train four --threads 4
train again --threads 2
train less --threads 2 --recompute on
train other --threads 2 --seed 2
for name in two three four again less; do
    for folder in step-00000003 last; do
        cmp "$WORK/one/$folder/model.safetensors" "$WORK/$name/$folder/model.safetensors" || fail "$name differs in $folder"
    done
done
cmp -s "$WORK/one/last/model.safetensors" "$WORK/other/last/model.safetensors" && fail "the seed changes nothing"

# A run may change its mind when it goes on.
train half --steps 3 && run 0 train --resume "$WORK/half" --steps 6 --recompute on --quiet
cmp "$WORK/one/last/model.safetensors" "$WORK/half/last/model.safetensors" || fail "recompute from step 3 on changes the weights"
finish
