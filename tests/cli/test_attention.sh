#!/usr/bin/env bash
# canto attention (row 004-10): the weights as JSON and CSV, causal and local where the model is, the figures and pictures
# made of them, one layer or head alone, and what is refused.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
cd "$WORK" || exit 1
{ cat small.txt && echo '"so" they said'; } >talk.txt
small='--tokenizer char --width 32 --attention-scale none --heads 2 --layers 2 --context 16 --batch 2 --steps 3 --init torch --quiet'
# layer 0 sees everything before, layer 1 the nearest 4
run 0 train talk.txt -o run --preset mini $small --window 4 --attention-pattern gl --lr 0.1 || finish

run 0 attention run -p 'the "so' --json && cp out all.json
jq -e '.tokens == ["t","h","e"," ","\"","s","o"]' all.json >/dev/null || fail "tokens: $(jq -c .tokens all.json)"
jq -e '(.layers | map(map(map(length))) | flatten) == [range(28) | 7] and (.layers | map(length)) == [2, 2]' all.json >/dev/null ||
    fail "the shape of layers"
jq -e '[.layers[][][] | add - 1 | fabs] | max < 1e-6' all.json >/dev/null || fail "rows do not sum to one"
jq -e '[.layers[][] | range(7) as $i | range($i + 1; 7) as $j | .[$i][$j]] | all(. == 0)' all.json >/dev/null || fail "not causal"
jq -e '[.layers[1][] | range(7) as $i | range(7) as $j | select($j <= $i - 4) | .[$i][$j]] | length == 12 and all(. == 0)' \
    all.json >/dev/null || fail "layer 1 is not local"
jq -e '[.layers[0][][6][0]] | all(. > 0)' all.json >/dev/null || fail "layer 0 is local"
jq -e '[.layers[][] | .[range(7)] | map(select(. > 0)) | min] | unique | length > 4' all.json >/dev/null || fail "all weights are alike"

# The figures are those of the weights: means over the rows from 1 on.
jq -e 'def near($a; $b): ($a - $b | fabs) < 1e-5;
    [.layers[][]] as $heads | .figures as $f | ($f | length) == 4 and all(range(4);
    . as $n | $heads[$n] as $h | $f[$n].layer == ($n / 2 | floor) and $f[$n].head == $n % 2 and
    near($f[$n].entropy; [range(1; 7) as $i | [$h[$i][] | select(. > 0) | -. * log2] | add] | add / 6) and
    near($f[$n].distance; [range(1; 7) as $i | [range(7) as $j | $h[$i][$j] * ($i - $j)] | add] | add / 6) and
    near($f[$n].first; [range(1; 7) as $i | $h[$i][0]] | add / 6) and
    near($f[$n].previous; [range(1; 7) as $i | $h[$i][$i - 1]] | add / 6))' all.json >/dev/null ||
    fail "figures: $(jq -c .figures all.json)"
run 0 attention run -p 'the "so' && [ "$(wc -l <out)" -ge 5 ] || fail "no table"
jq -r '.figures[] | "\(.layer) \(.head) \(.distance * 100 | round)"' all.json >wanted
awk 'NF == 8 && $1 ~ /^[0-9]+$/ {printf "%d %d %d\n", $1, $2, $4 * 100 + 0.5}' out | diff - wanted >"$WORK/diff" || fail "the table: $(cat "$WORK/diff")"

# CSV has the same numbers, its fields in quotes where they must be.
run 0 attention run -p 'the "so' --csv && cp out all.csv
[ "$(head -n 1 all.csv)" = "layer,head,position,token,0,1,2,3,4,5,6" ] || fail "the head of CSV"
[ "$(sed -n 6p all.csv | cut -d, -f 1-4)" = '0,0,4,""""' ] || fail "a quote in CSV: $(sed -n 6p all.csv)"
jq -r '.layers[][][] | map(tostring) | join(",")' all.json >wanted
tail -n +2 all.csv | cut -d, -f 5- | awk -F, 'NR == FNR {want[FNR] = $0; next}
    {n = split(want[FNR], w, ","); if (n != NF) bad++; for (i = 1; i <= NF; i++) if ($i - w[i] > 1e-9 || w[i] - $i > 1e-9) bad++}
    END {exit bad > 0 || FNR != 28}' wanted - || fail "CSV and JSON differ"

run 0 attention run -p 'the "so' --layer 1 --json && jq -e --slurpfile a all.json '.layers == [$a[0].layers[1]] and .figures == $a[0].figures[2:]' out >/dev/null || fail "--layer 1"
run 0 attention run -p 'the "so' --head 1 --json && jq -e --slurpfile a all.json '.layers == [$a[0].layers[] | [.[1]]]' out >/dev/null || fail "--head 1"
run 0 attention run -p 'the "so' --layer 1 --head 0 --csv && [ "$(cat out)" = "$(sed -n '1p; 16,22p' all.csv)" ] || fail "--layer 1 --head 0"
run 0 attention run -p 'the "so' --json --threads 1 && cmp -s out all.json || fail "--threads changes the weights"
CANTO_CPU=portable run 0 attention run -p 'the "so' --json &&
    jq -e --slurpfile a all.json '[[.layers | flatten, [$a[0].layers | flatten]] | [.[0], .[1][0]] | transpose[] | .[0] - .[1] | fabs] | max < 1e-4' out >/dev/null ||
    fail "the portable kernels' weights are others"

