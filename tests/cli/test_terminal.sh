#!/usr/bin/env bash
# Progress and messages on a terminal (one of script's making), in a pipe, with NO_COLOR and TERM=dumb; interruption of
# commands that have nothing to save. It waits for what is to appear rather than for a time.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
command -v script >/dev/null || { echo "SKIP: script is missing"; exit 77; }
export TERM=xterm
unset NO_COLOR
ESC=$'\033'
S="--width 16 --heads 2 --layers 1 --context 16 --batch 2 --steps 100000000 --eval-every 100000000 --eval-batches 1"

# terminal COMMAND...: starts it in the background on a terminal of 60 columns; its screen goes to $WORK/screen.
terminal() {
    rm -f "$WORK/pid" "$WORK/tty"
    : >"$WORK/screen"
    {
        echo "stty cols 60 rows 24; tty >'$WORK/tty'; echo \$\$ >'$WORK/pid'"
        printf 'exec'
        printf ' %q' "$@"
    } >"$WORK/start"
    script -qefc "bash $WORK/start" /dev/null >"$WORK/screen" 2>&1 </dev/null &
    job=$!
}
# until_seen PATTERN [TIMES]: waits until the screen has it (so often).
until_seen() {
    local i
    for i in $(seq 600); do
        [ "$(grep -aoE -- "$1" "$WORK/screen" | wc -l)" -ge "${2:-1}" ] && return
        sleep 0.05
    done
    fail "the screen never shows '$1': $(head -c 500 "$WORK/screen")"
}
# redraws: what stands between a carriage return and "erase to the end", one a line.
redraws() { tr '\r' '\n' <"$WORK/screen" | sed -nE "s/(.+)$ESC\[K.*/\1/p"; }
# ends CODE: the command on the terminal ends with it.
ends() {
    wait "$job"
    local got=$?
    [ $got -eq "$1" ] || fail "on the terminal: exit $got, not $1: $(tail -c 300 "$WORK/screen")"
}

# A training: one line that is rewritten, never as wide as the window, narrower when the window gets narrower.
terminal "$CANTO" train "$WORK/small.txt" -o "$WORK/run" $S
until_seen "step [0-9]+/100000000" 3
stty -F "$(cat "$WORK/tty")" cols 30
seen=$(grep -aoE "step [0-9]+/100000000" "$WORK/screen" | wc -l)
until_seen "step [0-9]+/100000000" $((seen + 4))
kill -INT "$(cat "$WORK/pid")"
ends 130
redraws | awk 'length > 59 { exit 1 }' || fail "a line as wide as the window: $(redraws | head -3)"
redraws | awk 'length > 29 { wide = 1 } END { exit !wide }' || fail "the lines do not use the window: $(redraws | head -3)"
redraws | tail -n 1 | awk 'length > 29 { exit 1 }' || fail "a narrower window is not seen: $(redraws | tail -n 1)"
# What is left on each line: after the last erasure that begins it (a warning may come in between, the run is as long as it is).
! sed -E "s/.*\r$ESC\[K//" "$WORK/screen" | grep -aqE 'step [0-9]+/100000000' || fail "progress is left on a line"
grep -aq $'\r'"$ESC\[Kinterrupted after step" "$WORK/screen" || fail "the line is not taken away: $(tail -c 300 "$WORK/screen")"
[ "$(tail -c 1 "$WORK/screen" | od -An -c | tr -d ' ')" = '\n' ] || fail "the cursor does not stand at the beginning of a line"

# Work of the library: what is done, how much of it, how long still. Ctrl-C ends the line and the command at once. Progress is
# shown after a second; this model and text are minutes of work.
for i in $(seq 1000); do cat "$WORK/small.txt"; done >"$WORK/long.txt"
run 0 train "$WORK/small.txt" -o "$WORK/large" --width 512 --heads 8 --layers 4 --context 64 --steps 0 --quiet
terminal "$CANTO" eval "$WORK/large" "$WORK/long.txt" --threads 1
until_seen "evaluating +[0-9]+ % +[0-9].* left"
kill -INT "$(cat "$WORK/pid")"
ends 130
[ "$(tail -c 1 "$WORK/screen" | od -An -c | tr -d ' ')" = '\n' ] || fail "an interrupted command leaves the cursor within the line"

# Work that comes to its end: the line of progress is gone before the result is printed. The text is made longer until the work
# is long enough for progress, so it takes a few seconds on any machine.
cp "$WORK/small.txt" "$WORK/middle.txt"
for i in $(seq 18); do
    terminal "$CANTO" eval "$WORK/run" "$WORK/middle.txt" --threads 1
    ends 0
    if grep -aq evaluating "$WORK/screen"; then break; fi
    cat "$WORK/middle.txt" "$WORK/middle.txt" >"$WORK/double.txt"
    mv "$WORK/double.txt" "$WORK/middle.txt"
