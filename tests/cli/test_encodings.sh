#!/usr/bin/env bash
# OpenAI's encodings: names, special tokens, and the ids of two other programs on 20,000 strings and on whole texts; and what
# is written of them, in Hugging Face's two libraries.
# shellcheck source=tests/cli/library.sh
. "$CANTO_SOURCE/tests/cli/library.sh"

CANTO_HOME="$WORK/home" refused 1 "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930" tokenizer info gpt2
has err "$WORK/home/r50k_base.tiktoken"
XDG_CACHE_HOME="$WORK" CANTO_HOME='' refused 1 "$WORK/canto/o200k_base.tiktoken" tokenizer info o200k

data=${CANTO_TEST_DATA:-}/tokenizers
if [ ! -r "$data/r50k_base.tiktoken" ]; then
    echo "SKIP: set CANTO_TEST_DATA to a folder with tokenizers/r50k_base.tiktoken and its like"
    [ "$FAILURES" -eq 0 ] && exit 77
    finish
fi
export CANTO_HOME=$data

# encode WANTED ARGUMENTS...: the ids of the text on standard input.
encode() {
    local want=$1 got
    shift
    got=$("$CANTO" tokenizer encode "$@") || fail "tokenizer encode $*"
    [ "$got" = "$want" ] || fail "tokenizer encode $*: $got, not $want"
}
printf 'Every effort moves you forward.' | encode '6109 3626 6100 345 2651 13' --tokenizer gpt2
printf 'Every day holds a lesson.' | encode '6109 1110 6622 257 11483 13' --tokenizer r50k
for path in "$data/encoder.json" "$data/vocab.bpe" "$data/r50k_base.tiktoken"; do
    printf 'Every day holds a lesson.' | encode '6109 1110 6622 257 11483 13' --tokenizer "$path"
done
printf 'a<|endoftext|>' | encode '64 27 91 437 1659 5239 91 29' --tokenizer gpt2
printf 'a<|endoftext|>' | encode '64 27 91 437 1659 5239 91 29' --tokenizer gpt2 --special text
printf 'a<|endoftext|>' | encode '64 50256' --tokenizer gpt2 --special allow
printf 'a<|fim_middle|><|endofprompt|>' | encode '64 100259 100276' --tokenizer cl100k --special allow
printf 'a<|endoftext|>' >"$WORK/special.txt"
refused 1 "special token '<|endoftext|>' at byte 1" tokenizer encode --tokenizer o200k --special refuse "$WORK/special.txt"
[ "$(printf '64 50256' | "$CANTO" tokenizer decode --tokenizer gpt2 --json)" = '"a<|endoftext|>"' ] || fail "decode --json"

hf=$CANTO_SOURCE/tests/hf
if ! command -v node >/dev/null || [ ! -d "$hf/node_modules/tiktoken" ] || [ ! -d "$hf/node_modules/gpt-tokenizer" ]; then
    echo "SKIP: node or tests/hf/node_modules is missing (make test installs them when npm is there)"
    [ "$FAILURES" -eq 0 ] && exit 77
    finish
fi
node "$hf/strings.mjs" 20000 1 >"$WORK/strings"
for text in "$CANTO_TEST_DATA"/*.txt; do jq -Rs . "$text" >>"$WORK/strings"; done
head -1000 "$WORK/strings" >"$WORK/few"
for name in r50k p50k cl100k o200k; do
    "$CANTO" tokenizer encode --tokenizer "$name" --lines --jsonl --json "$WORK/strings" >"$WORK/ids" || fail "$name: encode"
    node "$hf/encodings.mjs" "${name}_base" "$WORK/strings" "$WORK/ids" || fail "$name: other ids elsewhere"
    "$CANTO" tokenizer decode --tokenizer "$name" --lines --json "$WORK/ids" | jq -c . | cmp -s - <(jq -c . "$WORK/strings") ||
        fail "$name: the text does not come back"
    run 0 tokenizer save "$name" -o "$WORK/$name"
    "$CANTO" tokenizer encode --tokenizer "$WORK/$name" --lines --jsonl --json --special allow "$WORK/few" >"$WORK/few.ids" ||
        fail "$name: encode with what was written"
    node "$hf/strings_check.mjs" "$WORK/$name" "$WORK/few" "$WORK/few.ids" || fail "$name: Hugging Face's libraries differ"
done

# The checks can fail: one id changed is seen by each.
sed -i '1000s/\[[0-9]*/[1/' "$WORK/few.ids" && sed -i '1000s/\[[0-9]*/[1/' "$WORK/ids"
node "$hf/strings_check.mjs" "$WORK/o200k" "$WORK/few" "$WORK/few.ids" 2>/dev/null && fail "a wrong id went unnoticed"
node "$hf/encodings.mjs" o200k_base "$WORK/strings" "$WORK/ids" 2>/dev/null && fail "a wrong id went unnoticed"
finish
