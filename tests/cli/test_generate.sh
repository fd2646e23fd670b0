#!/usr/bin/env bash
# canto generate: samples that do not depend on each other, stop texts, penalties, prompts of every length and of nothing,
# texts beyond the context, untrained models, whole characters.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
S="--width 16 --heads 2 --layers 2 --context 12 --batch 4 --eval-batches 1 --quiet"
run 0 train "$WORK/small.txt" -o "$WORK/m" $S --tokenizer char --steps 60 --lr 1e-2
run 0 train "$WORK/small.txt" -o "$WORK/raw" $S --tokenizer byte --steps 0
run 0 train "$WORK/small.txt" -o "$WORK/words" $S --tokenizer word --steps 3
field() { jq -r "$1" "$WORK/out"; }

# sample i is the same whatever the count, and what --seed S+i writes alone
for model in m raw; do
    run 0 generate "$WORK/$model" -p "the " -n 40 --seed 5 --count 3 --json && cp "$WORK/out" "$WORK/three"
    [ "$(wc -l <"$WORK/three")" = 3 ] || fail "--count 3 wrote $(wc -l <"$WORK/three") lines"
    [ "$(jq -r .text "$WORK/three" | sort -u | wc -l)" -ge 3 ] || fail "$model: the samples are the same"
    run 0 generate "$WORK/$model" -p "the " -n 40 --seed 5 --count 2 --json
    cmp -s "$WORK/out" <(head -2 "$WORK/three") || fail "$model: samples depend on --count"
    run 0 generate "$WORK/$model" -p "the " -n 40 --seed 7 --json
    cmp -s "$WORK/out" <(tail -1 "$WORK/three") || fail "$model: sample 2 of --seed 5 is not that of --seed 7"
    jq -e '.prompt == "the " and (.ids | length) == 40 and (.logprobs | length) == 40 and (.logprobs | max) <= 0 and
        .ended_by == "length"' "$WORK/out" >/dev/null || fail "$model: $(cat "$WORK/out")"
    iconv -f UTF-8 -t UTF-8 <"$WORK/three" >/dev/null || fail "$model: JSON that is no UTF-8"
    run 0 generate "$WORK/$model" -p "the " -n 200 --seed 5
    iconv -f UTF-8 -t UTF-8 <"$WORK/out" >/dev/null || fail "$model: text that is no UTF-8"
done

# greedy beyond the context, against one process a token: each computes all of its context anew
run 0 generate "$WORK/m" -p "the " -n 24 --greedy --json && long=$(field .text)
text="the "
for _ in $(seq 24); do
    run 0 generate "$WORK/m" -p "$text" -n 1 --greedy --json --quiet
    text=$(jq -j '.prompt + .text' "$WORK/out"; echo .) && text=${text%.}
done
[ "$text" = "the $long" ] || fail "token by token '$text', at once 'the $long'"

# stop texts: not printed, whether streamed or not; ids hold what was written
stop=${long:7:3}
before=${long%%"$stop"*}
run 0 generate "$WORK/m" -p "the " -n 24 --greedy --stop "$stop" --json
[ "$(field .text; echo .)" = "$before
." ] || fail "--stop '$stop': '$(field .text)', not '$before'"
[ "$(field '.ids | length')" = $((${#before} + 3)) ] || fail "--stop: ids $(field '.ids | length')"
[ "$(field .ended_by)" = stop ] || fail "ended_by $(field .ended_by)"
for stream in on off; do
    run 0 generate "$WORK/m" -p "the " -n 24 --greedy --stop "$stop" --stop "never" --stream $stream
    [ "$(cat "$WORK/out"; echo .)" = "the $before
." ] || fail "--stop --stream $stream: '$(cat "$WORK/out")'"
done
run 0 generate "$WORK/m" -p "the " -n 24 --greedy --stop "never" --stop "the " --json # the prompt does not count
[ "$(field .ended_by)" = stop ] || [ "$(field .text)" = "$long" ] || fail "a stop text that the prompt has"
run 0 generate "$WORK/words" -p "the beginning" -n 30 --greedy --json && words=$(field .text)
second=$(echo "$words" | cut -d' ' -f2-3)
run 0 generate "$WORK/words" -p "the beginning" -n 30 --greedy --json --stop "$second"
case "$(field .text)" in *"$second"*) fail "a stop text of two words is printed" ;; esac
[ "$(field '.ids | length')" -le 3 ] || fail "a stop text of two words: $(field '.ids | length') tokens"
run 1 generate "$WORK/m" -p "the " --stop "" && has err "empty"

# filters and penalties
run 0 generate "$WORK/m" -p "the " -n 24 --min-p 1 --json
[ "$(field .text)" = "$long" ] || fail "--min-p 1 is not greedy"
run 0 generate "$WORK/m" -p "the " -n 24 --greedy --repeat-penalty 1 --json
[ "$(field .text)" = "$long" ] || fail "--repeat-penalty 1 changes the text"
run 0 generate "$WORK/m" -p "the " -n 24 --greedy --repeat-penalty 5 --json
[ "$(field .text)" != "$long" ] || fail "--repeat-penalty 5 changes nothing"
run 0 generate "$WORK/m" -p "the " -n 24 --greedy --repeat-penalty 5 --repeat-window 2 --json
[ "$(field '[.ids as $i | range(1; $i | length) | select($i[.] == $i[. - 1])] | length')" = 0 ] ||
    fail "--repeat-window 2: $(field .text)"
run 1 generate "$WORK/m" -p "the " --repeat-penalty 2 --repeat-window 13 && has err "context of 12"
run 2 generate "$WORK/m" -p "the " --min-p 1.5 && has err "--min-p"
run 2 generate "$WORK/m" -p "the " --repeat-penalty 0 && has err "--repeat-penalty"

# prompts: too long for the context, none, -p beside standard input, only the prompt
run 0 generate "$WORK/m" -p "in the beginning was the word" -n 3 --json
has err "29 tokens" && has err "last 12"
[ "$(field .prompt)" = "in the beginning was the word" ] || fail "a long prompt: $(field .prompt)"
cp "$WORK/out" "$WORK/all"
run 0 generate "$WORK/m" -p "was the word" -n 3 --json --quiet
[ "$(field .text)" = "$(jq -r .text "$WORK/all")" ] || fail "a long prompt is not its last 12 tokens"
[ ! -s "$WORK/err" ] || fail "--quiet: $(cat "$WORK/err")"
run 0 generate "$WORK/m" -n 3 --json && has err "begins with a newline"
[ "$(field '.prompt == "\n"')" = true ] || fail "no prompt: $(field .prompt)"
run 0 generate "$WORK/m" -p "" -n 3 --json && has err "begins with a newline"
run 0 generate "$WORK/words" -n 3 --json && has err "first token of the vocabulary"
[ "$(echo "was" | "$CANTO" generate "$WORK/m" -p "the" -n 2 --json | jq -r .prompt)" = the ] || fail "-p and stdin"
run 0 generate "$WORK/m" -p "the" -n 0 && [ "$(cat "$WORK/out")" = the ] || fail "-n 0: $(cat "$WORK/out")"
finish