done
grep -aqE "evaluating.*$ESC\[K$(printf '\r')$ESC\[Kloss +[0-9.]+" "$WORK/screen" ||
    fail "no progress, or the result stands on its line: $(tail -c 300 "$WORK/screen")"

# A text that is not shown while it is written: progress instead, and nothing of it is left on the line of the result.
terminal "$CANTO" generate "$WORK/run" -p a -n 1000000000 --stream off
until_seen "writing +[0-9]+ % +[0-9].* left"
kill -INT "$(cat "$WORK/pid")"
ends 130
grep -aq $'\r'"$ESC\[Ka" "$WORK/screen" || fail "the text does not begin on a line of its own"

# TERM=dumb, no TERM: lines, and no byte that moves the cursor. A pipe likewise, and few of them.
for kind in TERM=dumb TERM=; do
    terminal env "$kind" "$CANTO" train "$WORK/small.txt" -o "$WORK/run-$kind" $S
    until_seen "step [0-9]+/100000000.*"
    kill -INT "$(cat "$WORK/pid")"
    ends 130
    ! grep -aq "$ESC" "$WORK/screen" || fail "$kind: escape sequences"
    grep -aqE "^step [0-9]+/.*"$'\r'"$" "$WORK/screen" || fail "$kind: no plain lines: $(head -c 300 "$WORK/screen")"
done
began=$SECONDS
run 0 train "$WORK/small.txt" -o "$WORK/piped" $S --max-time 0.02
took=$((SECONDS - began + 1)) # or less
! grep -q "[$ESC"$'\r]' "$WORK/err" || fail "a pipe gets the bytes of a terminal"
lines=$(grep -cE '^step [0-9]+/' "$WORK/err")
[ "$lines" -ge 1 ] && [ "$lines" -le $((1 + took / 5)) ] || fail "a pipe gets $lines lines of progress in $took seconds"

# Colours.
terminal "$CANTO" inspect "$WORK/missing"
ends 1
grep -aqF "${ESC}[31merror:${ESC}[0m" "$WORK/screen" || fail "no red on a terminal"
terminal env NO_COLOR=1 "$CANTO" inspect "$WORK/missing"
ends 1
! grep -aqF "$ESC" "$WORK/screen" || fail "NO_COLOR is not honoured"
run 1 inspect "$WORK/missing" && ! grep -qF "$ESC" "$WORK/err" || fail "colours in a pipe"

# Interrupted: 130 whatever the command waits for or works on, and no half of a file.
# (The thread sanitizer holds signals back while its program waits in fread: the first part is not for it.)
set -m # the child gets signals of its own
mkfifo "$WORK/pipe"
signals="INT TERM HUP"
[ "$CANTO_SANITIZE" = thread ] && signals=
for signal in $signals; do
    "$CANTO" tokenizer encode --tokenizer byte <"$WORK/pipe" >"$WORK/out" 2>"$WORK/err" &
    child=$!
    exec 9>"$WORK/pipe" # opens when the child has its end
    cat "$WORK/long.txt" >&9 # more than a pipe holds: when this is over, the child is reading
    kill -s $signal $child
    wait $child
    code=$?
    exec 9>&-
    [ $code -eq 130 ] || fail "tokenizer encode, $signal: exit $code"
done
awk 'BEGIN { for (i = 0; i < 1500000; i++) print "word" i " and others" }' >"$WORK/words.txt"
mkdir "$WORK/empty"
for delay in 0.3 0.1 0.05 0.02 0.01 0.005; do # as long as it comes to its end before that
    "$CANTO" data prepare "$WORK/words.txt" -o "$WORK/empty/tokens" --tokenizer word >"$WORK/out" 2>"$WORK/err" &
    child=$!
    sleep $delay
    kill -INT $child 2>"$WORK/gone"
    wait $child
    code=$?
    [ $code -eq 0 ] || break
    rm -rf "$WORK/empty" && mkdir "$WORK/empty"
done
[ $code -eq 130 ] || fail "data prepare: exit $code: $(cat "$WORK/err")"
[ -z "$(find "$WORK/empty" -type f)" ] || fail "data prepare leaves $(find "$WORK/empty")"
# In a window of 80 columns the line still ends with the share of the peak.
printf 'stty cols 80 rows 24; exec %q train %q -o %q %s --tokenizer char --steps 40\n' "$CANTO" "$WORK/small.txt" "$WORK/eighty" "${S%% --steps*} --eval-batches 1" >"$WORK/start"
script -qefc "bash $WORK/start" /dev/null >"$WORK/screen" 2>&1 </dev/null
redraws | grep -a trend >"$WORK/lines"
grep -qE "left  [0-9]+% of peak$" "$WORK/lines" && ! grep -qE '^.{80}' "$WORK/lines" || fail "80 columns: $(head -n 3 "$WORK/lines")"
finish
