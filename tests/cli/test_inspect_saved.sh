#!/usr/bin/env bash
# canto inspect of saved models: files, the history of training, --stats and --diff; and that nothing is wider than 80
# columns.
. "$(dirname "$0")/library.sh"
. "$(dirname "$0")/text.sh"
cd "$WORK" || exit 1
small='--preset mini --tokenizer char --width 16 --heads 2 --layers 2 --context 16 --batch 2 --quiet'

narrow() { # WHAT: the last output fits
    local wide
    wide=$(awk 'length > 80' out | head -n 1)
    [ -z "$wide" ] || fail "$1 is wider than 80 columns: $wide"
}
run 0 inspect --presets --json
for preset in $(jq -r '.[].name' out); do
    run 0 inspect --preset "$preset" && narrow "inspect --preset $preset"
done
run 0 inspect --preset gpt2-untied --json &&
    jq -e '.parameters | .token_embedding == 38597376 and .position_embedding == 786432 and .head == 38597376 and .norms == 38400
        and .attention == 28348416 and .feed_forward == 56669184
        and .total == .token_embedding + .position_embedding + .head + .norms + .attention + .feed_forward' out >/dev/null ||
    fail "parameters by parts: $(jq -c .parameters out)"
run 0 inspect --preset gpt2 && has out "feed-forward             56,669,184 (45.5 %)" && lacks out "    head  "
run 0 inspect --presets && narrow "inspect --presets"

run 0 train small.txt -o run $small --steps 7 --save-every 3 --eval-every 3 --log-every 2 --lr 0.01 || finish
run 0 inspect run/last && narrow "inspect run" && has out "7 of 7, on 224 tokens" && has out "small.txt" && has out "char, " && has out " F32"
run 0 inspect run/last --json && cp out whole.json
jq -e --slurpfile t run/last/trainer.json 'def near($a; $b): ($a - $b | fabs) < 1e-9;
    .training as $h | $t[0] as $t | $h.step == 7 and $h.tokens == 224 and near($h.best_loss; $t.best_loss)
    and near($h.val_loss; $t.last_val_loss) and near($h.seconds; $t.seconds) and $h.options.batch == 2 and ($h.texts[0] | endswith("small.txt"))' whole.json >/dev/null ||
    fail "training: $(jq -c .training whole.json)"
[ "$(jq .training.train_loss whole.json | cut -c 1-8)" = "$(awk -F, '$1 == 6 {print $4}' run/metrics.csv | cut -c 1-8)" ] || fail "the last training loss"
[ "$(jq .files.weights_bytes whole.json)" = "$(stat -Lc %s run/last/model.safetensors)" ] || fail "the size of the weights' file"
jq -e '.files.tensors >= 20 and .files.types.F32 == .files.tensors and .files.tokenizer == "char" and (.files.folder | endswith("run/step-00000007"))' whole.json >/dev/null ||
    fail "files: $(jq -c .files whole.json)"
run 0 inspect run/step-00000003 --json && jq -e '.training.step == 3' out >/dev/null || fail "an earlier checkpoint"
# of a bare model folder nothing is known
mkdir bare && cp run/last/config.json run/last/model.safetensors bare
run 0 inspect bare && has out "none in this folder" && narrow "inspect bare"
run 0 inspect bare --json && jq -e '.training == {} and (.files | has("tokenizer") | not)' out >/dev/null || fail "a bare model"
# what is damaged there is left out
cp -r run/last/. bare && echo '{"step": "x", "options": 3' >bare/trainer.json && run 0 inspect bare && has out "none in this folder"
echo '{"step": "x", "tokens": {}, "seconds": null, "best_loss": 1e999}' >bare/trainer.json && run 0 inspect bare --json
echo '{"step": -5, "tokens": [], "best_loss": "low"}' >bare/trainer.json && run 0 inspect bare && narrow "a damaged history"

run 0 inspect run/last --stats && narrow --stats && has out "blocks" && has out "all together"
[ "$(grep -c . out)" -gt 20 ] || fail "--stats is short"
run 0 inspect run/last --stats --json && jq -e '[.statistics[].name] == [.modules[].name]' out >/dev/null || fail "--stats of other modules"
jq -e '.statistics | all(.least <= .mean and .mean <= .most and .norm >= 0 and .deviation >= 0)' out >/dev/null || fail "--stats: impossible numbers"
# an untrained model's norms are all 1 and 0
run 0 train small.txt -o new $small --steps 0 && run 0 inspect new --stats --json
jq -e '[.statistics[] | select(.name | test("norm|ln")) | select(.name | endswith("scale"))] | length > 3 and all(.mean == 1 and .deviation == 0 and .least == 1 and .most == 1 and .zeros == 0)' out >/dev/null ||
    fail "the norms of a new model: $(jq -c '[.statistics[] | select(.name | test("norm|ln"))][0]' out)"

run 0 inspect run/last --diff run/last --json && jq -e '.difference | .settings == {} and .total.norm == 0 and .total.changed == 0 and (.modules | all(.norm == 0 and .cosine == 1))' out >/dev/null ||
    fail "a model differs from itself"
run 0 inspect run/last --diff run/step-00000003 && narrow --diff && has out "all together"
run 0 inspect run/last --diff run/step-00000003 --json && cp out there.json
jq -e '[.difference.modules[].name] == [.modules[].name] and .difference.total.changed > 0.9 and .difference.total.relative > 0' there.json >/dev/null || fail "--diff of two checkpoints"
jq -e '[.difference.modules[].norm | . * .] | add | sqrt' there.json >sum
jq -e --slurpfile s sum '.difference.total.norm - $s[0] | fabs < 1e-9' there.json >/dev/null || fail "the total of --diff"
run 0 inspect run/step-00000003 --diff run/last --json &&
    jq -e --slurpfile t there.json '.difference.total.norm == $t[0].difference.total.norm and .difference.total.most == $t[0].difference.total.most' out >/dev/null || fail "--diff the other way round"
run 0 train small.txt -o dry $small --steps 0 --dropout 0.25 && run 0 inspect new --diff dry --json &&
    jq -e '.difference.total.norm == 0 and .difference.settings.dropout_attention == [0, 0.25]' out >/dev/null || fail "settings that differ: $(jq -c .difference.settings out)"
run 0 inspect new --diff dry && has out "0.0 -> 0.25"

refused 2 "a preset has none" inspect --preset mini --stats
refused 2 "a preset has none" inspect --preset mini --diff run
refused 1 "nowhere" inspect run --diff nowhere
run 0 train small.txt -o wide $small --steps 0 --width 32 && refused 1 "not of one shape" inspect new --diff wide
run 0 train small.txt -o deep $small --steps 0 --layers 3 && refused 1 "not the same modules" inspect new --diff deep
refused 1 "not the same modules" inspect deep --diff new
finish
