#!/usr/bin/env bash
# lint.sh FOLDER: reads the sources with cppcheck and clang-tidy (FOLDER: a build folder with compile_commands.json),
# the scripts with shellcheck, and looks at white space and line length.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$1
bad=0

mapfile -t sources < <(find src cli -name '*.c' | sort)
mapfile -t texts < <(find include src cli tests examples bench -name '*.[ch]' 2>/dev/null | sort)
mapfile -t scripts < <(find tools tests .ci -path '*/node_modules' -prune -o -type f \( -name '*.sh' -o -path .ci/run \) -print | sort)

echo "== white space, lines over 160 characters"
if grep -nP '\t|\s$|^.{161,}' "${texts[@]}"; then bad=1; fi

echo "== shellcheck"
shellcheck --shell=bash --severity=warning --exclude=SC2034 "${scripts[@]}" || bad=1

# Uninitialized values are the compilers' and the sanitizers' business: cppcheck 2.10 does not see that a call fills one.
echo "== cppcheck"
if [ ${#sources[@]} -gt 0 ]; then
    cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 \
        --suppress=missingIncludeSystem --suppress=unknownMacro --suppress=uninitvar --suppress=legacyUninitvar --suppress=uninitStructMember -DCANTO_ISA=portable -Iinclude -Isrc -j "$(nproc)" "${sources[@]}" || bad=1
fi

echo "== clang-tidy"
if [ ${#sources[@]} -gt 0 ]; then
    printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p "$folder" 2>/dev/null || bad=1
fi

if [ $bad = 0 ]; then echo "lint: nothing found"; else echo "lint: see above" >&2; fi
exit $bad
