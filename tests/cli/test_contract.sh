#!/usr/bin/env bash
# What holds for every command of the tables: its help's examples work as they stand (small models apart), --quiet leaves
# standard error empty, --json gives JSON and nothing else on standard output, --threads and --seed are taken everywhere,
# wrong usage is 2 with nothing on standard output, an interrupted command is 130.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
run 0 help --json && mv "$WORK/out" "$WORK/tables"
mapfile -t commands < <(jq -r '.commands[].name' "$WORK/tables")

mkdir -p "$WORK/bin" "$WORK/here"
printf '#!/bin/sh\nexec "%s" "$@"\n' "$CANTO" >"$WORK/bin/canto"
chmod +x "$WORK/bin/canto"
export PATH=$WORK/bin:$PATH
cd "$WORK/here" || exit 1
cp "$WORK/small.txt" book.txt
cp "$WORK/small.txt" poem.txt
head -n 20 "$WORK/small.txt" >other.txt
echo 1 2 3 >ids.txt
vocabularies=
if [ -n "${CANTO_TEST_DATA:-}" ]; then
    export CANTO_HOME=$CANTO_TEST_DATA/tokenizers
    cp "$CANTO_HOME/encoder.json" vocab.json
    cp "$CANTO_HOME/vocab.bpe" merges.txt
    vocabularies=there
fi
small='--width 16 --heads 2 --layers 1 --context 16 --batch 2'

# shrunk LINE COMMAND: the options that make an example short: a command that trains has --steps.
shrunk() {
    case $1 in *--size*) echo "--size 300" ;; esac
    jq -e --arg c "$2" '.commands[] | select(.name == $c) | any(.options[]; .name == "steps")' "$WORK/tables" >/dev/null || return
    case $1 in *--resume* | "canto sweep run "*) return ;; esac
    echo "$small"
    case $2 in bench*) echo "--vocab 97" ;; esac
    case $1 in *--epochs*) ;; *) echo "--steps 2" ;; esac
}
# made LINE: what its -o names, or where canto convert writes to.
made() { sed -nE 's/.* -o ([^ ]+).*/\1/p; s/^canto convert [^ ]+ ([^ ]+).*/\1/p' <<<"$1"; }

# try LINE COMMAND OPTION...: runs an example with more options; its streams are $WORK/out and $WORK/err.
try() {
    local line=$1 command=$2 target
    shift 2
    target=$(made "$line")
    [ -z "$target" ] || rm -rf "$target"
    bash -c "set -o pipefail; $line $(shrunk "$line" "$command" | tr '\n' ' ') $*" >"$WORK/out" 2>"$WORK/err" </dev/null ||
        fail "$line $*: exit $?: $(head -c 400 "$WORK/err")"
}

for command in "${commands[@]}"; do
    examples=0
    while read -r line; do
        examples=$((examples + 1))
        if [[ -z $vocabularies && $line =~ \ (gpt2|vocab\.json)\  ]]; then
            echo "not run without CANTO_TEST_DATA: $line"
            continue
        fi
        try "$line" "$command" --quiet --threads 1 --seed 7
        [ ! -s "$WORK/err" ] || fail "$line --quiet has messages: $(head -c 300 "$WORK/err")"
        try "$line" "$command" --json --threads=2 --seed=7
        [ -s "$WORK/out" ] || fail "$line --json reports nothing"
        jq -e . "$WORK/out" >/dev/null 2>"$WORK/jq" || [ ! -s "$WORK/jq" ] || fail "$line --json: $(cat "$WORK/jq")"
    done < <(jq -r --arg c "$command" '.commands[] | select(.name == $c) | .examples[].command' "$WORK/tables")
    [ $examples -ge 2 ] || fail "$command has $examples examples"

    for wrong in -Z "--threads 0" --threads --seed=x --quiet=1 --help=1; do
        run 2 $command $wrong
        [ ! -s "$WORK/out" ] || fail "canto $command $wrong prints results"
        has err "canto $command: error: " && has err "canto help $command tells all about it"
    done
    run 2 $command --jsno && has err "did you mean --json?"
done

for wrong in --zzzzz "--threads 257" "--threads 2x" "--seed -1" --json=1 --hel=1; do run 2 eval $wrong; done

run 2 eval --help=1 && has err "--help takes no value"

# An option's value with = and apart; -- ends the options; beginnings of names when there is only one such name.
run 0 inspect --preset=mini --wid 64 --heads=4 --json && [ "$(jq .config.width "$WORK/out")" = 64 ] || fail "--wid"
run 2 inspect --preset mini --attention- 1 && has err "--attention-scale, --attention-pattern"
run 2 generate --prompt && has err "--prompt needs a value (TEXT)"
cp -r run ./--json
run 0 generate -n 3 -pa -- --json
run 1 eval run -- --quiet && has err "--quiet"
CANTO_CPU=portable run 0 generate run -n 3 -p a
CANTO_CPU=z80 run 1 generate run -n 3 -p a && has err z80
finish
