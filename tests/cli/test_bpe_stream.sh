#!/usr/bin/env bash
# A tokenizer is trained on a gigabyte from standard input, nearly all of it words that come once, in half a gigabyte of address
# space; the words that come often are learnt all the same.
. "$(dirname "$0")/library.sh"
stream() {
    local i
    for i in 1 2 3 4 5; do
        seq $((i * 20000000)) $((i * 20000000 + 19999999))
        yes "remembrance of things past" | head -n 20000
    done | head -c 1073741824
}
(
    ulimit -v 524288
    stream | "$CANTO" tokenizer train - -o "$WORK/pairs" --size 400 --threads 2 2>"$WORK/err"
) || fail "$(head -c 400 "$WORK/err")"
has err "were left out"
jq -e '.model.vocab | has("Ġthings")' "$WORK/pairs/tokenizer.json" >/dev/null || fail "a word that comes often is no token"
finish
