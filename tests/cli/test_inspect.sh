#!/usr/bin/env bash
# The sources' parameter counts (rows 001-1, 002-2, 003-11, 004-3, 004-6), without allocating them.
. "$(dirname "$0")/library.sh"
[ -n "${CANTO_SANITIZE:-}" ] || ulimit -v 4000000 # no preset is allocated; the sanitizers want more for themselves

total() { # TOTAL ARGUMENTS...
    local want=$1 got
    shift
    run 0 inspect "$@" --json || return
    got=$(jq .parameters.total "$WORK/out")
    [ "$got" = "$want" ] || fail "inspect $*: $got parameters, not $want"
    got=$(jq '[.modules[].parameters] | add' "$WORK/out")
    [ "$got" = "$want" ] || fail "inspect $*: its modules have $got parameters, not $want"
}
total 163037184 --preset gpt2-untied
[ "$(jq .parameters.without_token_embedding "$WORK/out")" = 124439808 ] || fail "without token embedding"
[ "$(jq .memory.weights_bytes "$WORK/out")" = 652148736 ] || fail "weights_bytes"
jq -e '.flops_per_token > 0 and .config.width == 768 and (.modules[0] | has("name") and has("shape"))' \
    "$WORK/out" >/dev/null || fail "keys of inspect --json"
total 163009536 --preset gpt2-untied --qkv-bias off
total 211777 --preset shakespeare-tiny
total 1237057 --preset shakespeare-small
total 10788929 --preset shakespeare-medium
total 109803832 --preset dante
total 6835456 --preset gpt-neo-lite
total 124439808 --preset gpt2
total 124439808 --preset gpt2-untied --tie on
total 124439808 --preset gpt2 --batch 1 --context 1024
run 0 inspect --preset gpt3 --json &&
    { jq -e '.parameters.total > 174e9 and .parameters.total < 176e9' "$WORK/out" >/dev/null || fail "gpt3: $(jq .parameters.total "$WORK/out")"; }

run 0 inspect --preset gpt2-untied && has out 163,037,184 && has out 124,439,808 && has out "621.94 MB" && has out "(0-11): 12 x"
run 0 inspect --preset dante && has out "109,803,832 (110M)" && has out "(0-7): 8 x"
run 0 inspect --preset gpt3 && has out 175B
run 0 inspect --presets
for preset in mini gpt2 gpt2-medium gpt2-large gpt2-xl gpt2-untied gpt3 gpt-neo-lite gpt-neo-125m gpt-neo-1.3b \
    gpt-neo-2.7b dante dante-basic dante-attention shakespeare-tiny shakespeare-small shakespeare-medium; do
    has out "$preset"
done
# ffn keeps its ratio with the width, and --ffn 0 takes it away
run 0 inspect --preset mini --width 64 --json && [ "$(jq .config.ffn "$WORK/out")" = 256 ] || fail "ffn's ratio"
run 0 inspect --preset mini --ffn 0 --json && [ "$(jq .config.ffn "$WORK/out")" = 0 ] || fail "--ffn 0"
finish
