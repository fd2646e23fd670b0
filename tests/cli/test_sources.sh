#!/usr/bin/env bash
# Rows of the sources as commands: 000-2 (a sentence grows), 001-2 and 001-4 (GPT-2's byte pairs; pages of the web in token
# files, tied weights), 003-3 to 003-9 (Dante's stages), 003-10 (the advanced tokenizer), 004 (characters, and byte pairs).
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"

# 000-2: an untrained model, three calls in a row
run 0 train "$WORK/small.txt" -o "$WORK/neo" --preset gpt-neo-lite --tokenizer word --steps 0 --quiet
sentence="the moon"
for i in 1 2 3; do
    run 0 generate "$WORK/neo" -p "$sentence" -n 1 --greedy || break
    longer=$(cat "$WORK/out")
    case $longer in "$sentence "*) ;; *) fail "'$longer' does not go on from '$sentence'" ;; esac
    sentence=$longer
done
[ "$(wc -w <<<"$sentence")" -eq 5 ] || fail "three calls made '$sentence'"

# 001-4: pages of the web as shards, a token between any two pages; tying saves the table of the head
for i in 1 2 3 4 5 6 7 8; do jq -Rsc --argjson i "$i" '{url: "page/\($i)", text: "\($i). \(.)"}' "$WORK/small.txt"; done >"$WORK/pages.jsonl"
head -n 5 "$WORK/pages.jsonl" >"$WORK/web-0.jsonl"
tail -n 3 "$WORK/pages.jsonl" >"$WORK/web-1.jsonl"
run 0 tokenizer train "$WORK/small.txt" -o "$WORK/pairs" --size 300 --specials '<|endoftext|>'
for shard in 0 1; do run 0 data prepare "$WORK/web-$shard.jsonl" -o "$WORK/web-$shard.tok" --tokenizer "$WORK/pairs" --quiet; done
jq -c .text "$WORK/pages.jsonl" >"$WORK/pages.strings"
run 0 tokenizer encode --tokenizer "$WORK/pairs" --lines --jsonl --json "$WORK/pages.strings"
tokens=$(($(jq -s 'map(length) | add' "$WORK/out") + 4 + 2)) # and what stands between pages
for tie in on off; do
    run 0 train "$WORK/web-0.tok" "$WORK/web-1.tok" -o "$WORK/web-$tie" --preset gpt2-untied --tie $tie --width 16 --heads 2 \
        --layers 1 --context 16 --batch 2 --steps 2 --eval-batches 1 --quiet
    run 0 inspect "$WORK/web-$tie" --json && jq .parameters.total "$WORK/out" >"$WORK/total-$tie"
done
[ "$(jq .data.tokens "$WORK/web-on/run.json")" = "$tokens" ] || fail "shards: $(jq -c .data "$WORK/web-on/run.json"), not $tokens"
[ "$(jq .tie_word_embeddings "$WORK/web-on/last/config.json")" = true ] || fail "--tie on is not in config.json"
[ $(($(cat "$WORK/total-off") - $(cat "$WORK/total-on"))) = $((300 * 16)) ] || fail "tying saves $(cat "$WORK"/total-*)"

