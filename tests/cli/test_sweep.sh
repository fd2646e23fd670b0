#!/usr/bin/env bash
# canto sweep: a run for each setting, the numbers of its table, going on after an interruption, failures, refusals, texts side by side.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
. "$(dirname "$0")/runs.sh"
S="--tokenizer char --width 16 --heads 2 --layers 1 --context 16 --batch 2 --eval-batches 1"

# Every value with every other, named by them; the same bytes as canto train makes with the same options.
G="--steps 20 --eval-every 5 --sample-every 10"
run 0 sweep "$WORK/small.txt" $S $G --vary dropout=0,0.3 --vary lr=1e-3,0.01 -o "$WORK/grid" --json
[ "$(jq -r .run "$WORK/out" | tr '\n' ' ')" = "dropout=0,lr=1e-3 dropout=0,lr=0.01 dropout=0.3,lr=1e-3 dropout=0.3,lr=0.01 " ] ||
    fail "the runs: $(cat "$WORK/out")"
for name in dropout=0,lr=1e-3 dropout=0.3,lr=0.01; do
    [ "$(jq -r --arg n $name 'select(.run == $n) | "\(.run): dropout=\(.dropout),lr=\(.lr)"' "$WORK/out")" = "$name: $name" ] || fail "the values of $name"
done
cp "$WORK/out" "$WORK/lines"
run 0 train "$WORK/small.txt" $S $G --dropout 0.3 --lr 0.01 -o "$WORK/alone" -q
same_runs alone grid/dropout=0.3,lr=0.01

# The table's numbers are those of the runs' files.
head -n 1 "$WORK/grid/table.csv" | grep -q "^run,dropout,lr,parameters,last_train_loss,last_val_loss,gap,best_train_loss,best_val_loss,best_step,perplexity,bits_per_byte,tokens_per_second,seconds,error$" ||
    fail "the head of table.csv: $(head -n 1 "$WORK/grid/table.csv")"
tail -n +2 "$WORK/grid/table.csv" | tr -d '"' | sed 's/,lr=/;lr=/' >"$WORK/rows"
[ "$(wc -l <"$WORK/rows")" = 4 ] || fail "table.csv has not four rows"
while IFS=, read -r name _ _ parameters last_train last_val gap best_train best_val best_step perplexity bits speed seconds error; do
    folder=$WORK/grid/${name/;/,}
    awk -F, -v lt="$last_train" -v lv="$last_val" -v g="$gap" -v bt="$best_train" -v bv="$best_val" -v bs="$best_step" -v p="$perplexity" -v b="$bits" -v v="$speed" -v t="$seconds" '
        function differ(what, have, want) { if ((have - want) ^ 2 > 1e-12 * want ^ 2) { print what ": " have ", not " want; bad = 1 } }
        NR == 1 { next }
        $5 != "" { train = $5; if (least == "" || $5 + 0 < least + 0) least = $5 }
        $6 != "" { val = $6; if (best == "" || $6 + 0 < best + 0) { best = $6; at = $1 } }
        $9 != "" { speeds[++n] = $9 + 0 }
        { end = $10 }
        END {
            for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (speeds[j] < speeds[i]) { x = speeds[i]; speeds[i] = speeds[j]; speeds[j] = x }
            differ("last train", lt, train); differ("last val", lv, val); differ("gap", g + 1, val - train + 1)
            differ("best train", bt, least); differ("best val", bv, best); differ("step", bs, at)
            differ("perplexity", p, exp(best)); differ("bits", b, best / log(2)) # a character is a byte here
            differ("speed", v, (speeds[int((n + 1) / 2)] + speeds[int(n / 2) + 1]) / 2); differ("seconds", t + 1, end + 1)
            exit bad
        }' "$folder/metrics.csv" || fail "table.csv of $name"
    [ "$parameters" = "$("$CANTO" inspect "$folder" --json | jq .parameters.total)" ] && [ -z "$error" ] || fail "$name: $parameters parameters, error $error"
    [ "$(jq -c --arg n "${name/;/,}" 'select(.run == $n) | .best_val_loss' "$WORK/lines")" = "$best_val" ] || fail "--json and table.csv differ"
