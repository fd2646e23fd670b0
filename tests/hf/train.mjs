// train.mjs - trains with Hugging Face's library and demands the merges that canto learnt, in their order.
//
//   node train.mjs FOLDER TEXT     FOLDER/tokenizer.json: canto's, GPT-2's pattern, any frequency, until nothing is left to merge
//
// Their trainer takes a text line by line: TEXT must not have empty lines, nor white space around a line feed.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tokenizers from "tokenizers";

const [folder, text] = process.argv.slice(2);
const merges = (file) => JSON.parse(readFileSync(file, "utf8")).model.merges.map((pair) => [pair].flat().join(" "));
const tokenizer = new tokenizers.Tokenizer(tokenizers.BPE.empty());
tokenizer.setPreTokenizer(tokenizers.byteLevelPreTokenizer(false));
tokenizer.train([text]);
const scratch = mkdtempSync(join(tmpdir(), "canto-hf-"));
tokenizer.save(join(scratch, "theirs.json"));
const theirs = merges(join(scratch, "theirs.json"));
rmSync(scratch, { recursive: true });
const ours = merges(join(folder, "tokenizer.json"));
let at = 0;
while (at < ours.length && ours[at] === theirs[at]) at++;
if (at < ours.length || ours.length !== theirs.length) {
  console.error(`FAILED: merge ${at} of ${ours.length} is '${ours[at]}' here and '${theirs[at]}' of ${theirs.length} there`);
  process.exit(1);
}
console.log(`ok: ${at} merges`);
