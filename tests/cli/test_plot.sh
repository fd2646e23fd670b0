#!/usr/bin/env bash
# canto plot: the numbers of metrics.csv where the picture shows them, smoothing, epochs, damaged and missing files, --follow.
. "$(dirname "$0")/library.sh"
export LC_ALL=C.UTF-8
head="step,epoch,tokens,train_loss,eval_train_loss,val_loss,lr,grad_norm,tokens_per_second,seconds"

# made RUN ROW...: a run folder with these rows.
made() {
    mkdir -p "$WORK/$1"
    printf '%s\n' "$head" "${@:2}" >"$WORK/$1/metrics.csv"
}
made a 0,0,0,8,7.5,7.6,0,2,100,0 10,0,1000,4,,,0.001,1,110,60 20,0,2000,6,5.5,5.8,0.0005,0.5,90,120 30,1,3000,2,,,0.0001,0.25,100,200
made b 0,0,0,7,,,0,2,100,0 10,0,1000,5,4,4.5,0.001,1,110,60

# The terminal: no wider and no higher than asked for, colours where they are wanted.
run 0 plot "$WORK/a" --y speed --width 30 --height 10
grep -q "^tokens per second" "$WORK/out" && ! grep -q $'\033' "$WORK/out" || fail "the terminal's picture: $(cat "$WORK/out")"
[ "$(wc -l <"$WORK/out")" -le 10 ] && [ "$(wc -L <"$WORK/out")" -le 30 ] || fail "larger than asked for: $(cat "$WORK/out")"
run 0 plot "$WORK/a" --colour always && grep -q $'\033\\[38;5;' "$WORK/out" || fail "--colour always"
COLORTERM=truecolor run 0 plot "$WORK/a" --colour always && grep -q $'\033\\[38;2;' "$WORK/out" || fail "COLORTERM"
run 0 plot "$WORK/a" --json && jq -e '.runs[0] | .rows == 4 and .last.step == 30 and .last.train_loss == 2 and .best.val_loss == 5.8 and .damaged == 0' "$WORK/out" >/dev/null ||
    fail "--json: $(cat "$WORK/out")"

