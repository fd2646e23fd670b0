// strings_check.mjs - opens a tokenizer that canto wrote with both of Hugging Face's libraries (in Rust and in JavaScript), and
// demands canto's ids of the same strings.
//
//   node strings_check.mjs FOLDER STRINGS IDS     STRINGS: a JSON string a line; IDS: a JSON array a line, canto's, special
//                                                 tokens allowed (these libraries always do)
import { readFileSync } from "node:fs";
import { join } from "node:path";
import native from "tokenizers";
import { Tokenizer } from "@huggingface/tokenizers";

const [folder, stringsPath, idsPath] = process.argv.slice(2);
const lines = (path) => readFileSync(path, "utf8").split("\n").filter((line) => line !== "");
const json = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));
const strings = lines(stringsPath).map((line) => JSON.parse(line));
const ids = lines(idsPath).map((line) => line.replaceAll(" ", ""));
const rust = native.Tokenizer.fromFile(join(folder, "tokenizer.json"));
const script = new Tokenizer(json("tokenizer.json"), json("tokenizer_config.json"));

function demand(library, i, expected) {
  if (expected === ids[i]) return;
  console.error(`FAILED: ${folder}, line ${i + 1}, ${library}\n  text     ${JSON.stringify(strings[i]).slice(0, 300)}\n` +
    `  expected ${expected.slice(0, 300)}\n  got      ${ids[i].slice(0, 300)}`);
  process.exit(1);
}

if (strings.length === 0 || strings.length !== ids.length) {
  console.error(`FAILED: ${strings.length} strings, ${ids.length} lists of ids`);
  process.exit(1);
}
for (let i = 0; i < strings.length; i++) {
  const made = await rust.encode(strings[i], null, { addSpecialTokens: false });
  demand("tokenizers", i, JSON.stringify([...made.getIds()]));
  // White space to JavaScript's \s is U+FEFF and not U+0085.
  if (/[\u0085\ufeff]/.test(strings[i])) continue;
  demand("@huggingface/tokenizers", i, JSON.stringify(script.encode(strings[i], { add_special_tokens: false }).ids));
}
console.log(`ok: ${strings.length} strings`);
