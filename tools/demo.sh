#!/usr/bin/env bash
# demo.sh PROGRAM: trains a small model on the King James Bible for about a minute and lets its latest checkpoint write: the best one
# is of the last evaluation, which may be half a minute old.
set -euo pipefail
program=$1
folder=build/demo
text=$folder/king-james.txt
mkdir -p "$folder"

if [ ! -s $text ]; then
    bible -f 'gen1:1-rev22:21' >"$text.new"
    mv "$text.new" "$text"
fi

number=1
while [ -e "$folder/run-$number" ]; do number=$((number + 1)); done
run=$folder/run-$number

show() {
    printf '\n$'
    printf ' %q' "$@"
    printf '\n'
    "$@"
}
show "$program" train "$text" -o "$run" --preset mini --max-time 1
show "$program" generate "$run/last" -p "In the beginning" -n 400 -t 0.8
printf '\nThe model is in %s. Your own text: %s train TEXT -o RUN --preset mini\n' "$run" "$program"
