// encodings.mjs - demands of canto's ids what two other programs make of the same strings: tiktoken (OpenAI's own, compiled to
// WebAssembly) and gpt-tokenizer (written in TypeScript apart from it).
//
//   node encodings.mjs NAME STRINGS IDS     NAME: r50k_base p50k_base cl100k_base o200k_base; STRINGS: a JSON string a line,
//                                           IDS: a JSON array a line, canto's
//
// tiktoken alone is asked where gpt-tokenizer is known to differ: white space to JavaScript's \s is U+FEFF and not U+0085, and
// its form of cl100k's pattern leaves white space at a text's end in one piece.
import { readFileSync } from "node:fs";
import { get_encoding } from "tiktoken";

const [name, stringsPath, idsPath] = process.argv.slice(2);
const lines = (path) => readFileSync(path, "utf8").split("\n").filter((line) => line !== "");
const strings = lines(stringsPath).map((line) => JSON.parse(line));
const ids = lines(idsPath);
if (strings.length !== ids.length) {
  console.error(`FAILED: ${strings.length} strings, ${ids.length} lists of ids`);
  process.exit(1);
}

const first = get_encoding(name);
const second = await import(`gpt-tokenizer/encoding/${name}`);
const tail = /[\r\n]\s+$/;
let asked = 0;
for (let i = 0; i < strings.length; i++) {
  const text = strings[i];
  const made = ids[i].replaceAll(" ", "");
  const expected = JSON.stringify([...first.encode(text, [], [])]);
  if (made !== expected) {
    console.error(`FAILED: ${name}, line ${i + 1}, tiktoken\n  text     ${JSON.stringify(text).slice(0, 300)}\n` +
      `  expected ${expected.slice(0, 300)}\n  got      ${made.slice(0, 300)}`);
    process.exit(1);
  }
  if (/[\u0085\ufeff]/.test(text) || (name === "cl100k_base" && tail.test(text))) continue;
  const other = JSON.stringify(second.encode(text, { disallowedSpecial: new Set() }));
  asked++;
  if (made !== other) {
    console.error(`FAILED: ${name}, line ${i + 1}, gpt-tokenizer\n  text     ${JSON.stringify(text).slice(0, 300)}\n` +
      `  expected ${other.slice(0, 300)}\n  got      ${made.slice(0, 300)}`);
    process.exit(1);
  }
}
if (asked < strings.length / 2) {
  console.error(`FAILED: gpt-tokenizer was asked ${asked} times only`);
  process.exit(1);
}
console.log(`ok: ${name}, ${strings.length} strings, ${asked} of them twice`);
