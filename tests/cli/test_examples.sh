#!/usr/bin/env bash
# The examples of examples/ do what their first lines say: they train, write, stop by a signal, and fail with words.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
examples=$(dirname "$CANTO")/examples

# example CODE NAME ARGUMENTS...: as run, of an example.
example() {
    local want=$1 name=$2 got
    shift 2
    "$examples/$name" "$@" >"$WORK/out" 2>"$WORK/err" </dev/null
    got=$?
    [ "$got" -eq "$want" ] || fail "$name $*: exit $got, not $want: $(tail -c 400 "$WORK/err")"
}

for file in "$CANTO_SOURCE"/examples/*; do
    [ "$(wc -l <"$file")" -lt 150 ] || fail "$file has 150 lines or more"
    name=$(basename "$file")
    [ -x "$examples/${name%.*}" ] || fail "$name is not built"
done

# Training, then writing: the model of the example is one for the program, too.
example 0 train_text "$WORK/small.txt" "$WORK/run" 3
has out "saved $WORK/run/step-00000003"
has err "step 3 of 3"
example 0 write_text "$WORK/run" "the" 20
has err ", 0 blocks left"
[ "$(head -c 3 "$WORK/out")" = the ] && [ "$(wc -m <"$WORK/out")" -eq 24 ] || fail "not 3 + 20 characters: $(cat "$WORK/out")"
cp "$WORK/out" "$WORK/first"
example 0 write_text "$WORK/run/last" "the" 20
cmp -s "$WORK/out" "$WORK/first" || fail "the same seed wrote another text"
run 0 generate "$WORK/run" -p the -n 3

# Ctrl-C: the step is finished and saved.
set -m # the child gets signals of its own (a background child without job control ignores SIGINT)
: >"$WORK/err" # the child empties it as well, but perhaps only after the first look
"$examples/train_text" "$WORK/small.txt" "$WORK/stopped" 100000000 >"$WORK/out" 2>"$WORK/err" </dev/null &
child=$!
wait_for 'step 1 of' "$WORK/err"
kill -s INT $child
wait $child
code=$?
[ $code -eq 0 ] || fail "train_text ended with $code by SIGINT: $(tail -c 400 "$WORK/err")"
has out "stopped, and saved in $WORK/stopped"
example 0 write_text "$WORK/stopped" "the" 5

# From C++, in memory.
example 0 train_and_write "$WORK/small.txt" 2
has err "step 2: validation loss"
[ "$(wc -m <"$WORK/out")" -eq 201 ] || fail "train_and_write wrote $(wc -m <"$WORK/out") characters, not 200"

# What goes wrong is said in the library's words.
example 1 train_text "$WORK/none.txt" "$WORK/other"
has err "none.txt': No such file"
example 1 train_text "$WORK/small.txt" "$WORK/run" 5
has err "run"
example 1 write_text "$WORK/none"
has err "none' does not exist"
has err ", 0 blocks left"
example 1 write_text "$WORK/run" "é"
has err "U+00E9"
example 1 train_and_write "$WORK/none.txt"
has err "none.txt': No such file"
for name in train_text write_text train_and_write; do
    example 1 $name
    has err "usage: $name"
done
finish
