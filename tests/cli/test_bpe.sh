#!/usr/bin/env bash
# Byte-pair tokenizers trained by the program: the same whatever the threads and where the text comes from, with the size, the
# special tokens, the least frequency and the pattern asked for; interrupted, they leave nothing.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
# learn NAME OPTIONS...: trains $WORK/NAME on small.txt.
learn() {
    local name=$1
    shift
    run 0 tokenizer train "$WORK/small.txt" -o "$WORK/$name" "$@"
}
# vocabulary NAME, merges NAME
vocabulary() { jq '.model.vocab | length' "$WORK/$1/tokenizer.json"; }
merges() { jq '.model.merges | length' "$WORK/$1/tokenizer.json"; }
same() { cmp -s "$WORK/$1/tokenizer.json" "$WORK/$2/tokenizer.json" || fail "$1 and $2 differ"; }
other() { ! cmp -s "$WORK/$1/tokenizer.json" "$WORK/$2/tokenizer.json" || fail "$1 and $2 are the same"; }

learn one --size 300 --threads 1
has err "300 tokens: "
has err "bytes a token"
[ "$(vocabulary one) $(merges one)" = "300 44" ] || fail "--size 300 gives $(vocabulary one) tokens, $(merges one) merges"
for threads in 2 3; do
    learn threads$threads --size 300 --threads $threads
    same one threads$threads
done
learn named --kind bpe --size 300 && same one named
learn short --tokenizer bpe:300 && same one short
run 0 tokenizer info "$WORK/one" && has out bpe

# Standard input, alone and beside a file; texts are not one text.
"$CANTO" tokenizer train - -o "$WORK/input" --size 300 -q <"$WORK/small.txt" || fail "standard input"
same one input
"$CANTO" tokenizer train "$WORK/small.txt" - -o "$WORK/beside" --size 300 -q <"$WORK/small.txt" || fail "beside a file"
run 0 tokenizer train "$WORK/small.txt" "$WORK/small.txt" -o "$WORK/twice" --size 300
same beside twice
: >"$WORK/empty.txt"
run 1 tokenizer train "$WORK/empty.txt" -o "$WORK/none" --size 300 && has err "empty"
run 1 tokenizer train - -o "$WORK/none" --size 300 && has err "empty"
run 1 tokenizer train - -o "$WORK/none" --kind char && has err "bpe"
[ ! -e "$WORK/none" ] || fail "a training that failed left a folder"

# Any bytes are text.
printf 'ab\377ab\377ab\377 \0\0\0\0' >"$WORK/bytes.txt"
run 0 tokenizer train "$WORK/bytes.txt" -o "$WORK/bytes" --size 260
run 0 tokenizer encode --tokenizer "$WORK/bytes" "$WORK/bytes.txt" && cp "$WORK/out" "$WORK/ids"
run 0 tokenizer decode --tokenizer "$WORK/bytes" "$WORK/ids"
cmp -s "$WORK/out" "$WORK/bytes.txt" || fail "bytes that are no UTF-8 do not come back"

# Special tokens stand first; the size counts them.
learn special --size 300 --specials '<PAD>,<|endoftext|>'
[ "$(jq -c '[.model.vocab["<PAD>"], .added_tokens[1].id, .added_tokens[1].content]' "$WORK/special/tokenizer.json")" = '[0,1,"<|endoftext|>"]' ] ||
    fail "special tokens: $(jq -c .added_tokens "$WORK/special/tokenizer.json")"
[ "$(merges special)" = 42 ] || fail "with two special tokens there are $(merges special) merges"
refused 1 "has 258 tokens at least" tokenizer train "$WORK/small.txt" -o "$WORK/none" --size 257 --specials '<PAD>,<BOS>'
refused 1 "single byte" tokenizer train "$WORK/small.txt" -o "$WORK/none" --kind bpe --specials 'x'

# Nothing left to merge: fewer tokens, and a warning.
learn all --size 100000 --min-frequency 1
has err "not the 100000 asked for"
all=$(vocabulary all)
learn frequent --size 100000 --min-frequency 20
[ "$(vocabulary frequent)" -lt "$all" ] || fail "--min-frequency 20 leaves $(vocabulary frequent) of $all tokens"
learn default --size 100000
[ "$(vocabulary default)" -lt "$all" ] || fail "the default minimal frequency is not 2"
refused 2 "--size" tokenizer train "$WORK/small.txt" -o "$WORK/none" --size 255
refused 1 "size is -1" tokenizer train "$WORK/small.txt" -o "$WORK/none" --tokenizer bpe:many
refused 2 "give one of them" tokenizer train "$WORK/small.txt" -o "$WORK/none" --tokenizer bpe --kind bpe

