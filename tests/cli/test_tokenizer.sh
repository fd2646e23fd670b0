#!/usr/bin/env bash
# canto tokenizer: what encode shows on a terminal and elsewhere, info's scripts and longest tokens, compare's counts.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
cd "$WORK" || exit 1
printf 'the moon é 漢字 7\nÆther ß да \001\n' >mixed.txt
run 0 tokenizer train mixed.txt small.txt -o words --tokenizer word --quiet
run 0 tokenizer train mixed.txt small.txt -o chars --kind char --quiet

# Into a pipe go ids; pieces when they are asked for, without colours, each above its id.
run 0 tokenizer encode --tokenizer words mixed.txt
[ "$(wc -w <out)" = 9 ] && [ "$(wc -l <out)" = 1 ] || fail "ids into a pipe: $(cat out)"
cp out ids
run 0 tokenizer encode --tokenizer words mixed.txt --ids && cmp out ids || fail "--ids"
run 0 tokenizer encode --tokenizer words mixed.txt --pieces
! grep -q $'\033' out || fail "colours in a pipe"
[ "$(sed -n 2p out | xargs)" = "$(xargs <ids)" ] || fail "ids below the pieces: $(cat out)"
[ "$(sed -n 1p out | xargs)" = 'the moon é 漢字 7 Æther ß да x01' ] || fail "pieces: $(cat out)"
run 0 tokenizer encode --tokenizer chars mixed.txt --pieces
[ "$(wc -l <out)" = 4 ] && has out '⏎' && has out '·' || fail "a row for each line: $(cat out)"
printf 'a\303' >broken
run 0 tokenizer encode --tokenizer byte broken --pieces && has out '\xC3'
run 2 tokenizer encode --tokenizer byte broken --pieces --ids
# --lines: one array, one row of ids, a line of the text.
run 0 tokenizer encode --tokenizer byte mixed.txt --lines --json
[ "$(wc -l <out)" = 2 ] && [ "$(jq -s 'map(length) | add' out)" = $(($(wc -c <mixed.txt) - 2)) ] || fail "--lines --json: $(cat out)"
printf '%s\n' '"a\nb"' '""' >lines.jsonl
run 0 tokenizer encode --tokenizer byte lines.jsonl --lines --jsonl --json
[ "$(tr '\n' ' ' <out)" = '[97,10,98] [] ' ] || fail "--jsonl: $(cat out)"

# On a terminal: colours, unless NO_COLOR; wide texts in several rows.
if command -v script >/dev/null; then
    show() { TERM=xterm script -qec "stty cols 20; $* '$CANTO' tokenizer encode --tokenizer words mixed.txt" typed >shown </dev/null; }
    show
    grep -q $'\033\[30;46mthe\033\[0m' shown || fail "no colours on a terminal: $(cat -v shown)"
    [ "$(grep -c . shown)" -ge 4 ] || fail "rows: $(cat -v shown)"
    show NO_COLOR=1
    ! grep -q $'\033' shown || fail "NO_COLOR is not honoured: $(cat -v shown)"
    grep -q '漢字' shown || fail "no pieces with NO_COLOR: $(cat -v shown)"
fi

run 0 tokenizer info words --json
jq -e '.kind == "word" and .vocabulary == (.tokens | length) and (.scripts | .Latin > 10 and .Han == 1 and .Cyrillic == 1 and .digits > 5)
    and ([.scripts[]] | add) == .vocabulary and .longest[0] == {id: (.tokens | index("beginning")), bytes: 9, token: "beginning"}
    and (.longest | length) == 10' out >/dev/null || fail "info: $(jq -c 'del(.tokens)' out)"
run 0 tokenizer info byte && has out "parts of characters" && has out "white space"
run 0 tokenizer info words && has out "Cyrillic" && has out "beginning"

run 0 tokenizer compare words chars byte mixed.txt --json
bytes=$(wc -c <mixed.txt) characters=$(LC_ALL=C.UTF-8 wc -m <mixed.txt)
jq -e --argjson b "$bytes" --argjson c "$characters" '.bytes == $b and .words == 9 and (.tokenizers | map(.tokens) == [9, $c, $b]
    and .[2].bytes_per_token == 1 and .[0].tokens_per_word == 1 and (.[1].tokens_per_word - $c / 9 | fabs) < 1e-9)' out >/dev/null || fail "compare: $(cat out)"
run 0 tokenizer compare words byte mixed.txt && has out "tokens/word"
run 2 tokenizer compare words mixed.txt
: >empty.txt
run 0 tokenizer compare words byte empty.txt --json && jq -e '.tokenizers[0].bytes_per_token == null' out >/dev/null || fail "nothing: $(cat out)"
finish
