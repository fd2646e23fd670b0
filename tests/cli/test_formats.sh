#!/usr/bin/env bash
# Models of others on the command line: the files of tests/formats, what must be said of them, and what is said against them.
. "$(dirname "$0")/library.sh"
formats=$CANTO_SOURCE/tests/formats
cd "$WORK" || exit 1

# Each opens, and has the sizes that its maker gave it.
while IFS=$'\t' read -r file heads map; do
    set -- "$formats/$file"
    [ "$heads" = 0 ] || set -- "$@" --heads "$heads"
    [ "$map" = null ] || set -- "$@" --map "$formats/$map"
    run 0 inspect "$@" --json && jq -e '.config | .vocab == 11 and .width == 8 and .heads == 2 and .layers == 2 and .ffn == 12
        and .context == 8' out >/dev/null || fail "$file: $(jq -c .config out)"
done < <(jq -r '.[] | [.file, .heads, .map] | @tsv' "$formats/expected.json" | sed 's/\t$/\tnull/')

run 0 inspect "$formats/nanogpt.pt" && has out "file " && has out "nanogpt.pt"
run 0 inspect "$formats/gpt2-half" && has out "folder"
run 0 inspect "$formats/own.pth" --map "$formats/own.map.json" --stats
run 0 inspect "$formats/gptmodel.pth" --heads 4 --json && jq -e '.config.heads == 4' out >/dev/null || fail "--heads is heard"

# What cannot be told is asked for.
refused 1 "say it with --heads N" inspect "$formats/gptmodel.pth"
refused 1 "--map FILE" inspect "$formats/own.pth"
refused 1 "Use 2 or 4 heads" generate "$formats/gptmodel.pth" --heads 3 -p a
refused 1 "is a folder" inspect "$formats/gpt2-old" --heads 2
refused 2 "for a saved model's numbers" inspect --preset gpt2 --map "$formats/own.map.json"
refused 1 "is no model" inspect "$formats/make.py"
refused 1 "has no tokenizer" generate "$formats/nanogpt.pt" -p a

# Beside the file: what is to be said, and the tokenizer.
mkdir m
cp "$formats/gptmodel.pth" m/model.pth
echo '{"n_heads": 2, "drop_rate": 0.1}' >m/config.json
run 0 inspect m/model.pth --json && jq -e '.config.heads == 2 and .config.activation == "gelu-tanh"' out >/dev/null || fail "n_heads"
echo '{"heads": 2, "activation": "relu"}' >m/config.json
run 0 inspect m/model.pth --json && jq -e '.config.activation == "relu"' out >/dev/null || fail "an activation beside the file"
run 0 inspect m/model.pth --heads 4 --json && jq -e '.config.heads == 4' out >/dev/null || fail "--heads stands above config.json"
echo '{"heads": 2, "activation": "swish"}' >m/config.json
refused 1 "swish" inspect m/model.pth
echo '[]' >m/config.json
refused 1 "no JSON object" inspect m/model.pth
echo '{"heads": 2}' >m/config.json
printf 'abcdefghij\n' >text
run 0 tokenizer train text -o m --tokenizer char && run 0 generate m/model.pth -p abc -n 4 --greedy --json &&
    jq -e '.ids | length == 4' out >/dev/null || fail "a tokenizer beside the file: $(cat err)"
printf 'abcdefghij\nabc\n' >other
run 0 eval m/model.pth other --json && jq -e '.loss > 0' out >/dev/null || fail "eval of a file"
run 0 attention m/model.pth -p abc --json && jq -e '.layers | length == 2' out >/dev/null || fail "attention of a file"

# Pickles that call for more, archives that are none, and a file cut short.
printf 'cposix\nsystem\n(X\002\0\0\0hitR.' >evil.pkl
cp "$formats/nanogpt.pt" evil.pt
at=$(grep -abo 'ccollections' evil.pt | head -n 1 | cut -d: -f1)
dd if=evil.pkl of=evil.pt bs=1 seek="$at" conv=notrunc 2>dd.err || fail "dd: $(cat dd.err)"
refused 1 '"posix.system", which weights do not need' inspect evil.pt
head -c 5000 "$formats/nanogpt.pt" >cut.pt
refused 1 "cut short" inspect cut.pt
head -c 3000 "$formats/gpt2-old/pytorch_model.bin" >cut.bin
refused 1 "cut short" inspect cut.bin

# A folder of shards that names a file outside of itself.
cp -r "$formats/gpt2-half" shards && chmod -R u+w shards
sed -i 's/"model-00002/"..\/shards\/model-00002/' shards/model.safetensors.index.json
refused 1 "not to be trusted" inspect shards
finish
