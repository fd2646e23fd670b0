#!/usr/bin/env bash
# Shell completion, tried in the shells themselves: every command and every option of the tables is offered, and the
# values of an option by its kind. bash by COMP_WORDS and COMPREPLY, fish by `complete -C`, zsh by the TAB key.
. "$(dirname "$0")/library.sh"
run 0 help --json && mv "$WORK/out" "$WORK/tables"
run 0 help --files "$WORK/share"
mkdir -p "$WORK/here/a folder" "$WORK/here/about"
cd "$WORK/here" || exit 1
touch -- 'a file.txt' 'book.txt' '--odd'
presets=$("$CANTO" inspect --presets --json | jq -r '.[].name' | sort)

# COMMAND<TAB>--OPTION of all options; with <TAB>CHOICE... of those that have some.
all_options() { jq -r '.commands[] | .name as $c | .options[] | [$c, "--" + .name] | @tsv' "$WORK/tables"; }
all_choices() { jq -r '.commands[] | .name as $c | .options[] | select(.choices != []) | [$c, "--" + .name, (.choices | join(" "))] | @tsv' "$WORK/tables"; }

# ---- bash
bash -n "$WORK/share/bash-completion/completions/canto" || fail "bash -n"
. "$WORK/share/bash-completion/completions/canto"
# offered WORD...: COMPREPLY for the line canto WORD..., the cursor behind the last one; one a line, sorted.
offered() {
    COMP_WORDS=(canto "$@")
    COMP_CWORD=$#
    COMPREPLY=()
    _canto
    [ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}" | sort
}
# wants "WORD..." EXPECTED...: exactly these are offered.
wants() {
    local line=$1 have want
    shift
    eval "set -- \"\$line\" \"\$@\"; have=\$(offered $line)"
    shift
    want=$( [ $# -eq 0 ] || printf '%s\n' "$@" | sort)
    [ "$have" = "$want" ] || fail "bash, canto $line: $(tr '\n' ' ' <<<"$have")rather than $*"
}
mapfile -t firsts < <(jq -r '.commands[].name | sub(" .*"; "")' "$WORK/tables" | sort -u)
wants "''" "${firsts[@]}" --help --version
wants tra train
wants "tokenizer ''" train encode decode info save compare --help
wants "tokenizer en" encode
wants "help insp" inspect
wants "help tokenizer dec" decode
wants "train --weight" --weight-decay
wants "train --norm ''" pre post none
wants "train --norm = p" pre post
wants "train --norm =" pre post none
wants "train --preset ''" $presets
wants "train --preset = gpt2-m" gpt2-medium
wants "train --tie o" on off
wants "train --tokenizer b" byte bpe book.txt
wants "data prepare --tokenizer gp" gpt2
wants "train -o a" "a folder" about
wants "train --output = ab" about
wants "train --lr ''"
wants "train a" "a file.txt" "a folder" about
wants "train book.txt --lr 3 b" book.txt
wants "train -- --o" --odd
wants "train --quiet b" book.txt
wants "data prepare bo" book.txt
wants "generate run --parity ''" torch
wants "tokenizer encode --li" --lines
wants "nonsense ''"
wants "bench train ''"
while read -r command; do
    jq -r --arg c "$command" '.commands[] | select(.name == $c) | .options[] | "--" + .name' "$WORK/tables" | sort - <(echo --help) >"$WORK/want"
    offered $command -- >"$WORK/have"
    cmp -s "$WORK/have" "$WORK/want" || fail "bash, canto $command --: $(diff "$WORK/want" "$WORK/have" | head -5)"
done < <(jq -r '.commands[].name' "$WORK/tables")
while IFS=$'\t' read -r command option words; do
    have=$(offered $command "$option" '')
    for word in $words; do
        case $'\n'$have$'\n' in *$'\n'$word$'\n'*) ;; *) fail "bash: canto $command $option does not offer $word" ;; esac
    done
done < <(all_choices)
[ "$(bash -c 'source <("$1" help --complete bash); complete -p canto' - "$CANTO")" = "complete -F _canto canto" ] || fail "bash: not bound"

