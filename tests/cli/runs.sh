# shellcheck shell=bash
# runs.sh - runs that are held up where a test wants them, and whether two runs in $WORK are the same; sourced after library.sh.
set -m # a child gets signals of its own

# start PATTERN ARGUMENTS...: runs the program as $CHILD, its events going through a pipe. When start returns there was one with
# PATTERN; a full pipe holds the program up, a few hundred events further, until drain is called.
start() {
    local pattern=$1 line
    shift
    rm -f "$WORK/events"
    mkfifo "$WORK/events"
    "$CANTO" "$@" --json >"$WORK/events" 2>"$WORK/err" </dev/null &
    CHILD=$!
    exec 3<"$WORK/events"
    while read -r line <&3; do
        if [[ $line == *"$pattern"* ]]; then return; fi
    done
    fail "no event with $pattern: $(cat "$WORK/err")"
}
# drain: lets it go to its end; its exit code becomes $CODE.
drain() {
    cat <&3 >"$WORK/rest"
    exec 3<&-
    wait "$CHILD" 2>"$WORK/waited"
    CODE=$?
}

# metrics NAME: metrics.csv without speeds and times.
metrics() { cut -d, -f1-8 "$WORK/$1/metrics.csv"; }
# same_runs ONE OTHER: the same bytes in their last and best checkpoints, their metrics and samples.
same_runs() {
    local file
    for file in last/model.safetensors last/optimizer.safetensors best/model.safetensors samples.txt; do
        cmp "$WORK/$1/$file" "$WORK/$2/$file" || fail "$2 differs from $1 in $file"
    done
    diff <(metrics "$1") <(metrics "$2") >"$WORK/diff" || fail "$2 differs from $1 in metrics.csv: $(head -n 6 "$WORK/diff")"
}
