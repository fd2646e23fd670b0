# shellcheck shell=bash
# library.sh - what the tests of the program share; sourced. CANTO is the program.
set -u
CANTO=${CANTO:?CANTO must be the program}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/canto_cli.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
FAILURES=0

fail() { echo "FAILED: $*"; FAILURES=$((FAILURES + 1)); }
finish() { [ "$FAILURES" -eq 0 ] && echo ok; exit $((FAILURES > 0)); }

# run CODE ARGUMENTS...: runs the program, its streams in $WORK/out and $WORK/err, and wants this exit code.
run() {
    local want=$1 got
    shift
    "$CANTO" "$@" >"$WORK/out" 2>"$WORK/err" </dev/null
    got=$?
    [ "$got" -eq "$want" ] && return 0
    fail "canto $*: exit $got, not $want: $(head -c 400 "$WORK/err")"
    return 1
}
# refused CODE TEXT ARGUMENTS...: as run, and standard error is one line, without control characters, that has the text.
refused() {
    local code=$1 text=$2
    shift 2
    run "$code" "$@" || return
    one_line "$*"
    has err "$text"
}
# one_line WHAT: standard error was one line.
one_line() {
    [ "$(wc -l <"$WORK/err")" = 1 ] || fail "canto $1: not one line but: $(head -c 400 "$WORK/err")"
    ! LC_ALL=C tr -d '\n' <"$WORK/err" | LC_ALL=C grep -q '[[:cntrl:]]' || fail "canto $1: control characters on standard error"
}
has() { grep -qF -- "$2" "$WORK/$1" || fail "$1 lacks '$2': $(head -c 400 "$WORK/$1")"; }
# wait_for PATTERN FILE: until the file has it, for half a minute at most; how long a program takes to get there is not its test.
wait_for() {
    local i
    for i in $(seq 600); do
        grep -qaE -- "$1" "$2" && return
        sleep 0.05
    done
    fail "$(basename "$2") never has '$1': $(head -c 400 "$2")"
    return 1
}
lacks() { ! grep -qF -- "$2" "$WORK/$1" || fail "$1 has '$2'"; }
