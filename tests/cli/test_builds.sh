#!/usr/bin/env bash
# Other ways to compile the same sources: without optimization, and optimized over all files at link time. They must pass the
# reference fixtures, train and write. Big-endian machines are refused while compiling. (64-bit ARM: `make arm64`.)
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
cc=${CANTO_CC:?}

# built NAME FLAGS: a whole build of its own with these flags after the release build's.
built() {
    local folder=$WORK/$1
    cmake -S "$CANTO_SOURCE" -B "$folder" -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="${CANTO_CXX:?}" \
        -DCMAKE_C_FLAGS_RELEASE="-O2 -DNDEBUG $2" -DCMAKE_CXX_FLAGS_RELEASE="-O2 $2" -DCANTO_BENCH=OFF >"$WORK/said" 2>&1 &&
        cmake --build "$folder" --parallel "$(nproc)" --target canto golden_check train_text train_and_write >"$WORK/said" 2>&1 || {
        fail "$2 does not build: $(tail -n 30 "$WORK/said")"
        return
    }
    "$folder/tests/golden_check" "$CANTO_SOURCE"/tests/golden/fixtures/*/ >"$WORK/said" 2>&1 || fail "$2: golden_check: $(tail -n 20 "$WORK/said")"
    "$folder/examples/train_text" "$WORK/small.txt" "$WORK/run-$1" 3 >"$WORK/said" 2>&1 || fail "$2: train_text: $(tail -n 5 "$WORK/said")"
    "$folder/examples/train_and_write" "$WORK/small.txt" 1 >"$WORK/said" 2>&1 || fail "$2: train_and_write: $(tail -n 5 "$WORK/said")"
    "$folder/canto" generate "$WORK/run-$1" -p the -n 5 >"$WORK/said" 2>&1 || fail "$2: generate: $(tail -n 5 "$WORK/said")"
}
built plain "-O0 -fno-common"
built whole "-flto"

big="-U__BYTE_ORDER__ -D__BYTE_ORDER__=__ORDER_BIG_ENDIAN__"
$cc -std=gnu17 $big -I"$CANTO_SOURCE/include" -I"$CANTO_SOURCE/src" -fsyntax-only "$CANTO_SOURCE/src/base/status.c" 2>"$WORK/err" &&
    fail "a big-endian machine is not refused"
has err "a big-endian machine is not supported"
finish
