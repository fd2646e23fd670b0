#!/usr/bin/env bash
# corpus.sh FILE [BYTES]: assembles mixed multilingual text without repetition (100,000,000 bytes, or as many as are said) of
# Debian's packages, those of the group corpus in tools/packages: translated manual pages and handbooks, fortunes, the King
# James Bible, sources. apt downloads them beside FILE, nothing is installed. A line of more than 20 bytes that came before is
# left out, and so are comments of manual pages and tags of HTML. Prints the bytes and the share of them that is not ASCII.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
file=${1:?corpus.sh FILE [BYTES]}
bytes=${2:-100000000}
store=$file.packages
mapfile -t packages < <(awk '$1 == "corpus" { print $2 }' "$here/../tools/packages")
export LC_ALL=C

mkdir -p "$store"
for package in "${packages[@]}"; do
    [ -d "$store/$package" ] && continue
    (cd "$store" && apt-get -q download "$package" >"$package.log" 2>&1) || { cat "$store/$package.log" >&2; exit 1; }
    mkdir -p "$store/new"
    dpkg-deb -x "$store/$package"_*.deb "$store/new"
    rm "$store/$package"_*.deb "$store/$package.log"
    mv "$store/new" "$store/$package"
done

# texts PACKAGE: all that people read or write in it, on standard output.
texts() {
    local one
    find "$store/$1" -type f ! -name '*.png' ! -name '*.pdf*' ! -name '*.jpg' ! -name '*.dat' ! -name 'changelog*' ! -name copyright | sort |
        while read -r one; do
            case $one in
                */man/*.gz) zcat "$one" | sed '/^[.'"'"']*\\"/d' ;;
                *.html) sed -e 's/<[^>]*>//g' -e '/^[[:space:]]*$/d' "$one" ;;
                *.txt.gz) zcat "$one" ;;
                */games/fortunes/*.u8) ;; # links to what stands beside them
                */games/fortunes/* | *.py | *.pm | *.pl | *.pod | *.txt) cat "$one" ;;
            esac
        done
}

# The languages come in turns of a megabyte, so that a cut at any size has all of them.
for package in "${packages[@]}"; do
    [ -e "$store/$package.txt" ] && continue
    texts "$package" | iconv -f UTF-8 -t UTF-8 -c >"$store/$package.part"
    mv "$store/$package.part" "$store/$package.txt"
done
if command -v bible >/dev/null; then bible -f 'gen1:1-rev22:21' >"$store/bible.txt"; fi
at=1
while :; do
    any=
    for text in "$store"/*.txt; do
        [ "$(stat -c %s "$text")" -ge "$at" ] || continue
        any=1
        tail -c +"$at" "$text" | head -c 1000000
    done
    [ -n "$any" ] || break
    at=$((at + 1000000))
done 2>/dev/null | iconv -f UTF-8 -t UTF-8 -c 2>/dev/null | awk 'length <= 20 || !seen[$0]++' | head -c "$bytes" | iconv -f UTF-8 -t UTF-8 -c >"$file" || true
size=$(stat -c %s "$file")
beyond=$(tr -d '\0-\177' <"$file" | wc -c)
echo "$file: $size bytes, $((beyond * 1000 / size / 10)).$((beyond * 1000 / size % 10)) % of them not ASCII"
[ "$size" -ge $((bytes - 4)) ] || { echo "corpus.sh: the packages have no more than $size bytes" >&2; exit 1; }