# points OPTIONS...: the picture's curves, a line each: its width, whether it is dashed, and its points, 0 to 1 within the axes.
# A curve of one point is a dot, and not among them; nor are the legend's samples, level lines of 22 points.
points() {
    run 0 plot "$@" -o "$WORK/p.svg" --quiet || return
    grep -o '<path style="[^"]*stroke-width:[^"]*" d="[^"]*"' "$WORK/p.svg" | awk '
        {
            split($0, part, "\""); style = part[2]; n = split(part[4], at, /[MLZ ]+/)
            width = style; sub(/.*stroke-width:/, "", width); sub(/;.*/, "", width)
        }
        width == 0.8 && n >= 10 && !(style ~ /rgb\(85/) {left = at[2]; top = at[3]; right = at[4]; bottom = at[7]}
        n == 6 && at[5] == at[3] && at[4] - at[2] > 21.9 && at[4] - at[2] < 22.1 {next}
        width == 1.6 || width == 0.9 {keep[++count] = part[4]; kind[count] = width (style ~ /dasharray/ ? " dashed" : "")}
        END {
            for (i = 1; i <= count; i++) {
                n = split(keep[i], at, /[ML ]+/)
                line = kind[i] ":"
                for (k = 2; k < n; k += 2) line = line sprintf(" %.3f,%.3f", (at[k] - left) / (right - left), (bottom - at[k + 1]) / (bottom - top))
                print line
            }
        }'
}
# curves WANT OPTIONS...: exactly these, as points prints them.
curves() {
    local want=$1 got
    shift
    got=$(points "$@")
    [ "$got" = "$want" ] || fail "plot $*: not
$want
but
$got"
}
axes="--x-range 0,40 --y-range 0,10"
if "$CANTO" plot "$WORK/a" -o "$WORK/p.svg" >/dev/null 2>"$WORK/err"; then
    pictures=1
    curves "1.6: 0.000,0.800 0.250,0.400 0.500,0.600 0.750,0.200
1.6: 0.000,0.760 0.500,0.580" "$WORK/a" $axes
    curves "0.9: 0.000,0.800 0.250,0.400 0.500,0.600 0.750,0.200
1.6: 0.000,0.800 0.250,0.600 0.500,0.600 0.750,0.400
1.6: 0.000,0.760 0.500,0.580" "$WORK/a" $axes --sma 3
    curves "0.9: 0.000,0.800 0.250,0.400 0.500,0.600 0.750,0.200
1.6: 0.000,0.800 0.250,0.700 0.500,0.675 0.750,0.556
1.6: 0.000,0.760 0.500,0.580" "$WORK/a" $axes --ema 0.25
    curves "1.6: 0.000,0.800 0.250,0.400 0.500,0.600 0.750,0.200
1.6 dashed: 0.000,0.760 0.500,0.580
1.6: 0.000,0.700 0.250,0.500" "$WORK/a" "$WORK/b" $axes
    curves "1.6: 0.000,0.750 0.500,0.550
1.6: 0.000,0.760 0.500,0.580" "$WORK/a" $axes --y evaluation
    curves "1.6: 0.000,0.000 0.250,1.000 0.500,0.500 0.750,0.100" "$WORK/a" --x-range 0,40 --y-range 0,0.001 --y lr --sma 2
    curves "1.6: 0.000,0.200 0.100,0.100 0.200,0.050 0.300,0.025" "$WORK/a" --x tokens --x-range 0,10000 --y-range 0,10 --y grad-norm
    curves "1.6: 0.000,0.500 0.250,0.550 0.500,0.450 0.833,0.500" "$WORK/a" --x time --x-range 0,4 --y-range 0,200 --y speed
    curves "1.6: 0.000,0.500 0.167,0.550 0.333,0.450 0.500,0.500" "$WORK/a" --x epoch --x-range 0,2 --y-range 0,200 --y speed
    curves "1.6: 0.333,0.510 0.434,0.489 0.492,0.500" "$WORK/a" --log-x --log-y --x-range 1,1000 --y-range 1,10000 --y speed

    # Apart: the same y axis in both, and the runs' own points in it.
    points "$WORK/a" "$WORK/b" --apart --x-range 0,40 >"$WORK/apart"
    [ "$(wc -l <"$WORK/apart")" = 3 ] && grep -q "^1.6: .*,0.955 .*,0.348 .*,0.652 .*,0.045$" "$WORK/apart" && grep -q "^1.6: 0.000,0.803 0.250,0.500$" "$WORK/apart" ||
        fail "--apart: $(cat "$WORK/apart")"
    run 0 plot "$WORK/a" "$WORK/b" -o "$WORK/p.png" --y loss,perplexity,lr,grad-norm --columns 2 --dark on --scale 1 --quiet
    [ "$(head -c 24 "$WORK/p.png" | od -An -tu1 -j1 | tr -s ' \n' ' ')" = " 80 78 71 13 10 26 10 0 0 0 13 73 72 68 82 0 0 3 72 0 0 2 108 " ] ||
        fail "not a PNG of 840 x 620: $(head -c 24 "$WORK/p.png" | od -An -tu1)"
    refused 1 "/nowhere" plot "$WORK/a" -o /nowhere/p.svg
else
    pictures=0
    has err "libcairo2-dev"
    [ ! -e "$WORK/p.svg" ] || fail "a file was made without a picture"
fi

# What is damaged is left out and told; the rest is drawn. A last line without its end is being written.
made c 0,0,0,8,,,0,2,100,0 10,0,1000,4,,,0.001,1,110,60
printf '5,0,500,7,,,0,1,1,1\n15,0,x,4,,,0,1,1,1\n16,0,1600,4\n%s\n20,0,2000,6,,,0.0005,0.5,90,120\n25,0,25' "$(head -c 5000 /dev/zero | tr '\0' 1)" >>"$WORK/c/metrics.csv"
run 0 plot "$WORK/c" --json && has err "4 damaged rows left out, the first is line 4" && one_line "plot of damaged rows"
[ "$(jq -c '.runs[0] | [.rows, .damaged, .last.step]' "$WORK/out")" = "[3,4,20]" ] || fail "damaged rows: $(cat "$WORK/out")"
run 0 plot "$WORK/c/metrics.csv" && has err "damaged"

refused 1 "no/run: No such file" plot "$WORK/no/run"
mkdir "$WORK/bare" && refused 1 "is $WORK/bare a run folder" plot "$WORK/bare"
made fresh && refused 1 "no measurements yet" plot "$WORK/fresh"
mkdir "$WORK/empty" && : >"$WORK/empty/metrics.csv" && refused 1 "the file is empty" plot "$WORK/empty"
printf 'a,b\n1,2\n' >"$WORK/other.csv" && refused 1 "does not name the columns" plot "$WORK/other.csv"
printf '%s\nx\n' "$head" >"$WORK/broken.csv" && refused 1 "its rows are damaged" plot "$WORK/broken.csv"
head -c 100000 /dev/urandom >"$WORK/noise.csv" && refused 1 "noise.csv" plot "$WORK/noise.csv"
refused 1 "not a file" plot /dev/null
made flat 0,0,0,8,,,0,2,100,0
refused 1 "has no eval_train_loss" plot "$WORK/flat" --y evaluation
refused 1 "nothing says how long an epoch is" plot "$WORK/flat" --x epoch
echo '{"training":{"split":0.5},"data":{"tokens":4000}}' >"$WORK/b/run.json"
[ $pictures = 0 ] || curves "1.6: 0.000,0.700 0.250,0.500" "$WORK/b" --x epoch --x-range 0,2 --y-range 0,10
refused 1 "must end with .svg or .png" plot "$WORK/a" -o "$WORK/p.pdf"
refused 1 "logarithmic" plot "$WORK/flat" --y lr --log-y
for wrong in "" "$WORK/a --y los" "$WORK/a --y loss,loss,loss,loss,loss,loss,loss" "$WORK/a --sma 2 --ema 0.5" "$WORK/a --follow" "$WORK/a --x steps"; do
    run 2 plot $wrong
done

# A run that is still going: the file is made anew with each look that finds more, and is whole whenever it is there.
if [ $pictures = 1 ]; then
    made going 0,0,0,8,,,0,2,100,0
    "$CANTO" plot "$WORK/going" -o "$WORK/live.svg" --follow --every 0.05 2>"$WORK/followed" &
    follower=$!
    for i in $(seq 600); do [ -e "$WORK/live.svg" ] && break; sleep 0.05; done
    before=$(md5sum <"$WORK/live.svg")
    printf '10,0,1000,4,,,0.001,1,110,60\n20,0,2000,3,,,0.001,1,110,60\n' >>"$WORK/going/metrics.csv"
    for i in $(seq 200); do
        grep -q '</svg>' "$WORK/live.svg" || fail "a picture that is not whole"
        [ "$(md5sum <"$WORK/live.svg")" = "$before" ] || break
        sleep 0.05
    done
    [ "$(md5sum <"$WORK/live.svg")" != "$before" ] || fail "--follow does not draw again"
    kill -INT $follower
    wait $follower
    [ $? = 130 ] || fail "--follow ended with another code"
fi
finish
