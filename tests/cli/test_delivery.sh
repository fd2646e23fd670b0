#!/usr/bin/env bash
# What is delivered, looked at from outside, on the release build's own files:
#   - no object of the library ends the program, prints, reads the environment, keeps writable data, or calls what is not
#     safe with threads; memory is allocated in one place, the context's standard allocator;
#   - the shared library exports the functions of canto.h and nothing else, the static one has no other global name;
#   - both need libc, libm, threads and jansson alone; the shared one's name carries the minor version;
#   - the same of libcanto-plot and canto_plot.h, but for its memory, which is the C library's, and what it needs (cairo, pango).
# First the check of objects is tried on made-up ones with one mistake each: it must see every one of them.
set -euo pipefail
build=$(dirname "${CANTO:?}")
source=${CANTO_SOURCE:?}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C

# Fortified forms (__snprintf_chk) count as what they stand for.
ends='exit|_exit|_Exit|quick_exit|abort|__assert|__assert_fail|__assert_perror_fail|raise|kill|err|errx|verr|verrx|error|longjmp|_longjmp|siglongjmp|pthread_exit'
prints='(v|f|d|as|w|fw|vf|vd|vas|vw|vfw|o)?w?printf|puts|fputs|putchar|putc|_IO_putc|fputc|fwrite|fwrite_unlocked|perror|psignal|warn|warnx|syslog|stdout|stderr|stdin'
reads='getenv|secure_getenv|setenv|unsetenv|putenv|clearenv|environ|__environ'
shares='setlocale|signal|sigaction|system|popen|fork|rand|srand|random|srandom|drand48|strtok|strerror|localtime|gmtime|ctime|asctime|getpwnam|basename|dirname'
allocates='malloc|calloc|realloc|reallocarray|free|posix_memalign|aligned_alloc|memalign|valloc|strdup|strndup|__strdup|__strndup|v?asprintf|getline|getdelim|__getdelim|open_memstream|scandir|glob|realpath|getcwd'

# look ARCHIVE: a line for each mistake in its objects.
look() {
    nm -A -u "$1" | sed -E 's/^[^:]*:([^:]*): +[Uwv] ([^@ ]*).*$/\1 \2/; s/ __(.*)_chk$/ \1/' | while read -r object name; do
        if [[ $name =~ ^($ends)$ ]]; then echo "$object: $name ends the program"; fi
        if [[ $name =~ ^($prints)$ ]]; then echo "$object: $name prints"; fi
        if [[ $name =~ ^($reads)$ ]]; then echo "$object: $name belongs to the environment"; fi
        if [[ $name =~ ^($shares)$ ]]; then echo "$object: $name is of the whole process"; fi
        if [[ $name =~ ^($allocates)$ ]] && [ "$object" != context.c.o ]; then echo "$object: $name is not the caller's allocator"; fi
    done
    nm -A -g --defined-only "$1" | awk '$(NF - 1) == "C" {split($1, at, ":"); print at[2] ": " $NF " is a common symbol"}'
    # name, size and flags of the sections: what is writable (W) is allowed when the loader alone writes it
    readelf -SW "$1" | sed -nE 's/^File: .*\((.*)\)$/file \1/p; s/^ *\[ *[0-9]+\] +(\.[^ ]+) +[A-Z_0-9]+ +[0-9a-f]+ +[0-9a-f]+ ([0-9a-f]+) +[0-9a-f]+ +([A-Zxo]*) .*$/\1 \2 \3/p' |
        awk '$1 == "file" {object = $2; next}
             $2 !~ /^0+$/ && $3 ~ /W/ && $1 !~ /^\.data\.rel\.ro/ {print object ": " $1 " holds writable data"}'
}

# made NAME CODE: an object of that code, compiled as the library is, as the only one of NAME.a.
made() {
    printf '#include <assert.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n%s\n' "$2" >"$work/$1.c"
    "${CANTO_CC:?}" -std=gnu17 -O3 -fPIC ${3:-} -c "$work/$1.c" -o "$work/$1.c.o"
    rm -f "$work/$1.a"
    ar rc "$work/$1.a" "$work/$1.c.o"
}

made right 'static const char *const names[] = {"a", "b"};
const char *name(int i) { return names[i]; }
int form(char *to, size_t n, int x) { return snprintf(to, n, "%d", x); }'
made context 'void *take(size_t n) { return malloc(n); }'
for name in right context; do
    found=$(look "$work/$name.a")
    if [ -n "$found" ]; then
        printf 'self-check: the check blames what is right:\n%s\n' "$found"
        exit 1
    fi
