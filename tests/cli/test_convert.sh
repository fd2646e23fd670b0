#!/usr/bin/env bash
# canto convert: every form there and back, what each has no room for, what is there already, and NumPy's opinion.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
cd "$WORK" || exit 1
tiny=(--width 32 --heads 2 --layers 2 --context 16 --batch 2 --steps 2 --threads 1 -q)
printf 'ché la diritta via era smarrita\n' | cat small.txt - >beyond.txt
run 0 train small.txt -o characters "${tiny[@]}" --tokenizer char
run 0 train small.txt -o bytes "${tiny[@]}" --tokenizer byte --qkv-bias off
run 0 train small.txt -o pairs "${tiny[@]}" --tokenizer bpe:300 --tie off
run 0 train small.txt -o words "${tiny[@]}" --tokenizer word --unknown '<UNK>'
run 0 train beyond.txt -o beyond "${tiny[@]}" --tokenizer char
run 0 train small.txt -o neo "${tiny[@]}" --preset gpt-neo-lite
run 0 train small.txt -o other "${tiny[@]}" --preset shakespeare-tiny

# difference FROM TO OPTIONS...: converts and checks; what --check says is in $D, and the format in $F.
difference() {
    run 0 convert "$@" --check --json --overwrite || return
    D=$(jq '.check.largest_difference' out)
    F=$(jq -r .format out)
}
# same FROM TO FORMAT: nothing is lost.
same() {
    difference "$1" "$2" && [ "$D" = 0 ] && [ "$F" = "$3" ] || fail "convert $1 $2: $F, difference $D"
    jq -e '.check.positions == 16 and .check.same_best == 16 and .check.largest_logit > 0' out >/dev/null || fail "convert $1 $2: $(cat out)"
}
for model in characters bytes pairs; do
    same $model $model.gguf gguf
    same $model.gguf $model.again folder
    cmp -s "$model.again/model.safetensors" "$(readlink -f $model/best)/model.safetensors" || fail "$model: other weights after GGUF"
    cmp -s $model.again/config.json "$model/best/config.json" || fail "$model: another config after GGUF"
    cmp -s $model.again/tokenizer.json "$model/best/tokenizer.json" || fail "$model: another tokenizer after GGUF"
done
for model in characters bytes pairs words beyond neo other; do
    same $model $model.safetensors safetensors
    same $model.safetensors $model.folder folder
    same $model.folder $model.npz npz
    cmp -s "$model.folder/model.safetensors" "$(readlink -f $model/best)/model.safetensors" || fail "$model: other weights in the folder"
done
for model in characters bytes words beyond; do
    same $model $model.bin llm.c
    same $model.bin $model.back folder
done
run 0 convert characters.bin with.gguf --tokenizer characters/best && run 0 convert with.gguf with && cmp -s with/tokenizer.json characters/best/tokenizer.json ||
    fail "a tokenizer that is added"

# 16 bits: not the same, but near; and what was rounded once is not rounded again.
for form in pairs16 pairs16.gguf pairs16.safetensors; do
    for type in f16 bf16; do
        difference pairs $form --type $type
        jq -e '.check.largest_difference > 0 and .check.largest_difference < 0.05 * .check.largest_logit' out >/dev/null || fail "$form $type: $(cat out)"
        difference $form again-$form --type $type && [ "$D" = 0 ] || fail "$form $type again: $D"
        [ ! -d $form ] || jq -e --arg t $type '.torch_dtype == {f16: "float16", bf16: "bfloat16"}[$t]' $form/config.json >/dev/null || fail "torch_dtype of $type"
    done
done
for type in int8 int4; do
    difference pairs blocks.gguf --type $type
    jq -e --argjson most "$([ $type = int8 ] && echo 0.03 || echo 0.5)" '.check.largest_difference > 0 and .check.largest_difference < $most * .check.largest_logit' out >/dev/null || fail "$type: $(cat out)"
    run 0 convert blocks.gguf again.gguf --type $type --overwrite && cmp -s blocks.gguf again.gguf || fail "$type of $type is another"
done
difference characters c16.bin --type bf16 && [ "$(head -c 8 c16.bin | od -An -td4 | tr -s ' ')" = " 20240326 5" ] || fail "llm.c's header"
[ "$(stat -c %s pairs.gguf)" -gt "$(($(stat -c %s pairs16.gguf) * 3 / 2))" ] || fail "f16 is not smaller"

# What a form has no room for, with nothing written.
refused 1 "no GPT-Neo" convert neo new.gguf
refused 1 "no model of this shape" convert other new.gguf
refused 1 "vocabulary of words" convert words new.gguf
refused 1 "beyond ASCII (here is 'é')" convert beyond new.gguf
refused 1 "no head of its own" convert pairs new.bin
refused 1 "no model of this shape" convert neo new.bin
refused 1 "--tokenizer" convert characters.bin new.gguf
refused 1 "not the model's tokenizer" convert characters.bin new.gguf --tokenizer bytes
refused 1 "no numbers of type bf16" convert pairs new.npz --type bf16
refused 1 "no numbers of type f16" convert characters new.bin --type f16
refused 1 "'nothing'" convert nothing new
refused 1 "no numbers of type int8" convert pairs new --type int8
refused 2 "f32|f16|bf16|int8|int4" convert pairs new --type f64
refused 2 "canto convert FROM TO" convert pairs
[ ! -e new ] && [ ! -e new.gguf ] && [ ! -e new.bin ] && [ ! -e new.npz ] || fail "something was written"
ls ./*.tmp* 2>/dev/null && fail "something was left behind"

# What is there already.
refused 1 "add --overwrite" convert pairs pairs.gguf
refused 1 "add --overwrite" convert pairs pairs.folder
mkdir empty.gguf taken
refused 1 "empty.gguf is a folder" convert pairs empty.gguf
refused 1 "small.txt is a file" convert pairs small.txt --overwrite
run 0 convert pairs taken -q && [ ! -s err ] || fail "an empty folder is no model"
run 0 convert pairs said && has err "said: folder, f32"
run 0 convert characters said.gguf --check && has out "largest difference of logits  0" && has out "16 of 16 positions"

# They write the same, and are read wherever a model is.
want=$("$CANTO" generate pairs -p "In the" --greedy -n 12 -q)
for form in pairs.gguf pairs.again; do
    [ "$("$CANTO" generate $form -p "In the" --greedy -n 12 -q)" = "$want" ] || fail "$form writes something else"
done
run 0 inspect pairs.gguf && has out 300

# NumPy reads all arrays as they were written.
run 0 convert pairs half.npz --type f16
/usr/bin/python3 - pairs.npz half.npz "$(readlink -f pairs/best)/model.safetensors" <<'PYTHON' || fail "NumPy reads something else"
import json, struct, sys, zipfile
import numpy

whole, half = numpy.load(sys.argv[1]), numpy.load(sys.argv[2])
data = open(sys.argv[3], "rb").read()
length = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8 : 8 + length])
del header["__metadata__"]
assert json.loads(whole["config.json"])["width"] == 32
assert set(whole.files) == set(header) | {"config.json"}
for name, entry in header.items():
    begin, end = entry["data_offsets"]
    want = numpy.frombuffer(data[8 + length + begin : 8 + length + end], "<f4").reshape(entry["shape"])
    assert whole[name].dtype == numpy.float32 and numpy.array_equal(whole[name], want), name
    assert half[name].dtype == numpy.float16 and numpy.array_equal(half[name], want.astype(numpy.float16)), name
assert zipfile.ZipFile(sys.argv[1]).testzip() is None
PYTHON
finish
