#!/usr/bin/env bash
# The same bytes for 1 to 4 threads and for a repeated run, with dropout on; another seed gives others.
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
train other --threads 2 --seed 2
for name in two three four again; do
    for folder in step-00000003 last; do
        cmp "$WORK/one/$folder/model.safetensors" "$WORK/$name/$folder/model.safetensors" || fail "$name differs in $folder"
    done
done
cmp -s "$WORK/one/last/model.safetensors" "$WORK/other/last/model.safetensors" && fail "the seed changes nothing"
finish
