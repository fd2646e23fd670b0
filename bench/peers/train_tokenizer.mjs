#!/usr/bin/env node
// train_tokenizer.mjs - byte-pair training side by side with Hugging Face's tokenizers, whose trainer its npm package offers with
// its own settings alone: 30,000 tokens, byte level, GPT-2's pattern, any frequency.
//
//   (cd tests/hf && npm ci)
//   bench/peers/train_tokenizer.mjs TEXT [ROUNDS] [THREADS]
//
// They take turns, ROUNDS (3) times, with THREADS (2) threads. canto is timed as a whole command, theirs as the call that trains. Their
// trainer takes a text line by line, so the merges are the same only when no line is empty or begins or ends with white space.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const [text, rounds = "3", threads = "2"] = process.argv.slice(2);
const canto = process.env.CANTO ?? join(root, "build/release/canto");
if (!text || !existsSync(canto)) {
  console.error("usage: train_tokenizer.mjs TEXT [ROUNDS] [THREADS], after make");
  process.exit(2);
}
process.env.RAYON_NUM_THREADS = process.env.RAYON_RS_NUM_CPUS = threads;
const theirs = createRequire(join(root, "tests/hf/check.mjs"))("tokenizers");
const folder = mkdtempSync(join(tmpdir(), "canto-train-"));
const merges = (file) => JSON.parse(readFileSync(file, "utf8")).model.merges.map((pair) => [pair].flat().join(" "));

function ofTheirs() {
  const tokenizer = new theirs.Tokenizer(theirs.BPE.empty());
  tokenizer.setPreTokenizer(theirs.byteLevelPreTokenizer(false));
  const begun = performance.now();
  tokenizer.train([text]);
  const seconds = (performance.now() - begun) / 1000;
  tokenizer.save(join(folder, "theirs.json"));
  return seconds;
}

function ofOurs(size) {
  const begun = performance.now();
  const options = ["--size", String(size), "--min-frequency", "1", "--threads", threads, "--quiet"];
  execFileSync(canto, ["tokenizer", "train", text, "-o", folder, ...options]);
  return (performance.now() - begun) / 1000;
}

const times = [[], []];
for (let round = 0; round < Number(rounds); round++) {
  times[1].push(ofTheirs());
  times[0].push(ofOurs(256 + merges(join(folder, "theirs.json")).length));
}
const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
const [ours, other] = times.map(median);
const a = merges(join(folder, "tokenizer.json"));
const b = merges(join(folder, "theirs.json"));
const same = a.length === b.length && a.every((pair, i) => pair === b[i]);
rmSync(folder, { recursive: true });
console.log(`${(statSync(text).size / 1e6).toFixed(1)} MB, ${a.length} merges, ${threads} threads, medians of ${rounds}`);
console.log(`canto ${ours.toFixed(3)} s, Hugging Face ${other.toFixed(3)} s: ${(other / ours).toFixed(1)} times`);
console.log(same ? "the merges are the same" : "the merges differ");
