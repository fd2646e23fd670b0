#!/usr/bin/env bash
# fuzz.sh FOLDER SECONDS [TARGET]: builds the fuzz targets into FOLDER and runs them one after the other (or TARGET alone)
# for SECONDS altogether. What they have learnt stays in FOLDER/corpus/TARGET and goes on growing; what breaks a target goes
# to FOLDER/crashes and belongs, fixed, into tests/fuzz/cases (xxd -p). FOLDER/tests.xml receives the results.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$1
seconds=$2
only=${3:-}
rm -f "$folder/tests.xml"
tools/build.sh fuzz "$folder" fuzz_targets

targets=()
for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    name=${name#fuzz_}
    if [ -z "$only" ] || [ "$only" = "$name" ]; then targets+=("$name"); fi
done
if [ ${#targets[@]} = 0 ]; then
    echo "there is no fuzz target '$only'; there are: $(basename -a -s .c tests/fuzz/fuzz_*.c | sed 's/^fuzz_//' | tr '\n' ' ')" >&2
    exit 2
fi
share=$((seconds / ${#targets[@]}))
[ "$share" -gt 0 ] || share=1

# Files are written and read thousands of times in a second: in memory where that is possible.
scratch=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")/canto-fuzz.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
export TMPDIR=$scratch

# number NAME FILE: that number of libFuzzer's closing statistics, or 0.
number() {
    local found
    found=$(grep -o "stat::$1: *[0-9]*" "$2" | tr -dc '0-9\n' | tail -n 1)
    echo "${found:-0}"
}

bad=0
cases=
crashes=$folder/crashes
mkdir -p "$crashes"
for name in "${targets[@]}"; do
    corpus=$folder/corpus/$name
    seeds=$scratch/seeds-$name
    log=$folder/$name.log
    mkdir -p "$corpus" "$seeds"
    "$folder/tests/fuzz/$name" --seeds "$seeds"
    before=$(find "$crashes" -type f | wc -l)
    status=0
    "$folder/tests/fuzz/$name" -max_total_time="$share" -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=512 \
        -max_len=8192 -dict=tests/fuzz/json.dict -print_final_stats=1 -artifact_prefix="$crashes/$name-" \
        "$corpus" "$seeds" >"$log" 2>&1 || status=$?
    found=$(($(find "$crashes" -type f | wc -l) - before))
    if [ "$status" != 0 ] && [ "$found" = 0 ]; then found=1; fi
    echo "$name: $(number number_of_executed_units "$log") executions, $found crashes"
    cases+="<testcase name=\"fuzz.$name\" status=\"run\">"
    if [ "$found" != 0 ]; then
        bad=$((bad + 1))
        tail -n 40 "$log" >&2
        cases+="<failure message=\"see $log\"/>"
    fi
    cases+="</testcase>"
done
printf '<testsuite name="fuzz" tests="%d" failures="%d" skipped="0" disabled="0">%s</testsuite>\n' \
    "${#targets[@]}" "$bad" "$cases" >"$folder/tests.xml"
[ "$bad" = 0 ]
