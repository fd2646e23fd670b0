#!/usr/bin/env bash
# Help and manual pages, over every command and option of the program's own tables (canto help --json): everything
# appears, in 80 columns, with examples; manual pages have no warnings; the defaults that help names are those in use.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"

run 0 help --json && mv "$WORK/out" "$WORK/tables"
mapfile -t commands < <(jq -r '.commands[].name' "$WORK/tables")
[ ${#commands[@]} -gt 9 ] || fail "only ${#commands[@]} commands"

# narrow WHAT: no line of $WORK/out is wider than 80 columns, and all of it is ASCII.
narrow() {
    awk -v what="$1" 'length > 80 { print "FAILED: help of " what ": wider than 80 columns: " $0; bad = 1 } END { exit bad }' "$WORK/out" ||
        FAILURES=$((FAILURES + 1))
    ! LC_ALL=C grep -n '[^ -~]' "$WORK/out" || fail "help of $1 has more than ASCII"
}

run 0 help && cp "$WORK/out" "$WORK/overview" && narrow canto
run 0 --help && cmp -s "$WORK/out" "$WORK/overview" || fail "--help is not help"
run 0 -h && cmp -s "$WORK/out" "$WORK/overview" || fail "-h is not help"
run 0 help --files "$WORK/share"
for command in "${commands[@]}"; do
    grep -qE "^  $command +[a-z]" "$WORK/overview" || fail "canto help lacks $command"
    run 0 help $command && cp "$WORK/out" "$WORK/help" && narrow "$command"
    for form in --help -h; do
        run 0 $command $form && cmp -s "$WORK/out" "$WORK/help" || fail "canto $command $form is not canto help $command"
        [ ! -s "$WORK/err" ] || fail "canto $command $form has messages"
    done
    head -n 1 "$WORK/help" | grep -qE '^[A-Z].*\.$' || fail "$command: the help does not open with a sentence"
    has help "usage: canto $command"
    examples=$(grep -c '^  [^ -]' "$WORK/help")
    [ "$examples" -ge 2 ] || fail "$command: $examples examples"
    page=$WORK/share/man/man1/canto-${command// /-}.1
    [ -s "$page" ] || fail "$command has no manual page"
    grep -qF "canto\\-${command// /\\-} (1)" "$WORK/share/man/man1/canto.1" || fail "canto.1 does not refer to $command"
    # Each option as the help shows it, whatever follows, and as the page has it.
    jq -r --arg c "$command" '.commands[] | select(.name == $c) | .options[] |
        (if .letter then "  -\(.letter), " else "      " end) + "--\(.name)" + (if .value then " \(.value)" else "" end)' "$WORK/tables" >"$WORK/want"
    awk 'NR == FNR { lines[NR] = $0; n = NR; next }
         { for (i = 1; i <= n; i++) if (lines[i] == $0 || index(lines[i], $0 " ") == 1) next; print }' "$WORK/help" "$WORK/want" >"$WORK/missing"
    [ ! -s "$WORK/missing" ] || fail "help $command lacks: $(head -3 "$WORK/missing")"
    sed -E 's/.*--([a-z0-9-]+).*/\1/; s/-/\\-/g; s/.*/\\fB\\-\\-&\\fR/' "$WORK/want" >"$WORK/names"
    awk 'NR == FNR { page = page $0 "\n"; next } !index(page, $0)' "$page" "$WORK/names" >"$WORK/missing"
    [ ! -s "$WORK/missing" ] || fail "the page of $command lacks: $(head -3 "$WORK/missing")"
    sed -nE 's/^.*--([a-z0-9-]+).*/\1/p' "$WORK/want" >"$WORK/names"
    for name in threads seed quiet json; do
        grep -qx "$name" "$WORK/names" || fail "$command has no --$name"
    done
done
kinds=$(jq -r '[.commands[] | select(.name == "train" or .name == "generate") | .options[] | select(.name == "preset" or .name == "tie" or .name == "stop" or .name == "lr") | .kind] | join(" ")' "$WORK/tables")
[ "$kinds" = "preset switch real texts" ] || fail "the kinds of four options are $kinds"
for family in $(printf '%s\n' "${commands[@]}" | sed -n 's/ .*//p' | sort -u); do
    run 0 help "$family" && narrow "$family" && has out "canto help $family COMMAND"
    run 0 "$family" --help && has out "canto help $family COMMAND"
    run 2 "$family"
done

# Manual pages: two readers of them, neither with a word to say.
pages=("$WORK"/share/man/man1/*.1)
[ ${#pages[@]} -eq $((${#commands[@]} + 1)) ] || fail "${#pages[@]} manual pages"
if command -v mandoc >/dev/null; then
    mandoc -T lint "${pages[@]}" >"$WORK/lint" 2>&1 || fail "mandoc: $(head -5 "$WORK/lint")"
    [ ! -s "$WORK/lint" ] || fail "mandoc: $(head -5 "$WORK/lint")"
else
    echo "SKIP: mandoc is missing"
fi
if command -v man >/dev/null && command -v groff >/dev/null; then
    groff -man -ww -z -Kutf8 "${pages[@]}" >"$WORK/lint" 2>&1 || fail "groff: $(head -5 "$WORK/lint")"
    [ ! -s "$WORK/lint" ] || fail "groff: $(head -5 "$WORK/lint")"
    LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l "${pages[1]}" >"$WORK/page" 2>"$WORK/lint"
    [ ! -s "$WORK/lint" ] || fail "man: $(head -3 "$WORK/lint")"
    for section in NAME SYNOPSIS DESCRIPTION OPTIONS EXAMPLES 'EXIT STATUS' ENVIRONMENT 'SEE ALSO'; do
        grep -qx "$section" "$WORK/page" || fail "${pages[1]} has no section $section"
    done
else
    echo "SKIP: man or groff is missing"
fi
for day in 0:1970-01-01 1700000000:2023-11-14; do
    SOURCE_DATE_EPOCH=${day%%:*} "$CANTO" help --man train | grep -qF "${day#*:}" || fail "the page's day is not ${day#*:}"
done

# What help calls mini's settings, and the defaults of train, are what a run without options uses.
run 0 train "$WORK/small.txt" -o "$WORK/run" --steps 0 --quiet
run 0 train "$WORK/small.txt" -o "$WORK/short" --max-time 1e-6 --width 8 --layers 1 --context 8 --batch 1 --eval-batches 1 -q
claims=0
while IFS=$'\t' read -r name claim; do
    case $name in
        steps) have=$(jq -r .training.steps "$WORK/short/run.json") ;;
        attention-pattern) have=$(jq -r .config.pattern "$WORK/run/run.json") ;;
        tie) have=$(jq -r .config.tied "$WORK/run/run.json") ;;
        eval-batch) have=$(jq -r 'if .training.eval_batch == 0 then "as --batch" else .training.eval_batch end' "$WORK/run/run.json") ;;
        decay) have=$(jq -r 'if .training.decay_matrices_only then "matrices" else "all" end' "$WORK/run/run.json") ;;
        betas) have=$(jq -r '[.training.beta1, .training.beta2] | map(tostring) | join(",")' "$WORK/run/run.json") ;;
        *) have=$(jq -r --arg n "${name//-/_}" 'if .config | has($n) then .config[$n] else .training[$n] end' "$WORK/run/run.json") ;;
    esac
    case $have in true) have=on ;; false) have=off ;; esac
    [ "$have" = "$claim" ] || awk -v a="$have" -v b="$claim" 'BEGIN { exit !(a ~ /^[0-9.e+-]+$/ && a + 0 == b + 0) }' ||
        fail "help says --$name of mini is '$claim'; a run has '$have'"
    claims=$((claims + 1))
done < <(jq -r '.commands[] | select(.name == "train") | .options[] | select(.about | test("mini: ")) | [.name, (.about | capture("mini: (?<v>[^)]*)").v)] | @tsv' "$WORK/tables")
[ $claims -gt 40 ] || fail "only $claims of mini's settings are named"

run 2 help trian && has err "did you mean train?"
run 2 help tokenizer encod && has err "did you mean tokenizer encode?"
run 2 help train nonsense && has err "canto help train"
run 2 help --complete bsh && has err "did you mean bash?"
run 0 help train --json && [ "$(jq -r .name "$WORK/out")" = train ] || fail "canto help train --json"
touch "$WORK/taken"
run 1 help --files "$WORK/taken" && has err "not a folder"
finish
