#!/usr/bin/env bash
# canto data prepare: in bounded memory, whatever a file unpacks to; interrupted or killed at any moment, it goes on to the same
# bytes.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
set -m # a child gets signals of its own
cd "$WORK" || exit 1
for i in 1 2 3 4 5 6 7 8 9 10; do cat small.txt symbols.txt && echo "$i"; done >book.txt

# Files that unpack to far more than there is memory.
head -c 400000000 /dev/zero | zstd -qc >bomb.zst
head -c 400000000 /dev/zero | gzip -1 -c >bomb.jsonl.gz
(
    FAILURES=0
    ulimit -v 300000
    run 0 data prepare bomb.zst -o bomb.tok --tokenizer byte --threads 2 --json
    jq -e '.tokens == 400000000' out >/dev/null || fail "a bomb: $(cat out)"
    run 1 data prepare bomb.jsonl.gz -o bomb.tok --tokenizer byte --quiet # a line without an end
    exit "$FAILURES"
) || fail "memory is not bounded by what is read at a time"
rm -rf bomb*


# Killed again and again, and interrupted: it goes on, the name appears at the end alone, and the bytes are those of one run.
for i in $(seq 12); do cat book.txt book.txt; done >more.txt
for i in $(seq 130); do cat more.txt; done >large.txt
gzip -1 -c more.txt >more.txt.gz
texts="more.txt large.txt more.txt.gz"
began=${EPOCHREALTIME//[!0-9]/}
run 0 data prepare $texts -o whole.tok --tokenizer byte --threads 1 --quiet
whole=$((${EPOCHREALTIME//[!0-9]/} - began))
RANDOM=20266
resumed=0 signal=KILL code=1
for i in $(seq 40); do
    "$CANTO" data prepare $texts -o piece.tok --tokenizer byte --threads $((i % 3 + 1)) --json >out 2>err </dev/null &
    child=$!
    microseconds=$((whole / 4 + whole * (RANDOM % 1000) / 3000))
    sleep "$((microseconds / 1000000)).$(printf %06d $((microseconds % 1000000)))"
    kill -s $signal $child 2>gone
    wait $child 2>waited
    code=$?
    case $code in
        0) [ "$(jq .resumed out)" = 0 ] || resumed=$((resumed + 1)) ;;
        130 | 137) [ ! -e piece.tok ] || fail "a name for something unfinished" ;;
        *) fail "exit $code: $(cat err)" ;;
    esac
    [ "$code" != 0 ] || { cmp whole.tok piece.tok || fail "gone on to other bytes"; rm piece.tok; }
    [ "$resumed" -lt 2 ] || break
    if [ $signal = KILL ]; then signal=INT; else signal=KILL; fi
done
[ "$code" = 0 ] || run 0 data prepare $texts -o piece.tok --tokenizer byte --quiet
echo "$resumed files were gone on with to their end, in $i attempts"
[ "$resumed" -ge 1 ] || fail "nothing was ever gone on with"
finish
