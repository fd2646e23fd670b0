// llama.mjs - loads canto's GGUF file in llama.cpp and demands the same tokens, the same greedy continuation and the same
// probabilities.
//
//   node llama.mjs GGUF SAMPLE IDS TOLERANCE
//
// SAMPLE: what canto generate --greedy --json has printed; IDS: canto's ids of the prompt, separated by spaces; TOLERANCE: of the
// logarithm of a token's probability. Both may part where llama.cpp's two best logits lie within 0.05.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { getBinsDir } from "@node-llama-cpp/linux-x64";

const [path, samplePath, idsPath, tolerance] = process.argv.slice(2);
if (!tolerance) {
  console.error("usage: node llama.mjs GGUF SAMPLE IDS TOLERANCE");
  process.exit(2);
}

function demand(truth, message) {
  if (truth) return;
  console.error(`FAILED: ${message}`);
  process.exit(1);
}

const bins = join(getBinsDir().binsDir, "linux-x64");
const llama = createRequire(import.meta.url)(join(bins, "llama-addon.node"));
const said = [];
llama.setLogger((level, text) => said.push(text));
llama.loadBackends();
llama.loadBackends(bins);
await llama.init();

const model = new llama.AddonModel(path, { addonExports: llama, gpuLayers: 0 });
demand(await model.init(), `llama.cpp does not load ${path}:\n${said.join("")}`);
const sample = JSON.parse(readFileSync(samplePath, "utf8"));
const expected = readFileSync(idsPath, "utf8").trim().split(/\s+/).map(Number);
const prompt = Array.from(model.tokenize(sample.prompt, false));
demand(prompt.join(" ") === expected.join(" "), `the prompt's tokens are ${expected} here and ${prompt} there`);

const float32 = llama.getGgmlType("F32");
const context = new llama.AddonContext(model, {
  contextSize: model.getTrainContextSize(), batchSize: 256, sequences: 1, threads: 1, flashAttention: false,
  kvCacheKeyType: float32, kvCacheValueType: float32,
});
demand(await context.init(), "llama.cpp makes no context");
const sampler = new llama.AddonSampler(model);
sampler.applyConfig({ temperature: 0 });

// The logits after tokens at position `at`, from the largest on: [[token, logit], ...].
async function logits(at, tokens) {
  context.initBatch(tokens.length);
  const [where] = context.addToBatch(0, at, Uint32Array.from(tokens), Uint32Array.of(tokens.length - 1));
  await context.decodeBatch();
  const flat = (await context.sampleToken(where, sampler, false, false, true))[3];
  const pairs = [];
  for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i], flat[i + 1]]);
  return pairs.sort((a, b) => b[1] - a[1]);
}

let at = 0, tokens = prompt, same = 0, worst = 0;
for (const [i, id] of sample.ids.entries()) {
  const list = await logits(at, tokens);
  const gap = list[0][1] - list[1][1];
  if (list[0][0] !== id) {
    demand(gap < 0.05, `token ${i} is ${id} here and ${list[0][0]} there, by ${gap}`);
    break;
  }
  const total = Math.log(list.reduce((sum, [, logit]) => sum + Math.exp(logit - list[0][1]), 0));
  worst = Math.max(worst, Math.abs(-total - sample.logprobs[i]));
  demand(worst <= Number(tolerance), `token ${i}: the logarithm of its probability is ${sample.logprobs[i]} here and ${-total} there`);
  at += tokens.length;
  tokens = [id];
  same++;
}
demand(same > 0 && (same >= 64 || same < sample.ids.length), `only ${same} tokens were compared`);
const text = model.detokenize(Uint32Array.from(sample.ids), true);
demand(text === sample.text || !/^[\x00-\x7f]*$/.test(sample.text), `the text is ${JSON.stringify(sample.text)} here and ${JSON.stringify(text)} there`);
console.log(`ok: ${same} of ${sample.ids.length} tokens, logarithms of probabilities within ${worst.toExponential(1)}`);
process.exit(0); // the addon's threads would keep the program
