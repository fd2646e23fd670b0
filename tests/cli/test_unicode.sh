#!/usr/bin/env bash
# The committed table of Unicode's classes is what its generator makes of Debian's package unicode-data.
# shellcheck source=tests/cli/library.sh
. "$CANTO_SOURCE/tests/cli/library.sh"

if [ ! -r /usr/share/unicode/UnicodeData.txt ] || ! grep -q '^# PropList-15\.0\.0' /usr/share/unicode/PropList.txt; then
    echo "SKIP: Debian's unicode-data, version 15.0, is missing"
    exit 77
fi
"$CANTO_SOURCE/tools/unicode_table.sh" >"$WORK/table.c" || fail "tools/unicode_table.sh"
cmp "$WORK/table.c" "$CANTO_SOURCE/src/text/unicode_table.c" || fail "src/text/unicode_table.c is not what the generator makes"
finish