# ---- fish
if command -v fish >/dev/null; then
    script=$WORK/share/fish/vendor_completions.d/canto.fish
    export HOME=$WORK XDG_CONFIG_HOME=$WORK/config XDG_DATA_HOME=$WORK/data XDG_CACHE_HOME=$WORK/cache
    fish -n "$script" || fail "fish -n"
    # Each line of standard input is completed: "LINE<TAB>WORD" for each word offered.
    fish --no-config -c "source '$script'
        while read line; for word in (complete -C \$line); printf '%s\t%s\n' \$line (string split -f1 \t -- \$word); end; end" >"$WORK/fish" 2>"$WORK/fish.err" < <(
        printf '%s\n' 'canto ' 'canto tra' 'canto tokenizer ' 'canto help ' 'canto help tokenizer ' 'canto train --norm ' 'canto train --preset gpt2-m' \
            'canto train --tokenizer b' 'canto train -o ab' 'canto train --lr ' 'canto train bo' 'canto generate run --parity=' 'canto bench train '
        all_options | sort -u | awk -F'\t' '{ print "canto " $1 " " $2 }'
        all_choices | awk -F'\t' '{ print "canto " $1 " " $2 " " }')
    [ ! -s "$WORK/fish.err" ] || fail "fish: $(head -3 "$WORK/fish.err")"
    sort -u -o "$WORK/fish" "$WORK/fish"
    fish_has() { grep -qxF -- "$1	$2" "$WORK/fish" || fail "fish: '$1' does not offer $2"; }
    fish_only() { [ "$(grep -cF -- "$1	" "$WORK/fish")" = "$2" ] || fail "fish: '$1' offers $(grep -F -- "$1	" "$WORK/fish" | cut -f2 | tr '\n' ' ')"; }
    for first in "${firsts[@]}"; do fish_has 'canto ' "$first" && fish_has 'canto help ' "$first"; done
    fish_has 'canto tra' train
    fish_has 'canto tokenizer ' decode && fish_only 'canto tokenizer ' 6
    fish_has 'canto help tokenizer ' encode && fish_only 'canto help tokenizer ' 6
    fish_has 'canto train --norm ' post && fish_only 'canto train --norm ' 3
    fish_has 'canto train --preset gpt2-m' gpt2-medium && fish_only 'canto train --preset gpt2-m' 1
    fish_has 'canto train --tokenizer b' byte && fish_has 'canto train --tokenizer b' book.txt
    fish_has 'canto train -o ab' about/ && fish_only 'canto train -o ab' 1
    fish_has 'canto train bo' book.txt
    fish_has 'canto generate run --parity=' --parity=torch
    fish_only 'canto train --lr ' 0
    fish_only 'canto bench train ' 0
    {
        all_options | awk -F'\t' '{ print "canto " $1 " " $2 "\t" $2 }'
        all_choices | awk -F'\t' '{ n = split($3, words, " "); for (i = 1; i <= n; i++) print "canto " $1 " " $2 " \t" words[i] }'
    } | LC_ALL=C sort -u | LC_ALL=C comm -23 - <(LC_ALL=C sort "$WORK/fish") >"$WORK/missing"
    [ ! -s "$WORK/missing" ] || fail "fish does not offer: $(head -5 "$WORK/missing")"
else
    echo "SKIP: fish is missing"
fi

# ---- zsh: an interactive one on a terminal of its own; ^X writes what stands on the line to a file.
if command -v zsh >/dev/null; then
    folder=$WORK/share/zsh/site-functions
    zsh -n "$folder/_canto" || fail "zsh -n"
    while read -r command; do
        jq -r --arg c "$command" '.commands[] | select(.name == $c) | .options[] | "--" + .name' "$WORK/tables" | sort >"$WORK/want"
        sed -n "/^        '$command')\$/,/;;\$/p" "$folder/_canto" | sed -nE "s/^ +'(\\(-[a-zA-Z] |[*])?(--[a-z0-9-]+).*/\2/p" | sort >"$WORK/have"
        cmp -s "$WORK/have" "$WORK/want" || fail "zsh, canto $command: $(diff "$WORK/want" "$WORK/have" | head -5)"
    done < <(jq -r '.commands[].name' "$WORK/tables")
    cat >"$WORK/press.zsh" <<'Z'
zmodload zsh/zpty
zpty -b shell "HOME=$WORK ZDOTDIR=$WORK TERM=xterm PS1='> ' zsh -f -i"
say() { zpty -w shell "$1"; }
say "cd $WORK/here; fpath=($WORK/share/zsh/site-functions \$fpath); autoload -Uz compinit; compinit -u -D; LISTMAX=1000; unsetopt beep"
say "show() { print -r -- \$BUFFER >>$WORK/zsh.lines; BUFFER=; }; zle -N show; bindkey '^X' show"
say "print ready >$WORK/zsh.ready"
waited=0
until [[ -e $WORK/zsh.ready ]] || ((waited++ > 1200)); do zpty -r -t shell junk; sleep 0.05; done
count=0
while read -r line; do
    zpty -n -w shell "$line"$'\t\x18'
    ((count++)); waited=0
    while (( $(wc -l <$WORK/zsh.lines) < count )) && ((waited++ < 1500)); do zpty -r -t shell junk; sleep 0.02; done
done
zpty -d shell
Z
    : >"$WORK/zsh.lines"
    export WORK
    cat >"$WORK/zsh.asked" <<'Z'
canto tra|canto train
canto tokenizer dec|canto tokenizer decode
canto help insp|canto help inspect
canto help tokenizer enc|canto help tokenizer encode
canto train --weight|canto train --weight-decay=
canto train --norm po|canto train --norm post
canto train --norm=po|canto train --norm=post
canto train --preset gpt2-m|canto train --preset gpt2-medium
canto train --tokenizer by|canto train --tokenizer byte
canto train --tokenizer boo|canto train --tokenizer book.txt
canto train -o abo|canto train -o about/
canto train boo|canto train book.txt
canto tokenizer encode --js|canto tokenizer encode --json
canto generate run --stop a --sto|canto generate run --stop a --stop=
canto generate run --parity to|canto generate run --parity torch
Z
    cut -d'|' -f1 "$WORK/zsh.asked" >"$WORK/zsh.typed"
    cut -d'|' -f2 "$WORK/zsh.asked" | sed 's/ *$//' >"$WORK/want"
    timeout 300 zsh -f "$WORK/press.zsh" <"$WORK/zsh.typed" >"$WORK/zsh.log" 2>&1 || fail "zsh: $(tail -3 "$WORK/zsh.log")"
    sed 's/ *$//' "$WORK/zsh.lines" | cmp -s - "$WORK/want" || fail "zsh: $(diff "$WORK/want" "$WORK/zsh.lines")"
else
    echo "SKIP: zsh is missing"
fi
finish
