#!/usr/bin/env bash
# bench: its keys and that its numbers fit together; how large they are is not a test's business.
. "$(dirname "$0")/library.sh"
run 0 bench train --preset shakespeare-tiny --width 16 --heads 2 --layers 1 --context 16 --batch 3 --steps 3 --json
jq -e '.ms_per_step > 0 and .tokens_per_second > 0 and .gflops > 0 and .peak_share > 0 and .peak_rss_bytes > 1000000 and
    (.peak_gflops | length == 2 and all(. > 0.01)) and .steps == 3 and .batch == 3 and .context == 16' "$WORK/out" >/dev/null ||
    fail "keys or numbers: $(cat "$WORK/out")"
jq -e '(.tokens_per_second * .ms_per_step / 1000 / 48 - 1 | fabs) < 1e-9 and
    (.gflops * .ms_per_step * 1e6 / 48 / .flops_per_token - 1 | fabs) < 1e-9 and
    (.peak_share * (.peak_gflops | add / 2) / .gflops - 1 | fabs) < 1e-9' "$WORK/out" >/dev/null ||
    fail "the numbers do not fit together: $(cat "$WORK/out")"
want=$(("$(run 0 inspect --preset shakespeare-tiny --width 16 --heads 2 --layers 1 --context 16 --json && jq .flops_per_token "$WORK/out")"))
run 0 bench train --preset shakespeare-tiny --width 16 --heads 2 --layers 1 --context 16 --batch 3 --steps 1 --json
[ "$(jq '.flops_per_token | round' "$WORK/out")" = "$want" ] || fail "flops: $(jq .flops_per_token "$WORK/out"), not $want"
run 0 bench train --preset mini --width 16 --heads 2 --layers 1 --context 16 --batch 2 --steps 1 && has out "of the peak"
printf 'a text of some words, and of as many bytes\n' >"$WORK/text.txt"
refused 1 "$WORK/none" bench tokenize --tokenizer "$WORK/none" "$WORK/text.txt"
mkdir "$WORK/t" && run 0 tokenizer train --tokenizer byte -o "$WORK/t" --quiet
run 0 bench tokenize --tokenizer "$WORK/t" "$WORK/text.txt" --rounds 3 --json
jq -e '.load_ms > 0 and .encode_mb_per_second > 0 and .decode_mb_per_second > 0 and .bytes == 43 and .tokens == 43 and
    .bytes_per_token == 1 and .rounds == 3 and .threads == 1' "$WORK/out" >/dev/null || fail "tokenize: $(cat "$WORK/out")"
run 0 bench tokenize --tokenizer "$WORK/t" "$WORK/text.txt" && has out "decode"
run 2 bench tokenize "$WORK/text.txt"
small='--preset mini --vocab 97 --width 16 --heads 2 --layers 1 --context 16'
run 0 bench decode $small -n 10 --prompt-tokens 3 --json
jq -e '.tokens_per_second > 0 and .bandwidth_gb_s > 0 and .bandwidth_share > 0 and .first_token_ms > 0 and .tokens == 10 and
    .prompt_tokens == 3 and (.read_gb_s | length == 2 and all(. > 0.01)) and (.peak_gflops | length == 2 and all(. > 0.01)) and
    (.tokens_per_second * .ms_per_token / 1000 - 1 | fabs) < 1e-9 and
    (.bandwidth_gb_s * .ms_per_token * 1e6 / .weights_bytes - 1 | fabs) < 1e-9 and
    (.bandwidth_share * (.read_gb_s | add / 2) / .bandwidth_gb_s - 1 | fabs) < 1e-9' "$WORK/out" >/dev/null ||
    fail "decode: $(cat "$WORK/out")"
want=$(run 0 inspect $small --json && jq .parameters.total "$WORK/out")
[ "$(run 0 bench decode $small -n 3 --json && jq .weights_bytes "$WORK/out")" = $((4 * want)) ] || fail "weights_bytes"
# The memory of the probe, 256 MiB, is not the model's.
[ -n "${CANTO_SANITIZE:-}" ] || jq -e '.peak_rss_bytes == null or .peak_rss_bytes < 200000000' "$WORK/out" >/dev/null || fail "peak memory: $(cat "$WORK/out")"
run 0 bench prompt $small --rounds 2 --json
jq -e '.tokens_per_second > 0 and .gflops > 0 and .peak_share > 0 and .bandwidth_share > 0 and .rounds == 2 and
    .prompt_tokens == 16 and (.tokens_per_second * .ms_per_prompt / 1000 / 16 - 1 | fabs) < 1e-9' "$WORK/out" >/dev/null ||
    fail "prompt: $(cat "$WORK/out")"
run 0 bench decode $small -n 3 && has out "what can be read"
run 0 bench prompt $small && has out "of the peak"
refused 1 17 bench prompt $small --prompt-tokens 17
refused 1 "$WORK/none" bench decode "$WORK/none"
run 2 bench decode a b
refused 2 "a MODEL has its own shape" bench decode run --width 16
run 2 bench prompt --preset nothing
run 2 bench train text.txt
run 2 bench train --preset nothing
finish
