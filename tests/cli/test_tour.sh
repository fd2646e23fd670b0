#!/usr/bin/env bash
# docs/tour.md can be walked: its commands run one after the other as they stand, with fewer updates (STEPS). What they say without
# training is what it prints, the pictures that it shows are made, and files and functions that are to be read exist,
# in docs/maths too.
. "$(dirname "$0")/library.sh"
source=${CANTO_SOURCE:?}
tour=$source/docs/tour.md
if ! command -v bible >/dev/null; then
    echo "skipped: the tour's text is that of Debian's packages bible-kjv and bible-kjv-text"
    exit 77
fi

# blocks KIND FILE...: the lines of fenced blocks that begin with ```KIND.
blocks() { awk -v kind="$1" '/^```/ {inside = !inside && $0 == "```" kind ? 1 : inside ? 0 : 2; next} inside == 1' "${@:2}"; }
# chapter N: its text.
chapter() { awk -v head="## $1. " 'index($0, "## ") == 1 {inside = index($0, head) == 1} inside' "$tour"; }

mkdir "$WORK/bin" "$WORK/here"
printf '#!/bin/sh\nexec "%s" "$@"\n' "$CANTO" >"$WORK/bin/canto"
chmod +x "$WORK/bin/canto"
blocks sh "$tour" >"$WORK/commands"
commands=$(grep -cE '(^|[|] )canto ' "$WORK/commands")
[ "$commands" -ge 30 ] || fail "the tour has $commands commands of canto"
for run in $(grep -oE '^canto train .* -o [a-z-]+' "$WORK/commands" | sed 's/.* -o //'); do trained="${trained:-} $run"; done
[ "$(wc -w <<<"${trained:-}")" -ge 8 ] || fail "the tour trains: ${trained:-}"
(cd "$WORK/here" && PATH=$WORK/bin:$PATH STEPS=2 bash -eux "$WORK/commands") >"$WORK/out" 2>"$WORK/err" </dev/null ||
    fail "a command of the tour fails: $(tail -n 12 "$WORK/err")"
here=$WORK/here/build/tour
for run in $trained; do [ -e "$here/$run/last/model.safetensors" ] || fail "the tour makes no model $run"; done

# Chapters 1, 2 and 7 train nothing: every line that they print came.
lines=0
for number in 1 2 7; do
    while read -r line; do
        [ "$line" = ... ] && continue
        lines=$((lines + 1))
        cat "$WORK/out" "$WORK/err" | sed 's/^ *//; s/ *$//' | grep -qxF -- "$line" || fail "chapter $number: '$line' did not come"
    done < <(chapter $number | blocks "" | grep .)
done
[ $lines -ge 30 ] || fail "only $lines lines were compared"

pictures=$(grep -oE '\]\(tour/[a-z-]+\.svg\)' "$tour" | sed 's/.*tour\///; s/)//')
[ "$(wc -w <<<"$pictures")" -ge 5 ] || fail "the tour shows: $pictures"
for picture in $pictures; do
    grep -q '<svg' "$here/$picture" 2>/dev/null || fail "the tour makes no picture $picture"
    grep -q '<svg' "$source/docs/tour/$picture" || fail "docs/tour has no picture $picture"
    [ "$(wc -c <"$source/docs/tour/$picture")" -lt 150000 ] || fail "docs/tour/$picture is large"
done
[ "$(cd "$source/docs/tour" && printf '%s\n' *)" = "$(sort <<<"$pictures")" ] || fail "docs/tour has pictures that the tour does not show"

# Links, and names of code: in the tour those in paragraphs that begin with **Read**, in docs/maths all.
names=0
for page in "$tour" "$source"/docs/maths/*.md; do
    grep -oE '\]\([^)#:]+' "$page" | sed 's/..//' | while read -r link; do
        [ -e "$(dirname "$page")/$link" ] || echo "$(basename "$page"): $link does not exist"
    done >"$WORK/links"
    [ ! -s "$WORK/links" ] || fail "$(cat "$WORK/links")"
    for name in $(awk -v all="$([ "$page" = "$tour" ] || echo 1)" '/^\*\*Read\*\*/ {inside = 1} /^$/ {inside = 0} all || inside' "$page" | grep -oE '`[a-z][a-z0-9]*_[a-z0-9_]+`' | tr -d '`'); do
        names=$((names + 1))
        grep -rqw --include='*.[ch]' -- "$name" "$source/src" "$source/tests" || fail "$(basename "$page"): nothing is called $name"
    done
done
[ $names -ge 10 ] || fail "only $names names were looked up"
echo "$commands commands, $lines lines, $(wc -w <<<"$pictures") pictures, $names names"
finish