# Patterns: by name, and a regular expression of ours where there is an engine.
learn cl100k --size 300 --pattern cl100k
learn whole --size 300 --pattern none
other one cl100k
other one whole
G="'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
if "$CANTO" doctor --json | jq -e '.build.pcre2 != "none"' >/dev/null; then
    learn mine --size 300 --pattern "(?:$G)"
    [ "$(jq -c .model "$WORK/mine/tokenizer.json")" = "$(jq -c .model "$WORK/one/tokenizer.json")" ] ||
        fail "GPT-2's pattern as an expression of ours gives other merges"
    learn again --size 300 --pattern '[a-z]+'
    other one again
    run 0 tokenizer encode --tokenizer "$WORK/mine" "$WORK/small.txt" && cp "$WORK/out" "$WORK/ids"
    run 0 tokenizer encode --tokenizer "$WORK/one" "$WORK/small.txt"
    cmp -s "$WORK/out" "$WORK/ids" || fail "encoding by an expression of ours differs"
    refused 1 "is no regular expression" tokenizer train "$WORK/small.txt" -o "$WORK/none" --size 300 --pattern '(a'
    printf 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' >"$WORK/slow.txt"
    refused 1 "takes too long" tokenizer train "$WORK/slow.txt" -o "$WORK/none" --size 300 --pattern '^(a|aa)+$'
else
    refused 1 "libpcre2-dev" tokenizer train "$WORK/small.txt" -o "$WORK/none" --size 300 --pattern '[a-z]+'
fi

# A word of ten million letters.
head -c 10000000 /dev/zero | tr '\0' a >"$WORK/word.txt"
run 0 tokenizer train "$WORK/word.txt" -o "$WORK/word" --size 300 && has err "not the 300 asked for"

# Ctrl-C while it reads: nothing is left.
set -m # the child gets signals of its own
mkfifo "$WORK/fifo"
"$CANTO" tokenizer train - -o "$WORK/stopped" --size 300 <"$WORK/fifo" 2>"$WORK/err" &
child=$!
{
    cat "$WORK/small.txt"
    sleep 0.3
    kill -s INT $child
    seq 1000000
} >"$WORK/fifo" 2>/dev/null
wait $child
code=$?
[ $code -eq 130 ] || fail "Ctrl-C: exit $code: $(cat "$WORK/err")"
[ ! -e "$WORK/stopped/tokenizer.json" ] || fail "Ctrl-C left a tokenizer"
set +m

# canto train makes one on the way, says so in run.json, and goes on with it.
S="--width 16 --heads 2 --layers 1 --context 16 --batch 2 --eval-batches 1 --quiet"
run 0 train "$WORK/small.txt" -o "$WORK/run" $S --steps 4 --tokenizer bpe:300
[ "$(jq -r '.command.tokenizer' "$WORK/run/run.json")" = bpe:300 ] || fail "run.json: $(jq -c .command "$WORK/run/run.json")"
same one run/last
run 0 train "$WORK/small.txt" -o "$WORK/half" $S --steps 2 --tokenizer bpe:300
run 0 train --resume "$WORK/half" --steps 4 -q
cmp -s "$WORK/run/last/model.safetensors" "$WORK/half/last/model.safetensors" || fail "a run with byte pairs goes on differently"
run 0 generate "$WORK/run" -p "the moon" -n 5

# Byte pairs are what train makes of texts unless the preset's source has characters or words: as many as the text bears.
# run.json says so, and the run goes on with them.
S="--width 16 --heads 2 --layers 1 --context 16 --batch 2 --eval-batches 1"
# default PRESET KIND WORDS: trains by default.
default() {
    run 0 train "$WORK/small.txt" -o "$WORK/$1" --preset "$1" $S --steps 2 && has err " ($3), "
    [ "$(jq -r .command.tokenizer "$WORK/$1/run.json")" = "$2" ] || fail "$1: run.json has $(jq -c .command "$WORK/$1/run.json")"
    run 0 train --resume "$WORK/$1" --steps 3 -q && run 0 generate "$WORK/$1" -p "the moon" -n 5 && has out "the moon"
}
default mini bpe "byte pairs"
default gpt-neo-lite bpe "byte pairs"
default shakespeare-tiny char characters
default dante-basic word words
run 0 tokenizer train "$WORK/small.txt" -o "$WORK/bears" && same bears mini/last
[ "$(vocabulary bears)" -gt 256 ] && [ "$(vocabulary bears)" -lt 300 ] || fail "3,000 bytes of text bear $(vocabulary bears) tokens"
lacks err warning
run 0 data prepare "$WORK/small.txt" -o "$WORK/tokens" && same bears tokens.tokenizer
run 0 train "$WORK/tokens" -o "$WORK/prepared" $S --steps 2 -q && cmp -s "$WORK/prepared/last/model.safetensors" "$WORK/mini/step-00000002/model.safetensors" ||
    fail "prepared tokens train another model"
run 0 train --resume "$WORK/prepared" --steps 3 -q
refused 1 "choose char or word" train "$WORK/small.txt" -o "$WORK/none" $S --unknown '<UNK>'

# A text that bears none is bytes, and what is saved is read again.
printf 'There is hardly anything here to learn from.' >"$WORK/short.txt"
run 0 train "$WORK/short.txt" -o "$WORK/short-run" $S --steps 1 --split 1 -q && [ "$(merges short-run/last)" = 0 ] || fail "a short text"
run 0 generate "$WORK/short-run" -p "There" -n 3 && run 0 tokenizer info "$WORK/short-run" && has out bpe
run 0 tokenizer encode --tokenizer "$WORK/short-run" "$WORK/short.txt" && cp "$WORK/out" "$WORK/ids" && run 0 tokenizer decode --tokenizer "$WORK/short-run" "$WORK/ids"
cmp -s "$WORK/out" "$WORK/short.txt" || fail "bytes alone do not come back"
finish
