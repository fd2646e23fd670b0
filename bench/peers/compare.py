#!/usr/bin/env python3
"""compare.py - training steps of canto and of PyTorch, in turn.

    bench/peers/compare.py [--canto build/release/canto] [--pairs 5] [--threads 2] [MODEL ...]

For each model the two programs take turns, so that both meet the same moods of the machine: pair after pair, each one
the median of its steps. The medians over the pairs and their ratio are printed, with the peak of multiply-adds that
canto measured around each of its runs and the floor: the time of a step all of whose operations ran at that peak. PyTorch runs with OpenMP's flavour of OpenBLAS (packages: `make bench-deps`).
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OPENBLAS = "/usr/lib/x86_64-linux-gnu/openblas-openmp"
GPT2 = dict(canto="--preset gpt2 --dropout 0",
            torch="--vocab 50257 --width 768 --heads 12 --layers 12 --gelu tanh --qkv-bias --tied --clip 1")

# name: what it is, both programs' options, how many steps a turn has
MODELS = {
    "a": dict(about="shakespeare-tiny as its script is written: a projection per head, dropout 0.1, B 32 x T 64",
              canto="--preset shakespeare-tiny", torch="--scale width --per-head --dropout 0.1", steps=(60, 20)),
    "a0": dict(about="shakespeare-tiny, fused projections, dropout 0, B 32 x T 64",
               canto="--preset shakespeare-tiny --dropout 0", torch="--scale width", steps=(60, 30)),
    "b": dict(about="C 128, H 4, L 4, B 12 x T 64, 65 symbols",
              canto="--preset mini --vocab 65 --context 64 --batch 12",
              torch="--width 128 --batch 12 --gelu tanh --qkv-bias --tied --clip 1", steps=(60, 30)),
    "c": dict(about="C 384, H 6, L 6, B 8 x T 256, 65 symbols, dropout 0",
              canto="--preset shakespeare-medium --dropout 0 --batch 8",
              torch="--width 384 --heads 6 --layers 6 --context 256 --batch 8 --scale width", steps=(4, 3)),
    "d64": dict(about="GPT-2 124M, B 4 x T 64", canto=GPT2["canto"] + " --batch 4 --context 64",
                torch=GPT2["torch"] + " --batch 4 --context 64", steps=(3, 3)),
    "d1024": dict(about="GPT-2 124M, B 1 x T 1024", canto=GPT2["canto"] + " --batch 1 --context 1024",
                  torch=GPT2["torch"] + " --batch 1 --context 1024", steps=(2, 2)),
}


def run(command, **environment):
    result = subprocess.run(command, stdout=subprocess.PIPE, env={**os.environ, **environment})
    if result.returncode != 0:
        sys.exit("compare: %s failed" % " ".join(command))
    return json.loads(result.stdout)


def run_canto(options, model):
    return run([options.canto, "bench", "train", "--json", "--quiet", "--threads", str(options.threads), "--steps",
                str(model["steps"][0])] + model["canto"].split())


def torch_train(python, threads, arguments):
    """What torch_train.py says, with OpenMP's flavour of OpenBLAS under PyTorch."""
    path = OPENBLAS + os.pathsep + os.environ.get("LD_LIBRARY_PATH", "")
    return run([python, os.path.join(HERE, "torch_train.py"), "--threads", str(threads)] + arguments,
               OMP_NUM_THREADS=str(threads), LD_LIBRARY_PATH=path.rstrip(os.pathsep))


def run_torch(options, model):
    return torch_train(options.python, options.threads, ["--steps", str(model["steps"][1])] + model["torch"].split())


def floor_ms(one):
    """What a step would take if all of its operations ran at the peak that canto measured around the run."""
    operations = one["flops_per_token"] * one["batch"] * one["context"]
    return operations / (statistics.mean(one["peak_gflops"]) * 1e6)


def compare(options, name, model):
    pairs = [(run_canto(options, model), run_torch(options, model)) for _ in range(options.pairs)]
    canto, torch = ([one["ms_per_step"] for one in side] for side in zip(*pairs))
    shares = [one["peak_share"] for one, _ in pairs]
    row = {"model": name, "about": model["about"], "pairs": len(pairs), "canto_ms": statistics.median(canto),
           "torch_ms": statistics.median(torch), "ratio": statistics.median(t / c for c, t in zip(canto, torch)),
           "floor_ms": statistics.median(floor_ms(one) for one, _ in pairs), "peak_share": statistics.median(shares), "peak_gflops": [one["peak_gflops"] for one, _ in pairs],
           "canto_rss": max(one["peak_rss_bytes"] for one, _ in pairs), "torch": pairs[0][1]["torch"],
           "blas": pairs[0][1]["blas"], "cpu": pairs[0][0]["cpu"], "threads": options.threads}
    if options.json:
        print(json.dumps(row), flush=True)
        return
    if not compare.told:
        print("PyTorch %s: %s\ncanto: %s, %d threads\n" % (row["torch"], row["blas"], row["cpu"], options.threads))
        print("%-6s %10s %10s %7s %10s %8s  %s" % ("model", "canto ms", "torch ms", "ratio", "floor ms", "of peak",
                                                  "peak GFLOP/s, before/after"))
        compare.told = True
    peaks = " ".join("%.0f/%.0f" % tuple(p) for p in row["peak_gflops"])
    print("%-6s %10.2f %10.2f %7.2f %10.2f %7.1f%%  %s" % (name, row["canto_ms"], row["torch_ms"], row["ratio"],
                                                          row["floor_ms"], 100 * row["peak_share"], peaks), flush=True)


compare.told = False


def main():
    p = argparse.ArgumentParser(description="training steps of canto and of PyTorch, in turn")
    p.add_argument("models", nargs="*", metavar="MODEL",
                   help="; ".join("%s: %s" % (name, model["about"]) for name, model in MODELS.items()))
    p.add_argument("--canto", default="build/release/canto")
    p.add_argument("--python", default="/usr/bin/python3")
    p.add_argument("--pairs", type=int, default=5)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--json", action="store_true", help="one object a model")
    options = p.parse_args()
    for name in options.models or MODELS:
        if name not in MODELS:
            sys.exit("compare: there is no model %s; choose from %s" % (name, ", ".join(MODELS)))
        compare(options, name, MODELS[name])


if __name__ == "__main__":
    main()
