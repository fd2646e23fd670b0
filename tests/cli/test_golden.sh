#!/usr/bin/env bash
# Every reference fixture passes golden_check, and a damaged one does not.
# shellcheck source=tests/cli/library.sh
. "$CANTO_SOURCE/tests/cli/library.sh"
check=${CANTO_GOLDEN_CHECK:?CANTO_GOLDEN_CHECK must be the checker}
fixtures=$CANTO_SOURCE/tests/golden/fixtures

"$check" "$fixtures"/*/ >"$WORK/out" 2>&1 || fail "golden_check: $(cat "$WORK/out")"
[ "$(grep -c ' ok$' "$WORK/out")" = "$(find "$fixtures" -mindepth 1 -maxdepth 1 -type d | wc -l)" ] || fail "not every fixture is ok"

# One bit of one weight: the logits must differ by more than is allowed.
cp -r "$fixtures/shk_small" "$WORK/damaged"
chmod -R u+w "$WORK/damaged"
size=$(stat -c %s "$WORK/damaged/weights.safetensors")
printf '\x41' | dd of="$WORK/damaged/weights.safetensors" bs=1 seek=$((size - 1)) conv=notrunc status=none
"$check" "$WORK/damaged" >"$WORK/out" 2>&1
[ $? = 1 ] || fail "a damaged fixture passed: $(cat "$WORK/out")"
grep -q 'FAILED' "$WORK/out" || fail "a damaged fixture is not called FAILED"
"$check" "$WORK/nowhere" >"$WORK/out" 2>&1
[ $? = 1 ] || fail "a missing fixture passed"
"$check" >"$WORK/out" 2>&1
[ $? = 2 ] || fail "no fixture is wrong usage"
finish
