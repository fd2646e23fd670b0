#!/usr/bin/env bash
# test.sh PRESET FOLDER [CTEST-OPTION...]: builds, then runs the tests; FOLDER/tests.xml receives the results.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
folder=$2
shift 2
rm -f "$folder/tests.xml"

# What canto writes is tried out in Hugging Face's libraries and in llama.cpp, which come from npm.
hf=tests/hf
if [ "$preset" != arm64 ] && [ -e $hf/package-lock.json ] && [ $hf/package-lock.json -nt $hf/node_modules/.package-lock.json ]; then
    if ! command -v npm >/dev/null; then
        echo "SKIP: npm is missing, files are not tried in Hugging Face's libraries and llama.cpp"
    elif ! (cd $hf && npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.package-lock.json); then
        echo "SKIP: npm ci failed in $hf, files are not tried in Hugging Face's libraries and llama.cpp"
    fi
fi

CANTO_CONFIGURE=1 tools/build.sh "$preset" "$folder"

# gcc 12's thread sanitizer cannot live with every address that a randomized kernel gives out.
run=()
if [ "$preset" = tsan ] && command -v setarch >/dev/null && setarch -R true 2>/dev/null; then run=(setarch -R); fi
"${run[@]}" ctest --test-dir "$folder" --output-on-failure --no-tests=error --parallel "${JOBS:-$(nproc)}" \
    --test-output-size-passed 1000000 --output-junit "$PWD/$folder/tests.xml" "$@"
