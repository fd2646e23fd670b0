#!/usr/bin/env bash
# Values that no option takes, sizes that no machine has, and standard streams that are closed: one line, exit code 1 or 2,
# at once. tests/cli/test_errors.sh has the mistyped names.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
cd "$WORK" || exit 1
[ -n "${CANTO_SANITIZE:-}" ] || ulimit -v 8000000

# ------------------------------------------------------------------------------------------------ absurd sizes
most=2147483647
for option in width heads layers ffn context vocab batch eval-batch accumulate eval-batches window; do
    for value in -1 2147483648 7x; do
        refused 2 "--$option $value: must be a whole number" train small.txt -o new --$option "$value"
    done
done
for value in 9223372036854775808 1e3 x '' ' 7' '7 ' 0x7; do
    refused 2 "--width $value: must be a whole number" train small.txt -o new --width "$value"
done
for option in width heads context vocab batch eval-batch accumulate eval-batches; do
    refused 2 "--$option 0: must be" train small.txt -o new --$option 0
done
refused 2 "does not divide the width 16" train small.txt -o new --width 16 --heads 3
refused 2 "heads is 17" train small.txt -o new --width 16 --heads 17
refused 2 "width is $most" train small.txt -o new --width $most --heads 1 --ffn 1
refused 2 "--width $most" train small.txt -o new --width $most
refused 2 "layers is $most" train small.txt -o new --layers $most
refused 2 "ffn is $most" train small.txt -o new --ffn $most
refused 2 "context is $most" train small.txt -o new --context $most
refused 2 "batch is $most" train small.txt -o new --batch $most
refused 2 "eval_batches is $most" train small.txt -o new --eval-batches $most
huge=16777216
refused 2 "more than this machine can count" train small.txt -o new --width $huge --ffn 67108864 --layers 1048576
# What can be counted and not be had is refused with numbers, before anything is allocated.
for sizes in "--layers 1048576" "--context $huge" "--vocab $most" "--batch 1048576 --width 1024" "--width 65536" "--ffn 67108864" \
    "--eval-batch 1048576 --context 65536" "--heads 1048576 --width 1048576"; do
    # shellcheck disable=SC2086
    refused 1 " GB" train small.txt -o new $sizes -q
done
refused 1 " bytes" train small.txt -o new -q --batch 1048576 --context $huge
refused 1 "too large to list" inspect --preset shakespeare-tiny --layers 1048576
refused 1 "too large to list" inspect --preset shakespeare-tiny --heads 65536 --width 65536
refused 1 " bytes" inspect --preset shakespeare-tiny --heads $huge --width $huge --layers 100
[ ! -e new ] || fail "something was made of bad values"

# -------------------------------------------------------------------------------------------- values of all sorts
tiny=(--preset mini --tokenizer char --width 16 --heads 2 --layers 1 --context 16 --batch 2 --steps 1 --threads 1)
run 0 train small.txt -o run "${tiny[@]}" --width 64 --width 16 -q # given twice: the last one counts
run 0 inspect run --json && [ "$(jq .config.width out)" = 16 ] || fail "--width given twice"
for value in 5x -1 1.5 ''; do refused 2 "--tokens $value: must be" generate run -n "$value"; done
for value in nan inf 1,5 0x1 1e999 ''; do refused 2 "--temperature $value: must be" generate run -t "$value"; done
for value in 1.1 -0.1 nan ''; do refused 2 "--top-p $value: must be" generate run --top-p "$value"; done
refused 1 "top_p is 0" generate run -q --top-p 0
refused 2 "--threads 257: must be" generate run --threads 257
refused 2 "--seed -1: must be" generate run --seed -1
refused 2 "which model" generate
refused 2 "which model" generate run run
refused 2 "did you mean --prompt" generate run --promt x
refused 2 'unknown option --a\x0Ab' generate run $'--a\nb'
refused 2 "unknown command" $'ge\e[7mnerat'
refused 2 "is one of the texts" data prepare small.txt -o small.txt
refused 2 "where to" train small.txt -o ''
for option in preset tokenizer config attention-pattern unknown specials numbers; do
    "$CANTO" train small.txt -o new --steps 0 --$option '' >out 2>err </dev/null
    [[ $? = [12] ]] || fail "an empty --$option goes through"
    one_line "train --$option ''"
