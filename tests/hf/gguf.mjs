// gguf.mjs - reads canto's GGUF file with Hugging Face's library and demands what canto inspect --json says of the same model.
//
//   node gguf.mjs GGUF INSPECTED
import { readFileSync } from "node:fs";
import { gguf } from "@huggingface/gguf";

const [path, inspectedPath] = process.argv.slice(2);
const { metadata, tensorInfos, parameterCount } = await gguf(path, { allowLocalFile: true, computeParametersCount: true });
const { config, parameters } = JSON.parse(readFileSync(inspectedPath, "utf8"));

function demand(truth, message) {
  if (truth) return;
  console.error(`FAILED: ${message}`);
  process.exit(1);
}

const wanted = {
  "general.architecture": "gpt2",
  "gpt2.context_length": config.context,
  "gpt2.embedding_length": config.width,
  "gpt2.block_count": config.layers,
  "gpt2.feed_forward_length": config.ffn,
  "gpt2.attention.head_count": config.heads,
  "tokenizer.ggml.model": "gpt2",
};
for (const [key, value] of Object.entries(wanted)) demand(metadata[key] === value, `${key} is ${metadata[key]}, not ${value}`);
demand(metadata["tokenizer.ggml.tokens"].length === config.vocab, "the vocabulary has another size");
demand(metadata["tokenizer.ggml.token_type"].length === config.vocab, "there are other types of tokens");
demand(JSON.parse(metadata["canto.config"]).width === config.width, "canto.config is another one");
const embedding = tensorInfos.find((t) => t.name === "token_embd.weight");
demand(embedding.shape.map(Number).join() === `${config.width},${config.vocab}`, `the embedding is [${embedding.shape}]`);
const extra = config.qkv_bias ? 0 : 3 * config.width * config.layers; // zeros, which llama.cpp wants
demand(parameterCount === parameters.total + extra, `${parameterCount} parameters, not ${parameters.total + extra}`);
console.log(`ok: ${tensorInfos.length} tensors, ${parameterCount} parameters`);
