#!/usr/bin/env bash
# The order of the house, proved on the sources:
#   - a folder of src/ includes only itself and folders before it in the list below, and canto.h;
#   - cli/ includes canto.h and its own files alone;
#   - a file name stands once in the tree;
#   - nothing in src/ ends the program or prints.
# First the check itself is tried on a made-up tree with one mistake of each kind: it must see every one of them.
set -euo pipefail

order=(base text data math model store train infer format look plot serve cluster)

# rank FOLDER: its place in the order, or nothing.
rank() {
    local i
    for i in "${!order[@]}"; do
        if [ "${order[$i]}" = "$1" ]; then echo "$i"; fi
    done
}

# includes FILE: the quoted includes, one a line.
includes() {
    sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"([^"]*)".*/\1/p' "$1"
}

# without_comments FILE: the code alone, line numbers kept; what stands in string literals is emptied.
without_comments() {
    awk '
    {
        line = $0; out = ""
        while (length(line)) {
            if (inside) {
                end = index(line, "*/")
                if (!end) { line = ""; break }
                inside = 0; line = substr(line, end + 2); continue
            }
            c = substr(line, 1, 1); two = substr(line, 1, 2)
            if (two == "/*") { inside = 1; line = substr(line, 3) }
            else if (two == "//") { line = "" }
            else if (c == "\"") {
                if (!match(line, /^"([^"\\]|\\.)*"/)) { out = out c; line = substr(line, 2) }
                else { out = out "\"\""; line = substr(line, RLENGTH + 1) }
            }
            else if (c == "\047" && match(line, /^\047([^\047\\]|\\.)+\047/)) { out = out "0"; line = substr(line, RLENGTH + 1) }
            else { out = out c; line = substr(line, 2) }
        }
        print out
    }' "$1"
}

# look TREE: prints one line for each mistake.
look() {
    local tree=$1 file folder name own theirs hit
    while read -r file; do
        folder=$(cut -d/ -f2 <<<"$file")
        own=$(rank "$folder")
        if [ -z "$own" ]; then
            echo "$file: src/$folder has no place in the order"
            continue
        fi
        while read -r name; do
            case $name in
                canto.h) ;;
                ../* | */../*) echo "$file: includes \"$name\"; say folder/file.h" ;;
                */*)
                    theirs=$(rank "${name%%/*}")
                    if [ -z "$theirs" ] || [ "$theirs" -gt "$own" ]; then
                        echo "$file: includes \"$name\", which does not stand above src/$folder"
                    elif [ ! -e "$tree/src/$name" ]; then
                        echo "$file: includes \"$name\", which is not there"
                    fi ;;
                *) [ -e "$tree/src/$folder/$name" ] || echo "$file: includes \"$name\", which is not in its folder" ;;
            esac
        done < <(includes "$tree/$file")
        while read -r hit; do
            echo "$file:$hit (the library neither ends the program nor prints)"
        done < <(without_comments "$tree/$file" |
            grep -nE '\b(exit|_exit|_Exit|quick_exit|abort|printf|vprintf|puts|putchar|perror)[[:space:]]*\(|\b(stdout|stderr)\b' || true)
    done < <(cd "$tree" && find src -mindepth 2 -type f -name '*.[ch]' | sort)

    while read -r file; do
        while read -r name; do
            case $name in
                canto.h) ;;
                */*) echo "$file: includes \"$name\"; the program sees canto.h and its own files alone" ;;
                *) [ -e "$tree/cli/$name" ] || echo "$file: includes \"$name\", which is neither canto.h nor in cli/" ;;
            esac
        done < <(includes "$tree/$file")
    done < <(cd "$tree" && find cli -type f -name '*.[ch]' | sort)

    while read -r name; do
        echo "$name: this file name stands more than once:$(cd "$tree" && find . -name build -prune -o -name "$name" -printf ' %P')"
    done < <(cd "$tree" && find . \( -name build -o -name node_modules -o -name .git \) -prune -o -type f -name '*.[ch]' -print |
        sed 's:.*/::' | sort | uniq -d)
}

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/src/{base,math,model,attic} "$tree"/cli "$tree"/include
: >"$tree/include/canto.h"
: >"$tree/src/base/low.h"
: >"$tree/src/math/middle.h"
: >"$tree/cli/own.h"
cat >"$tree/src/math/right.c" <<'C'
/* printf( and exit( in a comment
 * are no mistake, */
#include "base/low.h"
#include "canto.h"
#include "math/middle.h"
#include <stdio.h> // nor is abort( here
static const char *text(void) { return "puts( /* in a text"; }
static int grown(char *to) { return snprintf(to, 1, "%s", text()) + on_exit_done(); }
C
printf '#include "own.h"\n#include "canto.h"\nint main(void) { return printf("x"); }\n' >"$tree/cli/right_cli.c"
found=$(look "$tree" | grep -v attic || true)
if [ -n "$found" ]; then
    printf 'self-check: the check blames what is right:\n%s\n' "$found"
    exit 1
fi

echo '#include "model/high.h"' >"$tree/src/math/upward.c"
: >"$tree/src/model/high.h"
echo '#include "../base/low.h"' >"$tree/src/math/dots.c"
echo '#include "base/gone.h"' >"$tree/src/math/gone.c"
echo '#include "low.h"' >"$tree/src/math/bare.c"
: >"$tree/src/attic/placeless.c"
echo 'void f(void) { exit(1); }' >"$tree/src/base/ends.c"
printf 'void f(void)\n{\n    printf ("x"); /* loud */\n}\n' >"$tree/src/base/prints.c"
echo 'void f(void) { fputs("x", stderr); }' >"$tree/src/base/complains.c"
echo '#include "base/low.h"' >"$tree/cli/nosy.c"
echo '#include "low.h"' >"$tree/cli/nosier.c"
: >"$tree/src/model/twin.c"
: >"$tree/src/base/twin.c"
found=$(look "$tree")
for mistake in upward dots gone bare placeless ends prints complains nosy nosier twin; do
    if ! grep -q "$mistake\.c[: ]" <<<"$found"; then
        printf 'self-check: the mistake in %s.c is not seen; seen are:\n%s\n' "$mistake" "$found"
        exit 1
    fi
done
if [ "$(wc -l <<<"$found")" != 11 ]; then
    printf 'self-check: eleven mistakes were made, seen are:\n%s\n' "$found"
    exit 1
fi

found=$(look "${CANTO_SOURCE:?}")
if [ -n "$found" ]; then
    printf '%s\n' "$found"
    exit 1
fi
echo "the order holds"
