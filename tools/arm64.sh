#!/usr/bin/env bash
# arm64.sh FOLDER: compiles the library for 64-bit ARM, its NEON kernels too, with Debian's cross compiler. Only whether it
# compiles is seen here: nothing is linked with Jansson, whose headers are those of this machine, and nothing is run.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$1
mkdir -p "$folder/include"
cp "$(pkg-config --variable=includedir jansson)"/jansson*.h "$folder/include"
cmake -S . -B "$folder" -DCMAKE_BUILD_TYPE=Release -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
    -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc -DCMAKE_C_FLAGS="-isystem $(realpath "$folder")/include" \
    -DCANTO_TESTS=OFF -DCANTO_BENCH=OFF >"$folder/configure.log" 2>&1 || {
    cat "$folder/configure.log" >&2
    exit 1
}
cmake --build "$folder" --target canto_static --parallel "$(nproc)"
