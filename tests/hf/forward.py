"""forward.py - PyTorch reads a model folder of canto's by itself and computes the logits that canto prints.

    python3 forward.py FOLDER SAMPLE TOLERANCE

SAMPLE: what canto generate --greedy --json has printed, without a token more than the context. All that is known of the files is
the safetensors format and what GPT-2 is.
"""
import json
import struct
import sys

import torch
import torch.nn.functional as F

folder, sample, tolerance = sys.argv[1:]
TYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def read(path):
    data = bytearray(open(path, "rb").read())
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    assert header.pop("__metadata__")["format"] == "pt"
    tensors = {}
    for name, t in header.items():
        begin, end = t["data_offsets"]
        part = data[8 + length + begin : 8 + length + end]
        tensors[name] = torch.frombuffer(part, dtype=TYPES[t["dtype"]]).reshape(t["shape"]).float()
    return tensors


w = read(f"{folder}/model.safetensors")
c = json.load(open(f"{folder}/config.json"))
assert c["model_type"] == "gpt2"


def norm(x, name):
    return F.layer_norm(x, (c["n_embd"],), w[name + ".weight"], w[name + ".bias"], c["layer_norm_epsilon"])


def linear(x, name):
    return x @ w[name + ".weight"] + w[name + ".bias"]  # Conv1D: [in, out]


def forward(ids):
    T, H = len(ids), c["n_head"]
    x = w["transformer.wte.weight"][ids] + w["transformer.wpe.weight"][:T]
    for i in range(c["n_layer"]):
        h = f"transformer.h.{i}"
        q, k, v = (p.view(T, H, -1).transpose(0, 1) for p in linear(norm(x, h + ".ln_1"), h + ".attn.c_attn").chunk(3, -1))
        scores = (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).masked_fill(torch.ones(T, T).triu(1).bool(), float("-inf"))
        x = x + linear((scores.softmax(-1) @ v).transpose(0, 1).reshape(T, -1), h + ".attn.c_proj")
        u = linear(norm(x, h + ".ln_2"), h + ".mlp.c_fc")
        u = 0.5 * u * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (u + 0.044715 * u**3)))
        x = x + linear(u, h + ".mlp.c_proj")
    return norm(x, "transformer.ln_f") @ w.get("lm_head.weight", w["transformer.wte.weight"]).T


s = json.load(open(sample))
prompt = [int(i) for i in s["prompt_ids"]]
ids = prompt + s["ids"]
logprobs = forward(torch.tensor(ids)).log_softmax(-1)
worst = 0.0
for i, (token, logprob) in enumerate(zip(s["ids"], s["logprobs"])):
    row = logprobs[len(prompt) + i - 1]
    worst = max(worst, abs(row[token].item() - logprob))
    assert worst <= float(tolerance), f"token {i}: {logprob} here, {row[token].item()} in PyTorch"
    assert row.max().item() - row[token].item() <= float(tolerance), f"token {i}: PyTorch has a likelier one"
print(f"ok: {len(s['ids'])} tokens, logarithms of probabilities within {worst:.1e}")