done
mistakes=0
# wrong WORDS CODE [OPTION]: the check must find exactly one mistake in CODE, and say WORDS.
wrong() {
    mistakes=$((mistakes + 1))
    made "wrong$mistakes" "$2" "${3:-}"
    found=$(look "$work/wrong$mistakes.a")
    if [ "$(wc -l <<<"$found")" != 1 ] || ! grep -q -- "wrong$mistakes.c.o: .*$1" <<<"$found"; then
        printf 'self-check: in\n  %s\nthe one mistake is "%s", seen is:\n%s\n' "$2" "$1" "$found"
        exit 1
    fi
}
wrong '\bexit ends' 'void f(void) { exit(1); }'
wrong '_exit ends' 'void f(void) { _exit(1); }'
wrong 'abort ends' 'void f(void) { abort(); }'
wrong '__assert_fail ends' 'void f(int x) { assert(x); }'
wrong '\bprintf prints' 'void f(int x) { printf("%d", x); }'
wrong '\bprintf prints' 'void f(int x) { printf("%d", x); }' '-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2'
wrong 'puts prints' 'void f(const char *t) { puts(t); }'
wrong 'stderr prints' 'extern FILE *g; FILE *f(void) { return stderr; }'
wrong 'getenv belongs' 'char *f(void) { return getenv("HOME"); }'
wrong 'rand is of' 'int f(void) { return rand(); }'
wrong 'malloc is not' 'void *f(void) { return malloc(100); }'
wrong 'strdup is not' 'char *f(const char *t) { return strdup(t); }'
wrong '\.data holds' 'static int n = 3; int f(void) { return n++; }'
wrong '\.bss holds' 'static int n; int f(void) { return n++; }'
wrong '\.data.* holds' 'static const char *n = "a"; void g(const char **); void f(void) { g(&n); }'
wrong '\.tbss holds' 'static _Thread_local int n; int f(void) { return n++; }'
wrong 'is a common symbol' 'int n; int f(void) { return n; }' -fcommon

bad=0
blame() { # WHAT TEXT: TEXT is empty when all is well
    if [ -n "$2" ]; then
        printf '%s\n%s\n' "$1:" "$2"
        bad=1
    fi
}
blame "libcanto's objects" "$(look "$build/libcanto_inside.a")"
blame "libcanto-plot's objects" "$(look "$build/libcanto-plot_inside.a" | grep -v 'caller.s allocator' || true)"
blame "libcanto.a" "$(look "$build/libcanto.a" | grep -v 'caller.s allocator' || true)"

# delivered HEADER NAME LEAST: what the header declares, libNAME.so and libNAME.a have, and nothing else.
delivered() {
    tr '\n' ' ' <"$source/include/$1" | sed 's:/\*:\n/*:g; s:\*/:*/\n:g' | grep -v '^/\*' | tr '\n' ' ' |
        grep -oE '\bCANTO_API [^;(]*\(' | grep -oE 'canto_[a-z0-9_]+\($' | tr -d '(' | sort >"$work/declared"
    [ "$(wc -l <"$work/declared")" -ge "$3" ] || blame "$1" "only $(wc -l <"$work/declared") declarations are seen"
    nm -D --defined-only "$build/lib$2.so" | awk '{print $NF}' | sort >"$work/exported"
    nm -g --defined-only "$build/lib$2.a" | awk 'NF == 3 {print $NF}' | sort >"$work/global"
    blame "declared in $1 (<) against exported by lib$2.so (>)" "$(diff "$work/declared" "$work/exported")"
    blame "declared in $1 (<) against global in lib$2.a (>)" "$(diff "$work/declared" "$work/global")"
    count=$((count + $(wc -l <"$work/declared")))
}
count=0
delivered canto.h canto 41
delivered canto_plot.h canto-plot 7

needed() { readelf -d "$1" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p' | grep -vE '^(libc|libm|libpthread|libjansson)\.so\.|^ld-linux' || true; }
for file in libcanto.so examples/train_text examples/write_text; do
    blame "$file needs libraries beyond libc, libm, threads and jansson" "$(needed "$build/$file")"
done
minor=$(sed -nE 's/^#define CANTO_VERSION "([0-9]+\.[0-9]+)\..*/\1/p' "$source/include/canto.h")
soname=$(readelf -d "$build/libcanto.so" | sed -nE 's/.*\(SONAME\).*\[(.*)\]/\1/p')
[ "$soname" = "libcanto.so.$minor" ] || blame "the shared library's name" "$soname, not libcanto.so.$minor"
soname=$(readelf -d "$build/libcanto-plot.so" | sed -nE 's/.*\(SONAME\).*\[(.*)\]/\1/p')
[ "$soname" = "libcanto-plot.so.$minor" ] || blame "the plot library's name" "$soname, not libcanto-plot.so.$minor"
if readelf -d "$build/libcanto-plot.so" | grep -q 'NEEDED.*libcanto\.'; then blame "libcanto-plot.so" "it needs libcanto"; fi
[ $bad = 0 ] && echo "$mistakes made-up mistakes seen; $count functions delivered"
exit $bad
