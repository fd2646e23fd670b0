// tokenize.mjs - canto's GPT-2 encoding beside tiktoken's Rust core (npm tiktoken-rs-node-linux-x64-gnu), in turn, in one run.
//
//   npm install --no-save tiktoken-rs-node-linux-x64-gnu
//   CANTO_HOME=FOLDER node bench/peers/tokenize.mjs PROGRAM TEXT [ROUNDS]     PROGRAM: build/release/canto
//
// Both encode the whole text in one call on one thread. Printed: the median MB/s of each, and their ratio.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [program, path, rounds = "5"] = process.argv.slice(2);
if (!path) {
  console.error("usage: node tokenize.mjs PROGRAM TEXT [ROUNDS]");
  process.exit(2);
}
const require = createRequire(join(process.cwd(), "package.json"));
const peer = require("tiktoken-rs-node-linux-x64-gnu");
const encoder = peer.getEncoding("gpt2");
const text = readFileSync(path, "utf8");
const bytes = Buffer.byteLength(text);
const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];

const ours = [], theirs = [];
let tokens = 0, expected = 0;
for (let round = 0; round < Number(rounds); round++) {
  const options = ["bench", "tokenize", "--tokenizer", "gpt2", "--rounds", "1", "--json", path];
  const made = JSON.parse(execFileSync(program, options, { encoding: "utf8" }));
  ours.push(made.encode_mb_per_second);
  tokens = made.tokens;
  const start = process.hrtime.bigint();
  expected = encoder.encode(text).length;
  theirs.push(bytes / Number(process.hrtime.bigint() - start) * 1e3);
}
if (tokens !== expected) {
  console.error(`FAILED: ${tokens} tokens here, ${expected} there`);
  process.exit(1);
}
console.log(`canto ${median(ours).toFixed(1)} MB/s, tiktoken's Rust core ${median(theirs).toFixed(1)} MB/s: ` +
  `${(median(ours) / median(theirs)).toFixed(1)} times`);