done <"$WORK/rows"
if "$CANTO" plot "$WORK/alone" -o "$WORK/try.svg" -q 2>"$WORK/err"; then
    [ "$(grep -o '<path style="[^"]*stroke-width:1.6[^"]*dasharray[^"]*"' "$WORK/grid/curves.svg" | sort -u | wc -l)" -ge 4 ] ||
        fail "curves.svg has not four dashed curves"
else
    [ ! -e "$WORK/grid/curves.svg" ] || fail "a picture without a library that draws"
fi

# The same command again: nothing is trained. Further values join.
touch "$WORK/now"
run 0 sweep "$WORK/small.txt" $S $G --vary dropout=0,0.3,0.1 --vary lr=1e-3,0.01 -o "$WORK/grid"
[ -z "$(find "$WORK/grid/dropout=0,lr=1e-3" "$WORK/grid/dropout=0.3,lr=0.01" -newer "$WORK/now" -name metrics.csv)" ] || fail "a run that was done was made again"
[ "$(grep -c "done before" "$WORK/err")" = 4 ] || fail "not four were done before: $(cat "$WORK/err")"
[ "$(grep -c "^dropout=" "$WORK/out")" = 6 ] && has out "least validation loss: dropout=" || fail "the table: $(cat "$WORK/out")"

# Another command is refused, with what is different; nothing happens to the folder.
other="sweep $WORK/small.txt $S --eval-every 5 --sample-every 10 --vary dropout=0,0.3 -o $WORK/grid"
refused 1 "was begun with steps 20, and now it is 30" $other --steps 30
refused 1 "was begun without clip, and now it is 1.0" $other --steps 20 --clip 1
refused 1 "was begun with steps 20, and now it is not given" $other
mkdir "$WORK/full" && touch "$WORK/full/x"
refused 1 "is not empty" sweep "$WORK/small.txt" $S --steps 1 --vary seed=1,2 -o "$WORK/full"
mkdir "$WORK/odd" && echo '{"runs":1}' >"$WORK/odd/sweep.json"
refused 1 "is not what canto sweep writes" sweep "$WORK/small.txt" $S --steps 1 --vary seed=1,2 -o "$WORK/odd"

# Interrupted and killed in the middle of the second run: the first stays as it is, the second goes on to the bytes of one that
# nothing stopped.
vary="--vary seed=1,2,3 --steps 300 --eval-every 100 --dropout 0.1 --sample-every 100"
run 0 sweep "$WORK/small.txt" $S $vary -o "$WORK/calm" -q
for signal in INT KILL; do
    "$CANTO" sweep "$WORK/small.txt" $S $vary -o "$WORK/$signal" 2>"$WORK/err" >"$WORK/out" </dev/null &
    CHILD=$!
    for i in $(seq 2000); do
        [ -e "$WORK/$signal/seed=2/step-00000100" ] && break
        sleep 0.005
    done
    kill -s $signal $CHILD
    wait $CHILD 2>"$WORK/waited"
    CODE=$?
    [ $signal = KILL ] || [ $CODE = 130 ] || [ $CODE = 0 ] || fail "$signal: exit $CODE"
    [ $CODE != 130 ] || { has err "interrupted in run" && has err "the same command goes on"; }
    run 0 sweep "$WORK/small.txt" $S $vary -o "$WORK/$signal"
    for seed in 1 2 3; do same_runs calm/seed=$seed $signal/seed=$seed; done
    cmp <(cut -d, -f1-10 "$WORK/calm/table.csv") <(cut -d, -f1-10 "$WORK/$signal/table.csv") || fail "the tables differ after $signal"
done

# Options that belong together. One run that fails costs no other, is told, and is tried again.
run 0 sweep "$WORK/small.txt" $S --steps 5 --variant 'plain:' --variant "wide: --width 32 --sample-prompt 'a b'" -o "$WORK/named" --json
[ "$(jq -r '"\(.run) \(.variant)"' "$WORK/out" | tr '\n' ' ')" = "plain plain wide wide " ] || fail "--variant: $(cat "$WORK/out")"
jq -e '.config.width == 32 and .command["sample-prompt"] == "a b"' "$WORK/named/wide/run.json" >/dev/null || fail "the variant's options"
refused 1 "wide was begun with width 32, and now it is 48" sweep "$WORK/small.txt" $S --steps 5 --variant 'plain:' --variant "wide: --width 48 --sample-prompt 'a b'" -o "$WORK/named"
run 1 sweep "$WORK/small.txt" $S --steps 5 --eval-every 0 --variant 'good:' --variant "bad: --tokenizer $WORK/alone" --variant 'also: --lr 1' \
    --variant "short: --context 100000" -o "$WORK/mixed"
[ -e "$WORK/mixed/also/last" ] && [ ! -e "$WORK/mixed/short/last" ] || fail "a failure stopped the others, or did not fail"
grep -q "^short  .*" "$WORK/out" && grep -q '^also,also,[0-9]' "$WORK/mixed/table.csv" || fail "the table of a failure: $(cat "$WORK/out")"
jq -e '.runs.also.done and (.runs.short.done | not) and (.runs.short.error | length > 20)' "$WORK/mixed/sweep.json" >/dev/null ||
    fail "sweep.json of a failure: $(cat "$WORK/mixed/sweep.json")"

# A text that has changed on the way would make a table of unlike things.
cp "$WORK/small.txt" "$WORK/moving.txt"
run 0 sweep "$WORK/moving.txt" $S --steps 3 --vary seed=1 -o "$WORK/moved" -q
sed -i 's/evening/morning/' "$WORK/moving.txt"
run 1 sweep "$WORK/moving.txt" $S --steps 3 --vary seed=1,2 -o "$WORK/moved" -q && has err "a text has changed" && grep -q "^seed=1 .*[0-9]" "$WORK/out" ||
    fail "a changed text: $(cat "$WORK/out")"

# What cannot be is refused before anything is begun.
begin="sweep $WORK/small.txt $S --steps 1 -o $WORK/none"
refused 2 "no option --droput; did you mean --dropout?" $begin --vary droput=0,1
refused 2 "--dropout 1.5: must be a number from 0" $begin --vary dropout=0,1.5
refused 2 "did you mean cosine?" $begin --vary schedule=constant,cosin
refused 2 "--vary lr: 1 stands there twice" $begin --vary lr=1,1
refused 2 "also given for all runs" $begin --vary width=16,32
refused 2 "also varied twice" $begin --vary lr=1 --vary lr=2
refused 2 "also set by a variant" $begin --vary lr=1 --variant 'a: --lr 2'
refused 2 "one for the whole sweep" $begin --vary output=a,b
refused 2 "one for the whole sweep" $begin --variant "a: -o x"
refused 2 "two variants have this name" $begin --variant a: --variant a:
refused 2 "must be a name, a colon and options" $begin --variant '--lr 2'
refused 2 "quotation mark" $begin --variant "a: --unknown '<UNK>"
refused 2 "is no option with its value" $begin --variant "a: 3"
refused 2 "must be an option's name and its values" $begin --vary lr
refused 2 "what changes from run to run" $begin
refused 2 "more than 1000 runs" $begin --vary "seed=$(seq -s, 200)" --vary "clip=$(seq -s, 200)"
refused 2 "where to?" sweep "$WORK/small.txt" --vary lr=1
refused 2 "--tokens is of writing" $begin --vary lr=1 --parity torch --tokens 3
run 2 sweep "$WORK/small.txt" --width 16 --vary heads=2,3 -o "$WORK/none" --steps 1 && has err "does not divide" || fail "heads=3"
refused 2 "must end with .svg or .png" $begin --vary lr=1,2 --picture x.pdf
run 2 $begin --vary lr=1,2 --y los && has err "nothing that can be drawn"
[ ! -e "$WORK/none" ] || fail "a refused sweep made a folder"
run 0 sweep "$WORK/small.txt" $S --steps 1 --vary "betas=0.9,0.99;0.8,0.9" -o "$WORK/pairs" --json
[ "$(jq -r .betas "$WORK/out" | tr '\n' ' ')" = "0.9,0.99 0.8,0.9 " ] || fail "pairs: $(cat "$WORK/out")"
jq -n --arg t "$WORK/small.txt" '{texts: [$t], vary: ["seed=1,2"], tokenizer: "char", width: 16, heads: 2, layers: 1, context: 16, batch: 2, steps: 1, output: ($t + ".sweep")}' >"$WORK/sweep.json"
run 0 sweep --config "$WORK/sweep.json" -q && [ -e "$WORK/small.txt.sweep/seed=2/last" ] || fail "--config"
# What the command line varies is not the file's to set; what the file itself varies it cannot set too.
run 0 sweep --config "$WORK/sweep.json" --vary heads=1,4 -o "$WORK/wins" -q && [ -e "$WORK/wins/heads=4/last" ] && [ ! -e "$WORK/wins/seed=2" ] || fail "--vary beside --config"
jq '.vary = ["heads=1,4"]' "$WORK/sweep.json" >"$WORK/both.json"
refused 2 "also given for all runs" sweep --config "$WORK/both.json" -o "$WORK/both"

# Texts of one model, as canto generate writes them with the same options.
run 0 sweep "$WORK/alone" --vary temperature=0.5,1.5 --vary top-k=0,3 -p "In the" -n 40 -o "$WORK/texts" --json
for setting in 0.5,0 1.5,3; do
    "$CANTO" generate "$WORK/alone" -t ${setting%,*} --top-k ${setting#*,} -p "In the" -n 40 --json >"$WORK/one"
    jq -e --slurpfile one "$WORK/one" --arg t ${setting%,*} --arg k ${setting#*,} 'select(.temperature == $t and .["top-k"] == $k) | .texts == $one and
        ((.loss + ($one[0].logprobs | add / length)) | fabs) < 1e-9 and .tokens == 40 and ((.perplexity / (.loss | exp) - 1) | fabs) < 1e-9' "$WORK/out" | grep -qx true ||
        fail "the text of $setting"
done
cp "$WORK/out" "$WORK/first"
run 0 sweep "$WORK/alone" --vary temperature=0.5,1.5 --vary top-k=0,3 -p "In the" -n 40 -o "$WORK/texts" --json
cmp "$WORK/out" "$WORK/first" || fail "texts that were written before are not taken as they are"
[ "$(wc -l <"$WORK/texts/table.csv")" = 5 ] || fail "table.csv of texts"
refused 1 "was begun with tokens 40, and now it is 41" sweep "$WORK/alone" --vary temperature=0.5 -p "In the" -n 41 -o "$WORK/texts"
run 0 sweep "$WORK/alone" --vary temperature=0,2 -p "In the" -n 60 && grep -q "^temperature=0  .*temperature=2 *$" "$WORK/out" && grep -q "^setting " "$WORK/out" ||
    fail "side by side: $(cat "$WORK/out")"
[ "$(wc -L <"$WORK/out")" -le 80 ] || fail "texts wider than 80 columns"
refused 2 "is of trainings" sweep "$WORK/alone" --vary temperature=0.5 --steps 3
refused 2 "no option --lr" sweep "$WORK/alone" --vary lr=1
refused 2 "one for all texts" sweep "$WORK/alone" --vary threads=1,2
finish
