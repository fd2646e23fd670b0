#!/usr/bin/env python3
"""Makes the files of this folder: tiny models as PyTorch saves them, and what PyTorch computes with them.

Run by hand (Debian's python3-torch) when a file is to be added: the tests need none of it. Values are random, and small
enough that float16 holds them.
"""
import collections
import json
import math
import os
import struct
import warnings

import torch
from torch.nn import functional as F

warnings.filterwarnings("ignore")
V, C, H, L, T, FF = 11, 8, 2, 2, 8, 12
IDS = [3, 1, 4, 1, 5, 9]
HERE = os.path.dirname(os.path.abspath(__file__))
cases = []


def path(name):
    full = os.path.join(HERE, name)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    return full


def random(*shape):
    return (torch.randn(*shape) * 0.4).half().float()


def tanh_gelu(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def run(w, activation, scale, window=None):
    """Logits of the last position. w: canto's names -> float tensors, linear weights [out, in]; q, k, v apart or together."""
    ids = torch.tensor(IDS)
    n = len(IDS)
    x = w["token_embedding.weight"][ids] + w["position_embedding.weight"][:n]
    norm = lambda y, k: F.layer_norm(y, (C,), w[k + ".weight"], w.get(k + ".bias"))
    linear = lambda y, k: F.linear(y, w[k + ".weight"], w.get(k + ".bias"))
    i, j = torch.arange(n)[:, None], torch.arange(n)[None]
    for layer in range(L):
        b = f"blocks.{layer}."
        q, k, v = (t.view(n, H, C // H).transpose(0, 1) for t in linear(norm(x, b + "norm1"), b + "qkv").split(C, -1))
        seen = j <= i
        if window and window[layer]:
            seen = seen & (i - j < window[layer])
        a = (q @ k.transpose(1, 2) * scale).masked_fill(~seen, float("-inf")).softmax(-1) @ v
        x = x + linear(a.transpose(0, 1).reshape(n, C), b + "projection")
        x = x + linear(activation(linear(norm(x, b + "norm2"), b + "ffn_up")), b + "ffn_down")
    x = norm(x, "final_norm")
    head = w.get("head.weight", w["token_embedding.weight"])
    return F.linear(x[-1], head, w.get("head.bias")).tolist()


def model(tied, qkv_bias=True, bias=True, head_bias=False):
    w = {"token_embedding.weight": random(V, C), "position_embedding.weight": random(T, C)}
    for layer in range(L):
        b = f"blocks.{layer}."
        for name, shape, has in (("norm1", (C,), bias), ("qkv", (3 * C, C), qkv_bias), ("projection", (C, C), bias),
                                 ("norm2", (C,), bias), ("ffn_up", (FF, C), bias), ("ffn_down", (C, FF), bias)):
            w[b + name + ".weight"] = 1 + random(*shape) if len(shape) == 1 else random(*shape)
            if has:
                w[b + name + ".bias"] = random(shape[0])
    w["final_norm.weight"] = 1 + random(C)
    if bias:
        w["final_norm.bias"] = random(C)
    if not tied:
        w["head.weight"] = random(V, C)
    if head_bias:
        w["head.bias"] = random(V)
    return w


def renamed(w, names, layers, turned=()):
    """names: {ours: theirs}; layers: {ours: theirs} of a block, with # for its number; turned: Conv1D."""
    out = collections.OrderedDict()
    for ours, theirs in names.items():
        if ours in w:
            out[theirs] = w[ours]
    for n in range(L):
        for ours, theirs in layers.items():
            for part in ("weight", "bias"):
                key = f"blocks.{n}.{ours}.{part}"
                if key in w:
                    t = w[key]
                    name = theirs.replace("#", str(n)) + "." + part
                    out[name] = t.t().contiguous() if part == "weight" and ours in turned else t
    return out


def case(file, logits, heads=0, map_=None):
    cases.append({"file": file, "heads": heads, "map": map_, "ids": IDS, "logits": logits})


def write_safetensors(file, tensors):
    names = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
    header, data = {}, b""
    for k, t in tensors.items():
        raw = (t.view(torch.int16) if t.dtype == torch.bfloat16 else t).numpy().tobytes()
        header[k] = {"dtype": names[t.dtype], "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path(file), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def write_json(file, value):
    with open(path(file), "w") as f:
        json.dump(value, f, indent=1)
        f.write("\n")


torch.manual_seed(1)
HF = {"token_embedding.weight": "transformer.wte.weight", "position_embedding.weight": "transformer.wpe.weight",
      "final_norm.weight": "transformer.ln_f.weight", "final_norm.bias": "transformer.ln_f.bias",
      "head.weight": "lm_head.weight"}
HF_LAYER = {"norm1": "transformer.h.#.ln_1", "qkv": "transformer.h.#.attn.c_attn",
            "projection": "transformer.h.#.attn.c_proj", "norm2": "transformer.h.#.ln_2",
            "ffn_up": "transformer.h.#.mlp.c_fc", "ffn_down": "transformer.h.#.mlp.c_proj"}
MATRICES = ("qkv", "projection", "ffn_up", "ffn_down")
GPT2 = {"model_type": "gpt2", "vocab_size": V, "n_positions": T, "n_embd": C, "n_layer": L, "n_head": H, "n_inner": FF}

# Hugging Face, GPT-2: the form before PyTorch 1.6, names without prefix, masks along; and in shards of 16 bits.
w = model(tied=True)
sd = renamed(w, HF, HF_LAYER, MATRICES)
old = collections.OrderedDict((k.replace("transformer.", ""), v) for k, v in sd.items())
for n in range(L):
    old[f"h.{n}.attn.bias"] = torch.tril(torch.ones(T, T, dtype=torch.uint8)).view(1, 1, T, T)
    old[f"h.{n}.attn.masked_bias"] = torch.tensor(-1e4)
torch.save(old, path("gpt2-old/pytorch_model.bin"), _use_new_zipfile_serialization=False)
write_json("gpt2-old/config.json", GPT2)
case("gpt2-old", run(w, tanh_gelu, (C // H) ** -0.5))
keys = list(sd)
for form, type_ in (("half", torch.float16), ("bfloat", torch.bfloat16)):
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    rounded = {k: t.to(type_) for k, t in w.items()}
    part = renamed(rounded, HF, HF_LAYER, MATRICES)
    for number, name in enumerate(names):
        write_safetensors(f"gpt2-{form}/{name}", {k: part[k] for k in keys[number::2]})
    write_json(f"gpt2-{form}/model.safetensors.index.json",
               {"metadata": {}, "weight_map": {k: names[i % 2] for i, k in enumerate(keys)}})
    write_json(f"gpt2-{form}/config.json", GPT2)
    case(f"gpt2-{form}", run({k: t.float() for k, t in rounded.items()}, tanh_gelu, (C // H) ** -0.5))

# Hugging Face, GPT-Neo: q, k and v apart, a local layer, no scale.
w = model(tied=True, qkv_bias=False)
layer = {k: v.replace("c_proj", "out_proj").replace("attn.", "attn.attention.") if k == "projection" else v
         for k, v in HF_LAYER.items() if k != "qkv"}
sd = renamed(w, HF, layer)
for n in range(L):
    for part, name in enumerate("qkv"):
        sd[f"transformer.h.{n}.attn.attention.{name}_proj.weight"] = w[f"blocks.{n}.qkv.weight"][part * C:(part + 1) * C]
torch.save(sd, path("gpt-neo/pytorch_model.bin"))
write_json("gpt-neo/config.json",
           {"model_type": "gpt_neo", "vocab_size": V, "max_position_embeddings": T, "hidden_size": C, "num_layers": L,
            "num_heads": H, "intermediate_size": FF, "window_size": 3, "attention_types": [[["global", "local"], 1]]})
case("gpt-neo", run(w, tanh_gelu, 1.0, (None, 3)))

# nanoGPT's checkpoint of a compiled model without biases, with all that it saves beside.
w = model(tied=True, qkv_bias=False, bias=False)
sd = renamed(w, HF, HF_LAYER)
sd["lm_head.weight"] = sd["transformer.wte.weight"]
torch.save({"model": collections.OrderedDict(("_orig_mod." + k, v) for k, v in sd.items()),
            "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 1e-3, "params": [0]}]},
            "model_args": {"n_layer": L, "n_head": H, "n_embd": C, "block_size": T, "bias": False, "vocab_size": V},
            "iter_num": 7, "best_val_loss": torch.tensor(1.5), "config": {"dataset": "x", "large": 10 ** 30}},
           path("nanogpt.pt"))
case("nanogpt.pt", run(w, F.gelu, (C // H) ** -0.5))

# GPTModel of "Build a large language model": parameters, masks, weights that lie turned in memory.
w = model(tied=False, qkv_bias=False)
for key in [k for k in w if k.endswith("qkv.bias")]:
    del w[key]
BOOK = {"token_embedding.weight": "tok_emb.weight", "position_embedding.weight": "pos_emb.weight",
        "final_norm.weight": "final_norm.scale", "final_norm.bias": "final_norm.shift", "head.weight": "out_head.weight"}
sd = renamed(w, BOOK, {"projection": "trf_blocks.#.att.out_proj", "ffn_up": "trf_blocks.#.ff.layers.0",
                       "ffn_down": "trf_blocks.#.ff.layers.2"})
for n in range(L):
    for part, name in enumerate(("query", "key", "value")):
        sd[f"trf_blocks.{n}.att.W_{name}.weight"] = w[f"blocks.{n}.qkv.weight"][part * C:(part + 1) * C]
    sd[f"trf_blocks.{n}.att.mask"] = torch.triu(torch.ones(T, T), 1)
    for number in "12":
        sd[f"trf_blocks.{n}.norm{number}.scale"] = w[f"blocks.{n}.norm{number}.weight"]
        sd[f"trf_blocks.{n}.norm{number}.shift"] = w[f"blocks.{n}.norm{number}.bias"]
sd = collections.OrderedDict((k, torch.nn.Parameter(v.t().contiguous().t() if v.dim() == 2 else v))
                             for k, v in sd.items())
torch.save(sd, path("gptmodel.pth"))
case("gptmodel.pth", run(w, tanh_gelu, (C // H) ** -0.5), heads=H)

# Names of nobody's: a head of its own for each, the feed-forward's first matrix turned, a buffer.
w = model(tied=False, qkv_bias=False, head_bias=True)
sd = renamed(w, {"token_embedding.weight": "table.weight", "position_embedding.weight": "places.weight",
                 "final_norm.weight": "end.weight", "final_norm.bias": "end.bias", "head.weight": "out.weight",
                 "head.bias": "out.bias"},
             {"projection": "layers.#.mix", "ffn_up": "layers.#.up", "ffn_down": "layers.#.down", "norm1": "layers.#.one",
              "norm2": "layers.#.two"}, ("ffn_up",))
for n in range(L):
    for part, name in enumerate("qkv"):
        for head in range(H):
            row = part * C + head * (C // H)
            sd[f"layers.{n}.heads.{head}.{name}"] = w[f"blocks.{n}.qkv.weight"][row:row + C // H].clone()
    sd[f"layers.{n}.tril"] = torch.ones(T, T)
torch.save({"state_dict": sd, "vocab_size": V}, path("own.pth"))
write_json("own.map.json", {
    "config": {"activation": "relu", "attention_scale": "width"},
    "tensors": {
        "table.weight": "token_embedding.weight", "places.weight": "position_embedding.weight",
        "layers.#.heads.@.q": "blocks.#.q.@.weight", "layers.#.heads.@.k": "blocks.#.k.@.weight",
        "layers.#.heads.@.v": "blocks.#.v.@.weight", "layers.#.tril": None,
        "layers.#.mix.weight": "blocks.#.projection.weight", "layers.#.mix.bias": "blocks.#.projection.bias",
        "layers.#.up.weight": {"to": "blocks.#.ffn_up.weight", "transposed": True},
        "layers.#.up.bias": "blocks.#.ffn_up.bias", "layers.#.down.weight": "blocks.#.ffn_down.weight",
        "layers.#.down.bias": "blocks.#.ffn_down.bias", "layers.#.one.weight": "blocks.#.norm1.weight",
        "layers.#.one.bias": "blocks.#.norm1.bias", "layers.#.two.weight": "blocks.#.norm2.weight",
        "layers.#.two.bias": "blocks.#.norm2.bias", "end.weight": "final_norm.weight", "end.bias": "final_norm.bias",
        "out.weight": "head.weight", "out.bias": "head.bias"}})
case("own.pth", run(w, F.relu, C ** -0.5), map_="own.map.json")

write_json("expected.json", cases)
