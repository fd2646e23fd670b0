# shellcheck shell=bash
# text.sh - a small English text and one of exactly 97 symbols, in $WORK; sourced after library.sh.
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    echo "In the beginning there were $i little words, and every word was a number."
    echo "Nobody counted them before the evening, when the moon rose over the hill."
done >"$WORK/small.txt"
for i in 1 2 3 4 5; do # 95 printable ASCII characters, a newline and an accent
    for code in $(seq 32 126); do printf "\\x$(printf %x "$code")"; done
    printf '\n\303\251'
done >"$WORK/symbols.txt"
