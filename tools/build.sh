#!/usr/bin/env bash
# build.sh PRESET [FOLDER [TARGET]]: configures FOLDER (build/PRESET) when it is new or the tests' needs may have
# changed (CANTO_CONFIGURE=1), and builds it. CC chooses the compiler of a new folder, Ninja is used where it is found.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
folder=${2:-build/$preset}
target=${3:-all}

if [ ! -e "$folder/build.ninja" ] && [ ! -e "$folder/Makefile" ]; then
    rm -f "$folder/CMakeCache.txt"
    generator=()
    if command -v ninja >/dev/null; then generator=(-G Ninja); fi
    mkdir -p "$folder"
    cmake --preset "$preset" -B "$folder" "${generator[@]}" >"$folder/configure.log" 2>&1 || {
        cat "$folder/configure.log" >&2
        exit 1
    }
elif [ "${CANTO_CONFIGURE:-0}" = 1 ]; then
    cmake "$folder" >/dev/null
fi
cmake --build "$folder" --target "$target" --parallel
