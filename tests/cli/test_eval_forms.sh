#!/usr/bin/env bash
# eval on lines of JSON: endings to choose from, last words; and with a stride.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
cd "$WORK" || exit 1

run 0 train small.txt -o run --tokenizer char --width 32 --heads 2 --layers 1 --context 48 --batch 16 --steps 400 --lr 0.01 --eval-batches 1 --quiet || finish

# What an ending's probability is, one can also have from the loss of a text: of everything after the first token.
cat >choices.jsonl <<'X'
{"ctx": "N", "endings": ["obody counted them before", " counted", "obody"], "label": 0}

{"ind": 3, "ctx": "In the beginning there were 7 little", "endings": ["hills.", "words, and every word was a number."], "label": "1", "split": "val"}
{"ctx": "every word was a ", "endings": ["moon", "number."], "label": 0}
X
run 0 eval run --form choices choices.jsonl --each on --json
jq -es 'length == 4 and (.[0].logprobs | length == 3) and .[1].choice == 1 and .[1].label == 1 and .[2].choice == 1 and .[2].label == 0 and
    .[3].questions == 3' out >/dev/null || fail "choices: $(cat out)"
jq -es '(.[3].accuracy * 3 | round) == ([.[0:3][] | select(.choice == .label)] | length) and
    (.[3].accuracy_by_byte * 3 | round) == ([.[0:3][] | select(.choice_by_byte == .label)] | length)' out >/dev/null || fail "accuracies: $(cat out)"
jq -es '(.[3].perplexity - ((-(.[0].logprobs[0] + .[1].logprobs[1] + .[2].logprobs[0]) / 3) | exp) | fabs) < 1e-6 * .[3].perplexity and
    .[3].token_perplexity < .[3].perplexity' out >/dev/null || fail "perplexity: $(cat out)"
for i in 0 1 2; do # "N", a space, and the ending: the second brings its own space
    ending=$(head -n 1 choices.jsonl | jq -r ".endings[$i]")
    printf 'N %s' "${ending# }" >text
    jq -rs ".[0].logprobs[$i]" out >want
    cp out kept
    run 0 eval run text --json
    jq -e --argjson want "$(cat want)" '(.loss * .tokens + $want | fabs) < 1e-4' out >/dev/null || fail "ending $i: $(cat out want)"
    cp kept out
done

run 0 eval run --form choices choices.jsonl && has out "questions         3" && has out "acc_norm"
run 0 eval run --form choices choices.jsonl --limit 1 --json && jq -e '.questions == 1' out >/dev/null || fail "limit: $(cat out)"

# The last word of what it has learned by heart, and one that it has not.
cat >words.jsonl <<'X'
{"text": "Nobody counted them before the evening, when the moon rose over the hill.\n"}
{"text": "Nobody counted them before the evening, when the moon rose over the moon."}
X
run 0 eval run --form last-word words.jsonl --each on --json
jq -es '.[0].right and .[0].word == "hill." and (.[1].right | not) and .[2].accuracy == 0.5 and .[0].tokens == 6 and .[0].logprob > .[1].logprob' out >/dev/null ||
    fail "last words: $(cat out)"
run 0 eval run --form last-word words.jsonl --each on && has out "hill."

# A window sees more with a stride, and what one stride of T gives is what none gives.
run 0 eval run small.txt --json && cp out whole
run 0 eval run small.txt --stride 48 --json && cmp -s out whole || fail "a stride of T is another: $(cat out whole)"
run 0 eval run small.txt --stride 4 --json && jq -es '.[0].tokens == .[1].tokens and .[0].loss < .[1].loss' out whole >/dev/null || fail "stride: $(cat out whole)"

refused 1 "from 1 to the model's context of 48" eval run small.txt --stride 49
refused 2 "--stride is not of --form choices" eval run choices.jsonl --form choices --stride 2
refused 2 "--each is not of --form text" eval run small.txt --each on
refused 2 "text|choices|last-word" eval run small.txt --form guesses
bad() { # TEXT LINE FORM: such a line is refused by its number
    printf '%s\n' '{"ctx": "a", "endings": ["b", "c"], "label": 1, "text": "a b"}' "$2" >bad.jsonl
    refused 1 "$1" eval run bad.jsonl --form "$3"
    has err "line 2 of 'bad.jsonl'"
}
bad "no JSON object" '[]' choices
bad '"ctx"' '{"endings": ["a", "b"], "label": 0}' choices
bad '"endings"' '{"ctx": "a", "endings": ["b"], "label": 0}' choices
bad '"label"' '{"ctx": "a", "endings": ["b", "c"], "label": 2}' choices
bad '"label"' '{"ctx": "a", "endings": ["b", "c"], "label": "x"}' choices
bad "ending is empty" '{"ctx": "a", "endings": ["b", ""], "label": 0}' choices
bad "no tokens" '{"ctx": "", "endings": ["b", "c"], "label": 0}' choices
bad "U+2603" '{"ctx": "a", "endings": ["b", "☃"], "label": 0}' choices
bad "before the last one" '{"text": "word"}' last-word
bad '"text"' '{"ctx": "a b"}' last-word
printf '{"ctx": "a", "endings": ["b", "%s"], "label": 0}\n' "$(printf 'word %.0s' {1..20})" >long.jsonl
refused 1 "context is 48 tokens" eval run long.jsonl --form choices
: >none.jsonl
refused 1 "holds no question" eval run none.jsonl --form last-word
finish