# One token sees itself alone; a text beyond the context loses its beginning; text from standard input.
run 0 attention run -p t --json && jq -e '.layers == [[[[1]], [[1]]], [[[1]], [[1]]]] and .figures[0].entropy == null' out >/dev/null || fail "one token"
run 0 attention run -p t && has out " -"
run 0 attention run -p "the cat and the cat and the cat" --json && has err "the model sees the last 16 of them"
jq -e '(.tokens | add) == " cat and the cat" and (.layers[0][0] | length) == 16' out >/dev/null || fail "a long text"
printf 'the "so\n' | "$CANTO" attention run --json >out 2>err && cmp -s out all.json || fail "a text from standard input: $(cat err)"

# Below the figures stands the picture: a cell is two characters, the darker the more weight, of ten steps up to the greatest.
run 0 attention run -p 'the "so' --layer 0 --head 1 && has out "layer 0, head 1" && has out "is looked at"
sed -nE 's/^ +[0-6] [^ ]+ ([^ ]+)$/\1/p' out | sed 's/··/__/g' >picture
jq -r '.layers[0][1] | (flatten | max) as $high | .[] | map(. / $high * 10 | floor | if . > 9 then 9 else . end) | join(" ")' all.json >levels
[ "$(tr ' ' '\n' <levels | sort -u | wc -l)" -gt 5 ] || fail "a picture of few shades: $(cat levels)"
[ "$(wc -l <picture)" = 7 ] || fail "the picture has $(wc -l <picture) rows: $(cat out)"
awk 'BEGIN {for (i = 1; i <= 10; i++) level[substr("_.:-=+*#%@", i, 1)] = i - 1}
    NR == FNR {want[FNR] = $0; next}
    {split(want[FNR], w, " "); if (length($0) != 2 * FNR) bad++
     for (i = 1; i <= FNR; i++) {d = level[substr($0, 2 * i, 1)] - w[i]; if (d > 1 || d < -1) bad++}}
    END {exit bad > 0}' levels picture || fail "the picture is not that of the weights: $(cat out)"
lacks out "$(printf '\033')"
run 0 attention run -p 'the "so' --layer 0 --head 1 --colour always && has out "$(printf '\033')"
run 0 attention run -p 'the "so' --layer 1 --head 0 && grep -qE '^   6 o {7}[^ ]+$' out || fail "a local layer's picture is not empty where nothing is seen: $(cat out)"
run 0 attention run -p 'the "so' && for head in 0.0 0.1 1.0 1.1; do grep -qE " $head( |$)" out || fail "the sheet lacks $head"; done
"$CANTO" attention run -p 'the "so' -o sheet.svg >out 2>err
if grep -q 'need cairo' err; then echo "this build draws no files"; else
    has err "wrote sheet.svg" && lacks out "0.0 " && grep -q '<svg ' sheet.svg && grep -q '</svg>' sheet.svg || fail "no SVG: $(cat err)"
    run 0 attention run -p 'the "so' --json -o sheet.png && cmp -s out all.json && [ "$(head -c 8 sheet.png | od -An -tx1 | tr -d ' ')" = 89504e470d0a1a0a ] || fail "no PNG beside --json"
    refused 1 "/nowhere/x.svg" attention run -p the -o /nowhere/x.svg --json
fi
refused 2 "must end with .svg or .png" attention run -p the -o sheet.pdf

# So many cells that some share one: the greatest weight of them.
for i in 1 2 3 4; do cat talk.txt; done >long.txt
run 0 train long.txt -o long --preset mini --tokenizer char --width 4 --heads 2 --layers 2 --context 3000 --batch 1 --steps 0 --eval-batches 1 --quiet
head -c 2950 long.txt | "$CANTO" attention long >out 2>err && has err "2 x 2 tokens" && has out "1.1" || fail "a long text's sheet: $(cat err)"

refused 2 "which model?" attention -p the
refused 2 "no text to look at" attention run -p ""
refused 2 "no text to look at" attention run
refused 2 "--json or --csv" attention run -p the --json --csv
refused 1 "no layer 2 to look at: the model has 2" attention run -p the --layer 2
refused 1 "no head 7 to look at: the model has 2" attention run -p the --head 7 --json && [ ! -s out ] || fail "something was printed"
refused 1 "U+00E9" attention run -p "thé"
refused 1 "nowhere" attention nowhere -p the
run 0 train talk.txt -o none --preset mini $small --attention off && refused 1 "its blocks have none" attention none -p the
run 0 train talk.txt -o flat --preset mini $small --layers 0 && refused 1 "it has no blocks" attention flat -p the
finish