done
for text in '[1]' '{' '{"width":16,"width":17}' '{"width":1e999}' '{"width":"a\u0000b"}' '{"width":[]}' '{"texts":[1]}' \
    "$(printf '%0100000d' 0 | tr 0 '[')" $'{"a\n":' ''; do
    printf '%s' "$text" >options.json
    "$CANTO" train -o new --steps 0 --config options.json >out 2>err </dev/null
    [ $? = 2 ] || fail "options ${text:0:40} go through"
    one_line "--config with ${text:0:40}"
    has err options.json
done
for ids in x -1 36 4294967296 99999999999999999999 1x; do
    printf '%s' "$ids" | "$CANTO" tokenizer decode --tokenizer run >out 2>err
    [ $? = 1 ] || fail "token id $ids goes through"
    one_line "tokenizer decode of $ids"
    has err "$ids"
done

# -------------------------------------------------------------------------------------------- standard streams
# closed CODE TEXT: the last command's exit code and its one line.
closed() {
    [ "$?" = "$1" ] || fail "exit code of $2"
    [ "$3" = none ] && { [ ! -s err ] || fail "$2: $(cat err)"; return; }
    one_line "$2"
    has err "standard output cannot be written"
}
"$CANTO" generate run -n 5 -q 2>err </dev/null >&-
closed 1 "generate with standard output closed" line
"$CANTO" generate run -n 5 -q --json 2>err </dev/null >&-
closed 1 "generate --json with standard output closed" line
"$CANTO" generate run -q -n 5 <&- >out 2>err
closed 0 "generate with standard input closed" none
"$CANTO" generate missing 2>&- >out </dev/null
[ $? = 1 ] || fail "standard error closed"
if [ -e /dev/full ]; then
    timeout 60 "$CANTO" generate run -q -n 1000000000 2>err </dev/null >/dev/full
    closed 1 "generate onto a full disk" line
    timeout 60 "$CANTO" generate run -q -n 1 --count 1000000000 --json 2>err </dev/null >/dev/full
    closed 1 "generate --count onto a full disk" line
fi
# A reader that goes away ends the writing: quietly by SIGPIPE, or with a line where that signal is ignored.
timeout 60 "$CANTO" generate run -q -n 1000000000 2>err </dev/null | head -c 10 >out
[ "${PIPESTATUS[0]}" = 141 ] && [ ! -s err ] || fail "generate | head: ${PIPESTATUS[0]} $(cat err)"
(trap '' PIPE && timeout 60 "$CANTO" generate run -q -n 1000000000 2>err </dev/null; echo $? >code) | head -c 10 >out
[ "$(cat code)" = 1 ] || fail "generate | head without SIGPIPE: $(cat code)"
one_line "generate | head without SIGPIPE"
# A training goes on without a reader, and nothing of standard output gets into its files.
"$CANTO" train small.txt -o unread "${tiny[@]}" --steps 30 --json -q 2>err </dev/null | head -n 1 >out
[ "${PIPESTATUS[0]}" = 1 ] || fail "train | head"
one_line "train | head"
[ -d unread/step-00000030 ] || fail "the training ended with its reader"
"$CANTO" train small.txt -o closed "${tiny[@]}" --steps 30 --json -q 2>err </dev/null >&-
closed 1 "train with standard output closed" line
for file in model.safetensors optimizer.safetensors config.json; do
    cmp -s unread/last/$file closed/last/$file || fail "$file of a training without standard output differs"
done
cut -d, -f1-8 unread/metrics.csv >a && cut -d, -f1-8 closed/metrics.csv | cmp -s - a || fail "metrics.csv differs"
finish
