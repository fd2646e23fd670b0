#!/usr/bin/env bash
# What is installed can be moved, and used in every way that the README names: by pkg-config and by CMake, shared and
# static, from C and from C++, with each language standard.
# shellcheck disable=SC2046 # flags are several words
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
build=$(dirname "$CANTO")
examples=$CANTO_SOURCE/examples
cc=${CANTO_CC:?}
cxx=${CANTO_CXX:?}
strict="-Wall -Wextra -Wpedantic -Werror"
version=$("$CANTO" --version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1)
minor=${version%.*}

# quietly WORDS COMMAND...: a failure shows what the command said.
quietly() {
    local words=$1
    shift
    "$@" >"$WORK/said" 2>&1 || fail "$words: $(tail -n 20 "$WORK/said")"
}

quietly "installing" env DESTDIR="$WORK/staged" cmake --install "$build" --prefix /opt/canto
there=$WORK/there
mv "$WORK/staged/opt/canto" "$there"
if grep -rIl -e /opt/canto -e "$build" -e "$CANTO_SOURCE" "$there"; then fail "the files above know where they were made"; fi
quietly "the program" "$there/bin/canto" --version
if [ -z "$CANTO_SANITIZE" ]; then # a sanitizer's build does not run its own program
    "$CANTO" help --files "$WORK/share" && (cd "$WORK/share" && find . -type f | sort) >"$WORK/files"
    [ "$(wc -l <"$WORK/files")" -gt 10 ] || fail "canto help --files writes $(cat "$WORK/files")"
    while read -r file; do [ -s "$there/share/$file" ] || fail "share/$file is not installed"; done <"$WORK/files"
fi
pc=$(dirname "$(find "$there" -name canto.pc)")
libdir=$(dirname "$pc")
export PKG_CONFIG_PATH=$pc
[ "$(readlink "$libdir/libcanto.so")" = "libcanto.so.$minor" ] && [ -e "$libdir/libcanto.so.$version" ] || fail "$(ls -l "$libdir")"
[ "$(pkg-config --modversion canto)" = "$version" ] || fail "pkg-config's version is $(pkg-config --modversion canto)"
pkg-config --libs canto | grep -q jansson && fail "the shared library brings jansson along"

# The header alone, in every standard.
printf '#include <canto.h>\n#include <canto.h>\nint main(void) { return canto_version() == 0; }\n' >"$WORK/alone.c"
cp "$WORK/alone.c" "$WORK/alone.cpp"
for standard in c99 c11 c17 gnu17; do
    quietly "the header as $standard" $cc -std=$standard $strict -fsyntax-only $(pkg-config --cflags canto) "$WORK/alone.c"
done
for standard in c++11 c++14 c++17 c++20; do
    quietly "the header as $standard" $cxx -std=$standard $strict -fsyntax-only $(pkg-config --cflags canto) "$WORK/alone.cpp"
done

# works NAME PROGRAM ENVIRONMENT...: the example NAME, built as PROGRAM, trains or writes.
works() {
    local name=$1 program=$2
    shift 2
    case $name in
        train_text) rm -rf "$WORK/run"; quietly "$program" env "$@" "$program" "$WORK/small.txt" "$WORK/run" 2 ;;
        write_text) quietly "$program" env "$@" "$program" "$WORK/run" "the" 5 ;;
        train_and_write) quietly "$program" env "$@" "$program" "$WORK/small.txt" 2 ;;
    esac
}
for name in train_text write_text; do
    quietly "$name, shared" $cc -std=c11 $strict "$examples/$name.c" $(pkg-config --cflags --libs canto) -o "$WORK/$name-shared"
    works $name "$WORK/$name-shared" LD_LIBRARY_PATH="$libdir"
    quietly "$name, static" $cc -std=c11 $strict -static "$examples/$name.c" $(pkg-config --cflags --libs --static canto) -o "$WORK/$name-static"
    works $name "$WORK/$name-static"
done
quietly "C++, shared" $cxx -std=c++17 $strict "$examples/train_and_write.cpp" $(pkg-config --cflags --libs canto) -o "$WORK/both-shared"
works train_and_write "$WORK/both-shared" LD_LIBRARY_PATH="$libdir"

# The README's program, which opens the model in `run`.
awk '/^```c$/ {inside = 1; next} /^```$/ {inside = 0} inside' "$CANTO_SOURCE/README.md" >"$WORK/readme.c"
quietly "the README's program" $cc -std=c11 $strict "$WORK/readme.c" $(pkg-config --cflags --libs --static canto) -static -o "$WORK/readme"
(cd "$WORK" && ./readme >"$WORK/out") || fail "the README's program fails"
[ "$(wc -m <"$WORK/out")" -eq 200 ] || fail "the README's program wrote $(wc -m <"$WORK/out") characters"

