#!/usr/bin/env bash
# Models that canto trains, in the programs of others: llama.cpp writes the same, PyTorch computes the same logits, and Hugging
# Face's library reads the same from the GGUF file.
# shellcheck source=tests/cli/library.sh
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
hf=$CANTO_SOURCE/tests/hf
if ! command -v node >/dev/null || [ ! -d "$hf/node_modules/@huggingface/gguf" ]; then
    echo "SKIP: node or tests/hf/node_modules is missing (make test installs them when npm is there)"
    exit 77
fi
if ! /usr/bin/python3 -c "import torch" 2>/dev/null; then
    echo "SKIP: python3-torch is missing (make deps installs it)"
    exit 77
fi
cd "$WORK" || exit 1
for i in $(seq 60); do echo "$i: In the beginning was the word no. $((i * i)), and it's {$((i % 7))} of [them] ~ all; who'd know?"; done >text.txt
small=(--width 32 --heads 4 --layers 2 --context 128 --batch 4 --steps 40 --lr 3e-3 --threads 1 -q)
prompt="7: In the beginning, who'd know {no. 49}?"

# try NAME TOLERANCE TYPE TRAIN-OPTIONS...
try() {
    local name=$1 tolerance=$2 type=$3
    shift 3
    run 0 train text.txt -o "$name" "${small[@]}" "$@" || return
    run 0 convert "$name" "$name.gguf" --type "$type" || return
    case $type in
        int*) run 0 convert "$name.gguf" "$name.folder" || return ;;
        *) run 0 convert "$name" "$name.folder" --type "$type" || return ;;
    esac
    run 0 generate "$name.gguf" -p "$prompt" --greedy -n 68 --json && cp out "$name.sample" || return
    printf %s "$prompt" >prompt.txt
    run 0 tokenizer encode --tokenizer "$name/best" prompt.txt --ids && cp out "$name.ids" || return
    if [ -d "$hf/node_modules/@node-llama-cpp/linux-x64" ]; then
        node "$hf/llama.mjs" "$name.gguf" "$name.sample" "$name.ids" "$tolerance" || fail "$name: llama.cpp writes something else"
    else
        [ "$(uname -m)" != x86_64 ] || fail "llama.cpp is missing: npm ci in tests/hf"
    fi
    run 0 inspect "$name" --json && cp out inspected
    node "$hf/gguf.mjs" "$name.gguf" inspected || fail "$name: Hugging Face's library reads something else"
    run 0 generate "$name.folder" -p "$prompt" --greedy -n 68 --json
    jq --arg ids "$(cat "$name.ids")" '. + {prompt_ids: ($ids | split(" "))}' out >folder.sample
    /usr/bin/python3 "$hf/forward.py" "$name.folder" folder.sample "$tolerance" || fail "$name: PyTorch computes something else"
}
try characters 1e-3 f32 --tokenizer char
try bytes 1e-3 f32 --tokenizer byte --qkv-bias off --activation gelu-tanh
try pairs 1e-3 f32 --tokenizer bpe:300 --tie off
try pairs-f16 2e-2 f16 --tokenizer bpe:280
run 0 tokenizer train text.txt -o cut --size 280 --pattern cl100k -q
try pairs-bf16 2e-2 bf16 --tokenizer cut
try pairs-int8 0.1 int8 --tokenizer bpe:280
try pairs-int4 0.3 int4 --tokenizer bpe:280

# The checks can fail: one number that is changed is seen.
jq '.ids[5] = (.ids[5] + 1) % 250 | .logprobs[3] = -9' pairs.sample >wrong.sample
if [ -d "$hf/node_modules/@node-llama-cpp/linux-x64" ]; then
    node "$hf/llama.mjs" pairs.gguf wrong.sample pairs.ids 1e-3 2>/dev/null && fail "a wrong token went unnoticed"
fi
jq --arg ids "$(cat pairs.ids)" '. + {prompt_ids: ($ids | split(" "))}' wrong.sample >wrong.folder
/usr/bin/python3 "$hf/forward.py" pairs.folder wrong.folder 1e-3 2>/dev/null && fail "a wrong logit went unnoticed"
finish
