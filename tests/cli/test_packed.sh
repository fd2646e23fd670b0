#!/usr/bin/env bash
# canto data prepare: packed files and lines of JSON are the plain texts; what is damaged or cut short is refused.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
cd "$WORK" || exit 1
for i in 1 2 3 4 5 6 7 8 9 10; do cat small.txt symbols.txt && echo "$i"; done >book.txt

# Plain, packed, in several members, as lines of JSON: the same tokens.
gzip -c book.txt >book.txt.gz
{ head -c 5000 book.txt | gzip -c && tail -c +5001 book.txt | gzip -c && head -c 512 /dev/zero; } >parts.txt.gz
zstd -qc book.txt >book.txt.zst
{ head -c 5000 book.txt | zstd -qc && tail -c +5001 book.txt | zstd -qc; } >parts.txt.zst
jq -Rsc '{id: 1, body: .}' book.txt | tee lines.jsonl lines.ndjson | gzip -c >lines.jsonl.gz
cp lines.jsonl.gz lines.ndjson.gz
for kind in char word byte; do
    run 0 data prepare book.txt -o plain.tok --tokenizer $kind --quiet
    for text in book.txt.gz parts.txt.gz book.txt.zst parts.txt.zst lines.jsonl lines.jsonl.gz lines.ndjson lines.ndjson.gz; do
        run 0 data prepare $text -o other.tok --tokenizer $kind --field body --threads 3 --quiet
        cmp plain.tok other.tok || fail "$kind: $text gives other tokens than book.txt"
        cmp plain.tok.tokenizer/tokenizer.json other.tok.tokenizer/tokenizer.json || fail "$kind: $text gives another tokenizer"
    done
done
[ -z "$(find . -name '*.part*')" ] || fail "something is left behind: $(find . -name '*.part*')"

# train and eval read packed texts too.
S="--width 16 --heads 2 --layers 1 --context 16 --batch 2 --steps 2 --eval-batches 1 --quiet"
run 0 train book.txt -o run $S && run 0 train book.txt.gz -o run_gz $S
cmp run/last/model.safetensors run_gz/last/model.safetensors || fail "a packed text trains another model"
run 0 eval run book.txt.zst

# Documents and what is between them.
printf '%s\n' '{"text":"one"}' '' '{"text":"two"}' >two.jsonl
run 0 data prepare two.jsonl small.txt -o two.tok --tokenizer char --specials '<EOS>' --json
jq -e '.documents == 3 and .tokens == 8 + .source_bytes - 6' out >/dev/null || fail "three documents: $(cat out)"
run 0 data prepare two.jsonl -o none.tok --tokenizer byte --end-of-text none --json && jq -e '.tokens == 6' out >/dev/null || fail "--end-of-text none: $(cat out)"
run 0 data prepare two.jsonl -o newline.tok --tokenizer byte --json && jq -e '.tokens == 7' out >/dev/null || fail "a newline between: $(cat out)"
refused 1 "has no '<X>' to put between documents" data prepare two.jsonl -o x.tok --end-of-text '<X>' --quiet
refused 1 "two.jsonl' line 1 has no text under the key \"body\"" data prepare two.jsonl -o x.tok --tokenizer byte --field body --quiet

# Hostile files: cut short, damaged, not what the name says, unpacked to far more than there is memory.
bad() { refused 1 "$1" data prepare "$2" -o bad.tok --tokenizer byte --quiet; [ -z "$(find . -name 'bad.tok*' -type f | grep -v tokenizer)" ] || fail "$2 leaves files: $(find . -name 'bad.tok*')"; }
for packed in gz zst; do
    head -c $(($(wc -c <book.txt.$packed) / 2)) book.txt.$packed >cut.txt.$packed
    bad "'cut.txt.$packed' is cut short" cut.txt.$packed
    { head -c 200 book.txt.$packed && printf 'damage' && tail -c +207 book.txt.$packed; } >damaged.txt.$packed
    bad "or damaged" damaged.txt.$packed
    cp small.txt named.$packed
    bad "'named.$packed' is no" named.$packed
    : >empty.$packed
    run 0 data prepare empty.$packed -o empty.tok --tokenizer byte --json && jq -e '.tokens == 0 and .documents == 1' out >/dev/null || fail "empty.$packed"
    bad "cannot open 'missing.$packed'" missing.$packed
done
finish
