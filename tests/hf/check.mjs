// check.mjs - loads canto's tokenizer.json with Hugging Face's library and demands the same ids and the same text.
//
//   node check.mjs FOLDER TEXT IDS     FOLDER/tokenizer.json; TEXT: a UTF-8 file; IDS: canto's ids of it, separated by spaces
//
// Words are compared by what encodes to the same ids again: decoding joins them with single spaces.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import tokenizers from "tokenizers";

const [folder, textPath, idsPath] = process.argv.slice(2);
if (!idsPath) {
  console.error("usage: node check.mjs FOLDER TEXT IDS");
  process.exit(2);
}

function demand(truth, message) {
  if (truth) return;
  console.error(`FAILED: ${message}`);
  process.exit(1);
}

const settings = JSON.parse(readFileSync(join(folder, "tokenizer.json"), "utf8"));
const config = JSON.parse(readFileSync(join(folder, "tokenizer_config.json"), "utf8"));
const tokenizer = tokenizers.Tokenizer.fromFile(join(folder, "tokenizer.json"));
const text = readFileSync(textPath, "utf8");
const expected = readFileSync(idsPath, "utf8").trim().split(/\s+/).map(Number);

const found = (await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds();
const limit = Math.min(found.length, expected.length);
let at = 0;
while (at < limit && found[at] === expected[at]) at++;
demand(at === limit, `token ${at} is ${expected[at]} here and ${found[at]} there`);
demand(found.length === expected.length, `${expected.length} tokens here, ${found.length} there`);
demand(tokenizer.getVocabSize() === Object.keys(settings.model.vocab).length, "the vocabularies differ in size");
demand(config.tokenizer_class === "PreTrainedTokenizerFast", "tokenizer_config.json names another class");

const decoded = await tokenizer.decode(found, false);
const words = settings.model.type === "WordLevel" && settings.decoder === null;
if (words) {
  const again = (await tokenizer.encode(decoded, null, { addSpecialTokens: false })).getIds();
  demand(again.length === found.length && again.every((id, i) => id === found[i]), "decoded words encode to other ids");
} else {
  const unknown = found.includes(settings.model.vocab[settings.model.unk_token]);
  demand(unknown || decoded === text, "the decoded text differs");
}
console.log(`ok: ${found.length} tokens of ${tokenizer.getVocabSize()}`);
