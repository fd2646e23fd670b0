#!/usr/bin/env bash
# Files that are missing, of the wrong sort, damaged or cut: one line that names the file, exit code 1, and nothing made.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
cd "$WORK" || exit 1
# No hostile size may lead to a large allocation. The sanitizers need their address space.
[ -n "${CANTO_SANITIZE:-}" ] || ulimit -v 8000000

tiny=(--preset mini --tokenizer char --width 16 --heads 2 --layers 1 --context 16 --batch 2 --steps 1 --threads 1)
run 0 train small.txt -o run "${tiny[@]}" -q
run 0 data prepare small.txt -o tokens --tokenizer char -q

# ----------------------------------------------------------------------------------------------- what is no file
mkdir folder
: >empty
mkfifo fifo
ln -s loop2 loop1
ln -s loop1 loop2
for path in nothing folder fifo loop1 /dev/zero ""; do
    refused 1 "'$path'" train "$path" -o new
    refused 1 "'$path'" eval run "$path"
done
refused 1 "'nothing'" data prepare nothing -o new
refused 1 "'folder'" tokenizer train folder -o new
for path in nothing fifo loop1 small.txt folder ""; do refused 1 "'$path'" generate "$path"; done
refused 1 "'nothing'" eval nothing small.txt
refused 1 "'folder'" inspect folder
for path in nothing fifo loop1 small.txt folder empty; do refused 1 "$path" tokenizer info "$path"; done
refused 1 folder train small.txt -o new --tokenizer folder
refused 1 /dev/zero tokenizer encode --tokenizer byte /dev/zero
refused 1 "'empty'" train empty -o new
refused 1 "a window of context 16 needs 17" train empty -o new "${tiny[@]}" --tokenizer byte
refused 1 "two are needed" eval run empty
refused 2 "config nothing" train small.txt -o new --config nothing

# A name is shown on one line, whatever bytes it is made of.
refused 1 'new\x0Aline\x1B[31m' train $'new\nline\e[31m' -o new
refused 1 '\xFF' train $'\xff' -o new

# Without the right to read. Root has it always, and becomes somebody else; the program must be where that one can go.
cp small.txt secret.txt
cp -r "$(readlink -f run/last)" secret
chmod 000 secret.txt secret/model.safetensors
chmod 755 .
cp "$CANTO" program
as_somebody=()
[ "$(id -u)" != 0 ] || as_somebody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
for arguments in "eval run secret.txt" "generate secret" "train small.txt -q -o ../$(basename "$WORK")/new"; do
    # shellcheck disable=SC2086
    "${as_somebody[@]}" ./program $arguments >out 2>err </dev/null
    [ $? = 1 ] || { [[ $arguments == train* ]] && [ "$(id -u)" != 0 ]; } || fail "without permission: $arguments"
    [ -s err ] && { one_line "$arguments"; has err "Permission denied"; }
done
rm -rf new

# ------------------------------------------------------------------------------------------------ invalid UTF-8
printf 'In the beginning \xff\xe2\x82 there were words, and words were numbers\n' >broken.txt
refused 1 "'broken.txt' is not valid UTF-8 at byte 17" train broken.txt -o new --tokenizer char
has err "set invalid to replace"
run 0 train broken.txt -o taken "${tiny[@]}" --tokenizer bpe --split 1 -q && has err "warning: 'broken.txt' is not valid UTF-8 at byte 17: byte pairs take its bytes as they are"
refused 1 "byte 17" eval run broken.txt
refused 1 "byte 0" generate run -p $'\xff'
refused 1 U+FFFD eval run broken.txt --invalid replace
refused 2 "refuse|replace" eval run broken.txt --invalid perhaps
run 0 tokenizer train broken.txt -o learnt --kind char --invalid replace -q
run 0 tokenizer encode --tokenizer learnt broken.txt --invalid replace
cp out ids
"$CANTO" tokenizer decode --tokenizer learnt <ids >back 2>err || fail "decoding what was repaired"
printf 'In the beginning \xef\xbf\xbd\xef\xbf\xbd there were words, and words were numbers\n' >repaired.txt
cmp -s back repaired.txt || fail "not repaired as Unicode recommends: $(od -c back | head -3)"
run 0 train broken.txt -o replaced "${tiny[@]}" --context 8 --split 1 --invalid replace -q
run 0 tokenizer encode --tokenizer byte broken.txt
printf 'zero \0 byte' >zero.txt
refused 1 "'zero.txt' has a zero byte" train zero.txt -o new --tokenizer char

# ------------------------------------------------------------------------------------- a short text, unseen symbols
printf 'short text' >short.txt
refused 1 "a window of context 16 needs 17" train short.txt -o new "${tiny[@]}"
refused 1 "U+2603" generate run -p '☃'
has err "is not in the vocabulary"
printf 'a snowman ☃' >snow.txt
refused 1 "U+2603 '☃' at byte 10 of 'snow.txt'" eval run snow.txt
[ ! -e new ] || fail "something was made of bad input"