# 003: the stages by epochs, with their averages and times, then from the verse's beginning
verse="Nel mezzo del cammin di nostra vita"
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    echo "$verse mi ritrovai per una selva oscura, $i volte la diritta via era smarrita."
done >"$WORK/verse.txt"
for stage in dante-basic dante-attention "dante --heads 1 --projection off --layers 2" "dante --heads 4 --layers 2"; do
    name=${stage// /_}
    run 0 train "$WORK/verse.txt" -o "$WORK/$name" --preset $stage --width 32 --context 16 --batch 4 --epochs 2 --split 0.8 || continue
    has err "epoch 2/2" && has err "average train loss" && has err "average evaluation loss" && has err "time"
    run 0 generate "$WORK/$name" -p "$verse" -n 8 -t 0.8 --top-k 10 && has out "$verse "
    [ "$(wc -w <"$WORK/out")" -eq 15 ] || fail "$name wrote $(wc -w <"$WORK/out") words, not 15"
    run 0 inspect "$WORK/$name" && has out "total"
done

# 003-10: numbers become <NUM>, wherever they stand, and four special tokens stand first, the last for what is unknown
echo "Nel 1300 la selva 7: canto34: e 12a, selva 99" >"$WORK/numbers.txt"
run 0 tokenizer train "$WORK/numbers.txt" -o "$WORK/advanced" --tokenizer word --numbers '<NUM>' --specials '<PAD>,<BOS>,<EOS>,<UNK>' --unknown '<UNK>'
run 0 tokenizer info "$WORK/advanced" --json
[ "$(jq -r '.tokens | join(" ")' "$WORK/out")" = '<PAD> <BOS> <EOS> <UNK> <NUM> <NUM>: <NUM>a, Nel canto<NUM>: e la selva' ] ||
    fail "tokens: $(jq -c .tokens "$WORK/out")"
echo "<BOS> la selva 2026 oscura canto1: <EOS>" >"$WORK/unheard.txt"
run 0 tokenizer encode --tokenizer "$WORK/advanced" "$WORK/unheard.txt" --special allow
[ "$(cat "$WORK/out")" = '1 10 11 4 3 8 2' ] || fail "special tokens, a number and an unknown word: $(cat "$WORK/out")"

# 004: evaluations on the way, 500 characters from a newline
run 0 train "$WORK/small.txt" -o "$WORK/tiny" --preset shakespeare-tiny --steps 10 --eval-every 5 --eval-batches 2 \
    --schedule cosine --warmup 3 --batch 8
has err "step 5  train loss" && has err "step 10  train loss"
[ "$(grep -c '^[0-9]*,[^,]*,[^,]*,[^,]*,[0-9]' "$WORK/tiny/metrics.csv")" -eq 3 ] || fail "evaluations at 0, 5, 10: $(cat "$WORK/tiny/metrics.csv")"
run 0 generate "$WORK/tiny" -n 500 --json
jq -e '.prompt == "\n" and (.text | length) == 500' "$WORK/out" >/dev/null || fail "500 characters from a newline"

# 004-11: byte pairs instead of characters; of the 211,777 weights, 129 belong to each of the 65 characters
run 0 train "$WORK/small.txt" -o "$WORK/byte-pairs" --preset shakespeare-tiny --tokenizer bpe:300 --steps 2 --eval-batches 1 --batch 4 --quiet
run 0 inspect "$WORK/byte-pairs" --json # (64 in, 64 and a bias out)
[ "$(jq .parameters.total "$WORK/out")" = $((211777 + (300 - 65) * 129)) ] || fail "weights with byte pairs: $(jq -c .parameters "$WORK/out")"
run 0 generate "$WORK/byte-pairs" -p "the moon" -n 20 --json
jq -e '.prompt == "the moon"' "$WORK/out" >/dev/null || fail "generating with byte pairs: $(cat "$WORK/out")"

# 001-2: GPT-2's byte pairs; 003-10 goes through them there and back
data=${CANTO_TEST_DATA:-}/tokenizers
if [ ! -r "$data/r50k_base.tiktoken" ]; then
    echo "skipped: rows 001-2 and 003-10 with GPT-2's vocabulary; set CANTO_TEST_DATA to a folder with tokenizers/r50k_base.tiktoken"
    finish
fi
export CANTO_HOME=$data
printf '%s\n' "Every effort moves you forward." "Every day holds a lesson." >"$WORK/sentences.txt"
run 0 tokenizer encode --tokenizer gpt2 --lines "$WORK/sentences.txt"
[ "$(tr '\n' '/' <"$WORK/out")" = '6109 3626 6100 345 2651 13/6109 1110 6622 257 11483 13/' ] || fail "gpt2: $(cat "$WORK/out")"
sed -E 's/[0-9]+/<NUM>/g' "$WORK/numbers.txt" >"$WORK/replaced.txt"
run 0 tokenizer encode --tokenizer gpt2 "$WORK/replaced.txt" && cp "$WORK/out" "$WORK/ids"
run 0 tokenizer decode --tokenizer gpt2 "$WORK/ids" && tr -s ' \n' '\n' <"$WORK/out" >"$WORK/words"
run 0 tokenizer info "$WORK/advanced" --json
[ "$(LC_ALL=C sort -u "$WORK/words")" = "$(jq -r '.tokens[4:][]' "$WORK/out")" ] || fail "by GPT-2's byte pairs the words are others: $(cat "$WORK/words")"
finish
