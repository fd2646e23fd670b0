# shellcheck shell=bash
# runs.sh - whether two runs in $WORK are the same; sourced after library.sh.

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
