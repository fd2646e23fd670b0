#!/usr/bin/env bash
# Several token files are one stream: training on them is training on all of their tokens in one file. run.json records each
# with its hash, and a run goes on with these files in this order alone.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
. "$(dirname "$0")/runs.sh"
S="--width 16 --heads 2 --layers 1 --context 16 --batch 2 --steps 8 --eval-batches 2 --eval-every 4 --sample-every 4 --quiet"
cd "$WORK" || exit 1
head -c 700 small.txt >first.txt
tail -c +701 small.txt | head -c 9 >second.txt # less than a window
tail -c +710 small.txt >third.txt
: >nothing.txt
for name in first second third nothing small; do run 0 data prepare $name.txt -o $name.tok --tokenizer byte --quiet; done

run 0 train small.tok -o whole $S
run 0 train first.tok nothing.tok second.tok third.tok -o parts $S
same_runs whole parts
run 0 eval whole small.tok --json
cp out whole.json
run 0 eval whole first.tok second.tok third.tok --json
cmp out whole.json || fail "several token files are evaluated otherwise: $(cat out) and $(cat whole.json)"

jq -e '.data.files | length == 4 and (map(.source_bytes) == [700, 0, 9, '$(($(wc -c <small.txt) - 709))']) and (map(.source_hash) | unique | length) == 4' \
    parts/run.json >/dev/null || fail "run.json says of its files: $(jq -c .data parts/run.json)"
jq -e '.command.texts | length == 4 and all(endswith(".tok"))' parts/run.json >/dev/null || fail "run.json lacks the files' names"

run 0 train --resume parts --steps 10 --quiet
refused 1 "file number 3 is not the one" train --resume parts first.tok nothing.tok third.tok second.tok --steps 12 --quiet
refused 1 "was begun with 4 token files, and now there are 1" train --resume parts small.tok --steps 12 --quiet
refused 1 "was begun with 1 token files, and now there are 2" train --resume whole first.tok second.tok --steps 12 --quiet
cp first.tok kept.tok && cp third.tok first.tok
refused 1 "file number 1 is not the one" train --resume parts --steps 12 --quiet
cp kept.tok first.tok
run 0 train --resume parts --steps 12 --quiet

refused 1 "token files and texts cannot be mixed: 1 of these 2" train first.tok small.txt -o mixed $S
refused 1 "cannot be mixed" train small.txt first.tok -o mixed $S
run 0 data prepare small.txt -o char.tok --quiet
refused 1 "'first.tok' and 'char.tok' were made with different tokenizers" train first.tok char.tok -o mixed $S
[ ! -e mixed ] || fail "a refused run has left a folder"
finish
