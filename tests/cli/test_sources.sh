#!/usr/bin/env bash
# Rows of the sources as commands: 000-2 (a sentence grows), 003-3 to 003-9 (Dante's stages), 004 (characters).
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

# 004: evaluations on the way, 500 characters from a newline
run 0 train "$WORK/small.txt" -o "$WORK/tiny" --preset shakespeare-tiny --steps 10 --eval-every 5 --eval-batches 2 \
    --schedule cosine --warmup 3 --batch 8
has err "step 5  train loss" && has err "step 10  train loss"
[ "$(grep -c '^[0-9]*,[^,]*,[^,]*,[^,]*,[0-9]' "$WORK/tiny/metrics.csv")" -eq 3 ] || fail "evaluations at 0, 5, 10: $(cat "$WORK/tiny/metrics.csv")"
run 0 generate "$WORK/tiny" -n 500 --json
jq -e '.prompt == "\n" and (.text | length) == 500' "$WORK/out" >/dev/null || fail "500 characters from a newline"
finish