# A program's own names never meet the library's.
cat >"$WORK/names.c" <<'C'
#include <canto.h>
int pool_open(void) { return 3; }
int json_parse(void) { return 4; }
int status_ok(void) { return 5; }
int main(void) {
    canto_context *context;
    return canto_context_open(0, &context).code != CANTO_OK || (canto_context_close(context), pool_open() + json_parse() + status_ok() != 12);
}
C
quietly "own names, static" $cc "$WORK/names.c" $(pkg-config --cflags canto) "$libdir/libcanto.a" $(pkg-config --libs --static canto) -o "$WORK/names"
quietly "own names, static" "$WORK/names"

# Pictures: a library beside, which brings nothing of the core along.
cat >"$WORK/draw.c" <<'C'
#include <canto_plot.h>
#include <stdio.h>
int main(void) {
    double steps[] = {0, 1, 2}, losses[] = {3, 1, 2};
    canto_series curve = {0};
    canto_chart chart = {0};
    canto_plot_options how = canto_plot_options_default();
    char *picture;
    size_t bytes;
    curve.x = steps, curve.y = losses, curve.count = 3;
    chart.series = &curve, chart.series_count = 1;
    if (canto_plot_charts(&chart, 1, 1, &how, &picture, &bytes).code != CANTO_OK) return 1;
    fwrite(picture, 1, bytes, stdout);
    canto_plot_free(picture);
    how.form = CANTO_PLOT_PNG;
    if (!canto_plot_drawing()) return 0;
    if (canto_plot_charts(&chart, 1, 1, &how, &picture, &bytes).code != CANTO_OK) return 2;
    canto_plot_free(picture);
    return 0;
}
C
for standard in c99 c11 c17; do
    quietly "drawing as $standard" $cc -std=$standard $strict "$WORK/draw.c" $(pkg-config --cflags --libs canto-plot) -o "$WORK/draw-shared"
done
quietly "drawing as C++" $cxx -x c++ -std=c++11 $strict -Wno-missing-field-initializers -fsyntax-only $(pkg-config --cflags canto-plot) "$WORK/draw.c"
quietly "drawing, shared" env LD_LIBRARY_PATH="$libdir" "$WORK/draw-shared"
quietly "drawing, static" $cc -std=c11 $strict "$WORK/draw.c" $(pkg-config --cflags canto-plot) "$libdir/libcanto-plot.a" \
    $(pkg-config --libs $(pkg-config --print-requires-private canto-plot | sed 's/ .*//')) -lm -o "$WORK/draw-static"
quietly "drawing, static" "$WORK/draw-static"

# CMake: a project of its own.
mkdir "$WORK/project"
cat >"$WORK/project/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(mine LANGUAGES C CXX)
find_package(canto ${WANTED} REQUIRED)
foreach(kind "" _static)
    if(TARGET canto::canto_plot${kind})
        add_executable(draw${kind} ${DRAW})
        target_link_libraries(draw${kind} PRIVATE canto::canto_plot${kind})
    endif()
    if(TARGET canto::canto${kind})
        add_executable(write${kind} ${EXAMPLES}/write_text.c)
        target_link_libraries(write${kind} PRIVATE canto::canto${kind})
        add_executable(both${kind} ${EXAMPLES}/train_and_write.cpp)
        target_compile_features(both${kind} PRIVATE cxx_std_17)
        target_link_libraries(both${kind} PRIVATE canto::canto${kind})
    endif()
endforeach()
CMAKE
# configured FOLDER WANTED [NAME=VALUE...]: configures the project.
configured() {
    local folder=$1 wanted=$2
    shift 2
    env "$@" cmake -S "$WORK/project" -B "$WORK/$folder" -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" \
        -DCMAKE_PREFIX_PATH="$there" -DEXAMPLES="$examples" -DWANTED="$wanted" -DDRAW="$WORK/draw.c"
}
quietly "find_package" configured made "$minor"
quietly "CMake's build" cmake --build "$WORK/made"
for kind in "" _static; do
    works write_text "$WORK/made/write$kind"
    works train_and_write "$WORK/made/both$kind"
    quietly "drawing with CMake$kind" "$WORK/made/draw$kind"
done
configured none 0.0.9 >/dev/null 2>&1 && fail "find_package takes $version for 0.0"
quietly "without jansson" configured bare "$minor" PKG_CONFIG_LIBDIR="$WORK" PKG_CONFIG_PATH=
grep -q canto "$WORK/bare/CMakeCache.txt" && ! grep -rq libcanto.a "$WORK/bare" || fail "there is a static library without jansson"
finish
