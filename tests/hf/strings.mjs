// strings.mjs - prints COUNT strings, one JSON string a line, that try a pre-tokenizer's pattern: code points of all planes,
// white space in runs, contractions beside line ends, digits of many scripts, long words, unassigned code points. The same
// SEED gives the same strings. Code points whose class has changed since Unicode 15.0 (docs/formats.md) are left out.
//
//   node strings.mjs COUNT SEED
const [count, seed] = process.argv.slice(2).map(Number);
let state = BigInt(seed) * 2n + 1n;
function below(limit) {
  state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
  return Number((state >> 33n) % BigInt(limit));
}
const pick = (list) => list[below(list.length)];

const changed = ("295 88f 897 c5c cdc 1acf-1add 1ae0-1aeb 1c89-1c8a a7cb-a7dc a7f1 105c0-105f3 10940-10959 10d40-10d85 " +
  "10ec2-10ec7 10efa-10efc 11380-113e2 116d0-116e3 11b60-11be0 11bf0-11bf9 11db0-11de9 11f5a 13460-143fa 16100-16139 " +
  "16d40-16d79 16ea0-16ed3 16ff2-16ff6 187f8-187ff 18cff-18df2 1ccf0-1ccf9 1e5d0-1e5fa 1e6c0-1e6ff 2b73a-2b73f " +
  "2cea2-2cead 2ebf0-2ee5d 323b0-33479")
  .split(" ").map((range) => range.split("-").map((hex) => parseInt(hex, 16)));

function point() {
  const planes = [0x80, 0x800, 0x3000, 0x10000, 0x20000, 0x110000];
  for (;;) {
    const p = below(pick(planes));
    if (p >= 0xd800 && p < 0xe000) continue;
    if (changed.some(([first, last]) => p >= first && p <= (last ?? first))) continue;
    return String.fromCodePoint(p);
  }
}

const spaces = [" ", "  ", "\n", "\r\n", "\r", "\t", "\u00a0", "\u3000", "\u2003", "\u0085", "\u2028", "\v", "\f", "    "];
const contractions = ["'s", "'S", "'\u017f", "'t", "'re", "'RE", "'Ve", "'m", "'ll", "'LL", "'lL", "'d", "'x", "''s", "\u2019s"];
const digits = ["0", "12", "345", "6789", "\u0663\u0664", "\u0967\u0968\u0969\u096a", "\u2160", "\u00bd", "\uff11\uff12", "\u{1d7ce}", "\u4e00"];
const words = ["the", "Hello", "WORLD", "camelCase", "HTTPServer", "na\u00efve", "\u0394\u03b5\u03bb\u03c4\u03b1", "\u043c\u0438\u0440", "\u4e16\u754c", "\u3053\u3093\u306b\u3061\u306f",
  "\u0627\u0644\u0639\u0631\u0628\u064a\u0629", "\u0939\u093f\u0928\u094d\u0926\u0940", "\uc548\ub155", "\u0e44\u0e17\u0e22", "e\u0301", "\u01c5", "\u02b0", "\u00aa", "\ufb01", "ABC\u0301d", "\u0301AB", "\u0301Ab"];
const signs = [".", ",", "!?", "/", "//", "\n/", "...", "_", "-", "\"", "(", ")", "{}", "<|endoftext|>", "\u{1f600}", "\u{1f468}\u200d\u{1f469}", "\u20ac", "\u200b", "\ufeff", "\ufffd", "\u0378", "\u{e0100}"];

function run(text) {
  return text.repeat(1 + below(4) * below(4) * below(3));
}
function long() {
  const base = pick([pick(words), point(), pick(spaces), pick(signs), "a", "ab", pick(digits)]);
  return base.repeat(50 + below(400));
}
function piece() {
  switch (below(12)) {
    case 0: case 1: return pick(words);
    case 2: return pick(spaces);
    case 3: return run(pick(spaces)) + pick(spaces);
    case 4: return pick(contractions) + (below(2) ? pick(spaces) : "");
    case 5: return run(pick(digits));
    case 6: return run(pick(signs));
    case 7: case 8: return point();
    case 9: return run(point());
    case 10: return pick(words) + pick(contractions) + pick(words);
    default: return " " + pick(words);
  }
}

const lines = [];
for (let i = 0; i < count; i++) {
  let text = "";
  for (let n = 1 + below(12); n > 0; n--) text += piece();
  if (below(50) === 0) text += long();
  lines.push(JSON.stringify(text));
}
process.stdout.write(lines.join("\n") + "\n");
