#!/usr/bin/env bash
# canto quantize: a model in fewer bits is a model folder that the other commands read, smaller, and nearly as good.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
run 0 train "$WORK/small.txt" -o "$WORK/m" --width 64 --heads 2 --layers 2 --context 32 --batch 8 --eval-batches 1 --steps 60 --lr 3e-3 --quiet
loss() { run 0 eval "$1" "$WORK/small.txt" --json && jq .loss "$WORK/out"; }
exact=$(loss "$WORK/m")
last=999999999
for type in f32 f16 bf16 int8 int4; do
    run 0 quantize "$WORK/m" --type $type -o "$WORK/$type" --json
    jq -e --arg t $type '.type == $t and .bytes > 0 and .bytes <= .bytes_before' "$WORK/out" >/dev/null || fail "$type: $(cat "$WORK/out")"
    bytes=$(stat -c %s "$WORK/$type/model.safetensors")
    case $type in bf16) [ $((bytes - last)) -lt 200 ] || fail "bf16 takes $bytes bytes, f16 $last" ;; *) [ "$bytes" -lt "$last" ] || fail "$type takes $bytes bytes" ;; esac
    last=$bytes
    now=$(loss "$WORK/$type")
    case $type in f32) most=0 ;; f16 | int8) most=0.003 ;; bf16) most=0.01 ;; int4) most=0.1 ;; esac
    jq -ne "($now - $exact | fabs) <= $most" >/dev/null || fail "$type: loss $now instead of $exact"
    run 0 generate "$WORK/$type" -p "In the" -n 20 --json
    cp "$WORK/out" "$WORK/two"
    run 0 generate "$WORK/$type" -p "In the" -n 20 --threads 1 --json
    cmp -s "$WORK/out" "$WORK/two" || fail "$type: one thread writes something else"
    run 0 inspect "$WORK/$type" --json
done
cmp -s "$WORK/f32/model.safetensors" "$WORK/m/best/model.safetensors" || fail "float32 is not what it was"
run 0 quantize "$WORK/m" -o "$WORK/int8" && has out "int8"
run 0 quantize "$WORK/int8" --type f32 -o "$WORK/again"
jq -ne "($(loss "$WORK/again") - $(loss "$WORK/int8") | fabs) < 0.003" >/dev/null || fail "int8 as float32 is another model"
run 2 quantize "$WORK/m"
run 2 quantize -o "$WORK/x"
run 2 quantize "$WORK/m" -o "$WORK/x" --type int3
refused 1 "$WORK/none" quantize "$WORK/none" -o "$WORK/x"
[ ! -e "$WORK/x" ] || fail "something was written"
finish
