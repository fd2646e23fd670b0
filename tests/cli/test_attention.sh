#!/usr/bin/env bash
# canto attention (row 004-10): the weights as JSON and CSV, causal and local where the model is, the figures made of them,
# one layer or head alone, and what is refused.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
cd "$WORK" || exit 1
{ cat small.txt && echo '"so" they said'; } >talk.txt
small='--width 16 --heads 2 --layers 2 --context 16 --batch 2 --steps 3 --quiet'
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