# ---------------------------------------------------------------------------------------------- damaged models
whole=$(readlink -f run/last)
weights=m/model.safetensors
# damaged TEXT COMMAND...: a copy of the model that the command has damaged is refused with one line that has the text.
damaged() {
    local text=$1
    shift
    rm -rf m
    cp -r "$whole" m
    "$@" || fail "cannot do: $*"
    refused 1 "$text" generate m -q -n 1
}
# put OFFSET BYTES: writes into the weights.
put() { printf "$2" | dd of=$weights bs=1 seek="$1" conv=notrunc status=none; }
header=$(od -An -tu8 -N8 "$whole/model.safetensors" | tr -d ' ')
for size in 0 4 8 100 $((7 + header)) $((8 + header)) $((9 + header)); do
    damaged model.safetensors truncate -s "$size" $weights
done
damaged "cut short" truncate -s -1 $weights
damaged "belong to no tensor" truncate -s +1 $weights
damaged "header should have" put 0 '\0\0\0\0\0\0\0\200'
damaged "header should have" put 0 '\377\377\377\377\377\377\377\377'
damaged "wte.weight\" holds NaN" put $((8 + header + 40)) '\0\0\300\177'
damaged "wte.weight\" holds an infinite value" put $((8 + header + 40)) '\0\0\200\377'
damaged "lacks model.safetensors" rm $weights
damaged "line 1 is not valid JSON" truncate -s 0 m/config.json
damaged "is not valid JSON" truncate -s 100 m/config.json
damaged "tokenizer.json" truncate -s 100 m/tokenizer.json
damaged "is no tokenizer" eval 'echo "{}" >m/tokenizer.json'
damaged "no tokenizer.json" rm m/tokenizer.json

# setting OLD NEW: changes a line of canto's object in config.json.
setting() { sed -i "s/$1/$2/" m/config.json && ! cmp -s m/config.json "$whole/config.json"; }
damaged "the config asks for [" setting '"width": 16' '"width": 32'
damaged "lacks the tensor" setting '"layers": 1' '"layers": 1048576'
damaged "layers is 1048577" setting '"layers": 1' '"layers": 1048577'
damaged "config.json" setting '"heads": 2' '"heads": 3'
has err "heads is 3"
damaged '"width" must be a whole number' setting '"width": 16' '"width": "16"'
damaged '"width" must be a whole number' setting '"width": 16' '"width": 16.0'
damaged '"width" is 4294967312' setting '"width": 16' '"width": 4294967312'
damaged '"width" must be a whole number' setting '"width": 16' '"width": 99999999999999999999'
damaged "width is -16" setting '"width": 16' '"width": -16'
damaged "norm_eps is -1" setting '"norm_eps": [^,]*' '"norm_eps": -1'
damaged "the config asks for [2147483647" setting '"vocab": [0-9]*' '"vocab": 2147483647'
damaged "the config asks for [16777216" setting '"context": 16' '"context": 16777216'
damaged '"norm" is "sideways"' setting '"norm": "pre"' '"norm": "sideways"'
damaged "duplicate object key" setting '"heads": 2' '"heads": 2, "heads": 2'
damaged "config.json" setting '"preset": "mini"' '"preset": "mi\\u0000ni"'
run 0 tokenizer train symbols.txt -o many --kind char -q
rm -rf m && cp -r "$whole" m && cp many/tokenizer.json m/
refused 1 "is not in the model's vocabulary" generate m -p '~' -q # a model may know fewer tokens than its tokenizer

# --------------------------------------------------------------------------------------------- damaged token files
# bad_tokens TEXT COMMAND...: as damaged, for the token file.
bad_tokens() {
    local text=$1
    shift
    cp tokens t
    "$@" || fail "cannot do: $*"
    refused 1 "'t'" eval run t
    has err "$text"
}
put_token() { printf "$2" | dd of=t bs=1 seek="$1" conv=notrunc status=none; }
bad_tokens "not in the vocabulary" put_token 0 c
bad_tokens "version 9" put_token 8 '\011'
bad_tokens "width of a token is 3" put_token 12 '\003'
bad_tokens "a vocabulary of 0" put_token 16 '\0'
bad_tokens "must be 0" put_token 20 '\001'
bad_tokens "should hold" put_token 31 '\377'
bad_tokens "must be 0" put_token 63 '\001'
bad_tokens "outside the vocabulary" put_token 70 '\377\377'
bad_tokens "ends inside its header" truncate -s 63 t
bad_tokens "should hold" truncate -s 64 t
bad_tokens "should hold" truncate -s -1 t
finish
