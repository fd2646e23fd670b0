#!/usr/bin/env python3
"""torch_train.py - full training steps of a GPT in PyTorch, the counterpart of `canto bench train`.

Prints one JSON object: ms_per_step (the median), every step's ms, and which BLAS the products went through. With
--evaluations N also ms_per_evaluation: the median of N batches forward alone, without dropout and gradients.
compare.py and whole_run.py call it; the shape options are canto's.
"""
import argparse
import ctypes
import json
import math
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn


class SingleHead(nn.Module):
    """One attention head with projections of its own, as a teaching script writes it."""

    def __init__(self, width, head, context, rate, scale):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(width, head, bias=False) for _ in range(3))
        self.drop = nn.Dropout(rate)
        self.scale = scale
        self.register_buffer("seen", torch.ones(context, context).tril().bool())

    def forward(self, x):
        t = x.shape[1]
        scores = self.q(x) @ self.k(x).transpose(1, 2) * self.scale
        scores = scores.masked_fill(~self.seen[:t, :t], -math.inf)
        return self.drop(scores.softmax(-1)) @ self.v(x)


class SeparateHeads(nn.Module):
    def __init__(self, o, scale):
        super().__init__()
        self.heads = nn.ModuleList(
            SingleHead(o.width, o.width // o.heads, o.context, o.dropout, scale) for _ in range(o.heads))
        self.out = nn.Linear(o.width, o.width)

    def forward(self, x):
        return self.out(torch.cat([head(x) for head in self.heads], dim=-1))


class FusedHeads(nn.Module):
    """One product for q, k and v of all heads; scores scaled and masked in one addition."""

    def __init__(self, o, scale):
        super().__init__()
        self.heads, self.scale = o.heads, scale
        self.qkv = nn.Linear(o.width, 3 * o.width, bias=o.qkv_bias)
        self.out = nn.Linear(o.width, o.width)
        self.drop = nn.Dropout(o.dropout)
        hidden = torch.ones(o.context, o.context).triu(1).bool()
        self.register_buffer("bias", torch.zeros(o.context, o.context).masked_fill(hidden, -math.inf))

    def forward(self, x):
        b, t, c = x.shape
        d = c // self.heads
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, d).permute(2, 0, 3, 1, 4).reshape(3, b * self.heads, t, d)
        weights = torch.baddbmm(self.bias[:t, :t], q, k.transpose(1, 2), alpha=self.scale).softmax(-1)
        mixed = torch.bmm(self.drop(weights), v)
        return self.out(mixed.view(b, self.heads, t, d).transpose(1, 2).reshape(b, t, c))


class Block(nn.Module):
    def __init__(self, o, scale):
        super().__init__()
        c = o.width
        self.norm1, self.norm2 = nn.LayerNorm(c), nn.LayerNorm(c)
        self.attention = SeparateHeads(o, scale) if o.per_head else FusedHeads(o, scale)
        self.up, self.down = nn.Linear(c, 4 * c), nn.Linear(4 * c, c)
        self.gelu = nn.GELU(approximate=o.gelu)
        self.drop1, self.drop2 = nn.Dropout(o.dropout), nn.Dropout(o.dropout)

    def forward(self, x):
        x = x + self.drop1(self.attention(self.norm1(x)))
        return x + self.drop2(self.down(self.gelu(self.up(self.norm2(x)))))


def small(module):
    """GPT-2's first weights. With embeddings of N(0, 1) a tied head is so sure of itself that most of what follows is
    smaller than a normal float32, and slow."""
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)


class Model(nn.Module):
    def __init__(self, o):
        super().__init__()
        scale = 1 / math.sqrt(o.width if o.scale == "width" else o.width // o.heads)
        self.tokens, self.places = nn.Embedding(o.vocab, o.width), nn.Embedding(o.context, o.width)
        self.blocks = nn.Sequential(*(Block(o, scale) for _ in range(o.layers)))
        self.norm = nn.LayerNorm(o.width)
        self.head = nn.Linear(o.width, o.vocab, bias=not o.tied)
        if o.tied:
            self.head.weight = self.tokens.weight
            self.apply(small)

    def forward(self, ids, targets):
        x = self.tokens(ids) + self.places(torch.arange(ids.shape[1]))
        logits = self.head(self.norm(self.blocks(x)))
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.reshape(-1))


def blas():
    """The BLAS that this process has mapped: where from, its build, the core it chose kernels for, its threads."""
    with open("/proc/self/maps") as maps:
        paths = {line.split()[-1] for line in maps if "blas" in line and "/" in line}
    for path in sorted(paths, key=len):
        library = ctypes.CDLL(path)
        if not hasattr(library, "openblas_get_config"):
            continue
        library.openblas_get_config.restype = library.openblas_get_corename.restype = ctypes.c_char_p
        return "%s (%s), core %s, threads by %s" % (
            path, library.openblas_get_config().decode().strip(), library.openblas_get_corename().decode(),
            ("nothing", "pthreads", "OpenMP")[library.openblas_get_parallel()])
    return "not OpenBLAS: %s" % ", ".join(sorted(paths))


def batch(data, o):
    at = torch.randint(len(data) - o.context, (o.batch,))
    return (torch.stack([data[i:i + o.context] for i in at]), torch.stack([data[i + 1:i + 1 + o.context] for i in at]))


def train_step(model, optimizer, data, o):
    loss = model(*batch(data, o))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    if o.clip > 0:
        nn.utils.clip_grad_norm_(model.parameters(), o.clip)
    optimizer.step()
    loss.item()


def timed(times, work):
    """The milliseconds of each of `times` calls, after two that do not count."""
    milliseconds = []
    for _ in range(times + 2):
        start = time.perf_counter()
        work()
        milliseconds.append(1e3 * (time.perf_counter() - start))
    return milliseconds[2:]


def main():
    p = argparse.ArgumentParser()
    for name, value in dict(vocab=65, context=64, width=64, heads=4, layers=4, batch=32, steps=20, evaluations=0,
                            threads=2).items():
        p.add_argument("--" + name, type=int, default=value)
    p.add_argument("--dropout", type=float, default=0.0)
    p.add_argument("--clip", type=float, default=0.0)
    p.add_argument("--gelu", choices=["none", "tanh"], default="none")
    p.add_argument("--scale", choices=["head", "width"], default="head")
    p.add_argument("--per-head", action="store_true")
    p.add_argument("--qkv-bias", action="store_true")
    p.add_argument("--tied", action="store_true")
    o = p.parse_args()

    torch.manual_seed(1337)
    torch.set_num_threads(o.threads)
    torch.set_flush_denormal(True)
    model = Model(o)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
    data = torch.randint(o.vocab, (65536,))
    steps = timed(o.steps, lambda: train_step(model, optimizer, data, o))
    result = {"ms_per_step": statistics.median(steps), "ms": steps, "torch": torch.__version__,
              "threads": torch.get_num_threads(), "blas": blas(),
              "parameters": sum(x.numel() for x in model.parameters())}
    if o.evaluations:
        model.eval()
        with torch.no_grad():
            evaluations = timed(o.evaluations, lambda: model(*batch(data, o)).item())
        result.update(ms_per_evaluation=statistics.median(evaluations), evaluation_ms=evaluations)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
