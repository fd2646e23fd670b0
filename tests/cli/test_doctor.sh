#!/usr/bin/env bash
# canto doctor: what it tells of this machine is so, the self-test passes and leaves nothing behind, and what is wrong is
# named together with the way out.
. "$(dirname "$0")/library.sh"
mkdir "$WORK/tmp"
export TMPDIR=$WORK/tmp
unset CANTO_CPU

run 0 doctor && has out "All is well." && lacks out WRONG && has out "PyTorch's random stream"
[ -z "$(ls -A "$TMPDIR")" ] || fail "doctor leaves $(ls -A "$TMPDIR")"
run 0 doctor --json && cp "$WORK/out" "$WORK/doctor"
[ -z "$(ls -A "$TMPDIR")" ] || fail "doctor --json leaves $(ls -A "$TMPDIR")"
asks() { jq -e "$1" "$WORK/doctor" >/dev/null || fail "doctor --json: not $1"; }
asks '.ok and .problems == []'
asks '[.tests[].name] | contains(["portable kernels", "threads", "saving and loading", "PyTorch\u0027s random stream"])'
asks '.tests | all(.ok)'
asks '.kernels.chosen == .kernels.usable[0] and (.kernels.usable - .kernels.built == []) and (.kernels.built | index("portable"))'
asks '[.kernels.usable[] | . + " kernels"] - [.tests[].name] == []'
asks '.build.version == "'"$("$CANTO" --version | cut -d' ' -f2)"'"'
asks '.build.jansson | test("^[0-9]+[.][0-9]+")'
asks ".machine.usable_cores == $(nproc)"
if [ -e /proc/meminfo ]; then
    asks ".machine.memory_bytes == 1024 * $(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)"
    asks '.machine.free_memory_bytes > 0 and .machine.free_memory_bytes <= .machine.memory_bytes'
    asks '.machine.free_disk_bytes > 0 and (.machine.instruction_sets | length) > 0'
fi
case $CANTO_SANITIZE in
    address | thread) asks '.build.type | test("sanitizer")' && asks '.notes | any(test("slow"))' ;;
esac

# Each set of kernels can be chosen; one that is not the fastest is worth a note, one that is not there is a problem.
slowest=$(jq -r '.kernels.usable[-1]' "$WORK/doctor")
CANTO_CPU=$slowest run 0 doctor --json --threads 3 --seed 99
jq -e --arg c "$slowest" '.kernels.chosen == $c and .ok' "$WORK/out" >/dev/null || fail "CANTO_CPU=$slowest: $(cat "$WORK/out")"
[ "$slowest" = "$(jq -r '.kernels.usable[0]' "$WORK/doctor")" ] || jq -e '.notes | any(test("unset CANTO_CPU"))' "$WORK/out" >/dev/null ||
    fail "CANTO_CPU=$slowest is not noted"
TMPDIR=$WORK/missing CANTO_CPU=z80 run 1 doctor && has out z80 && has out "unset CANTO_CPU" && has out "Something is wrong"
has out "$WORK/missing" && has out "TMPDIR=FOLDER canto doctor"
TMPDIR=$WORK/missing CANTO_CPU=z80 run 1 doctor --json
jq -e '.ok == false and .kernels.chosen == null and (.problems | length) == 2' "$WORK/out" >/dev/null || fail "problems: $(cat "$WORK/out")"
run 2 doctor nonsense
finish
