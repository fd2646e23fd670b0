#!/usr/bin/env bash
# Every preset, shrunk as docs say (C/8, fewer heads, 2 layers, 97 symbols), trains and generates.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
"$CANTO" inspect --presets --json >"$WORK/presets" || fail "inspect --presets --json"
[ "$(jq length "$WORK/presets")" -ge 17 ] || fail "$(jq length "$WORK/presets") presets only"
for preset in $(jq -r '.[].name' "$WORK/presets"); do
    read -r width heads < <("$CANTO" inspect --preset $preset --json | jq -r '"\(.config.width) \(.config.heads)"')
    width=$((width / 8))
    [ "$preset" = gpt3 ] && width=$((width / 8)) # still GPT-3's shape, in a test's time
    while [ $((width % heads)) -ne 0 ]; do heads=$((heads - 1)); done
    kind=char; prompt="A"
    run 0 train "$WORK/symbols.txt" -o "$WORK/$preset" --preset $preset --width $width --heads $heads --layers 2 \
        --vocab 97 --tokenizer $kind --batch 2 --eval-batch 2 --context 16 --steps 2 --eval-batches 1 --warmup 0 --quiet || continue
    run 0 generate "$WORK/$preset" -p "$prompt" -n 3 --json
    [ "$(jq '.ids | length' "$WORK/out")" = 3 ] || fail "$preset does not write: $(cat "$WORK/out")"
    rm -rf "${WORK:?}/$preset"
done
# what does not fit says so, with numbers, and leaves nothing behind
run 1 train "$WORK/small.txt" -o "$WORK/huge" --preset gpt3 --quiet && has err "GB" && has err "are available"
[ ! -e "$WORK/huge" ] || fail "a refused training made a folder"
finish
