#!/usr/bin/env python3
"""whole_run.py - a whole training of the small Shakespeare script by canto, beside what PyTorch would take for it.

    bench/peers/whole_run.py TEXT [--canto build/release/canto] [--steps 5000] [--threads 2]

canto really does it, in a temporary folder: shakespeare-tiny over the characters of TEXT, 5000 steps of 32 x 64 with dropout
0.1, an evaluation every 500 steps over 100 batches of both splits (the first before the first step, the last after the last
one: 11), checkpoints and all that belongs to a run, timed from the start of the program to its end. PyTorch's speed at the same
work is measured just before and just after by torch_train.py: a training step as the script writes it (a projection per head,
dropout 0.1), and a batch of an evaluation (forward alone). From the means of both comes what PyTorch would take, reading and
starting not counted. --steps 200 tries it out.

PyTorch comes from Debian (`make bench-deps`); --python names another interpreter that has it.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

from compare import torch_train

SCRIPT = "--scale width --per-head --dropout 0.1".split()
BATCHES, SPLITS = 100, 2


def measure_torch(options):
    one = torch_train(options.python, options.threads,
                      SCRIPT + ["--steps", str(options.samples), "--evaluations", str(2 * options.samples)])
    print("PyTorch %s: %.2f ms a step, %.2f ms a batch of an evaluation" % (
        one["torch"], one["ms_per_step"], one["ms_per_evaluation"]), flush=True)
    return one


def run_canto(options, every):
    """Seconds of the whole run, and the last row of its metrics.csv."""
    with tempfile.TemporaryDirectory(prefix="canto-whole-run-") as folder:
        run = os.path.join(folder, "run")
        command = [options.canto, "train", options.text, "-o", run, "--preset", "shakespeare-tiny", "--tokenizer", "char",
                   "--steps", str(options.steps), "--eval-every", str(every), "--eval-batches", str(BATCHES),
                   "--threads", str(options.threads), "--quiet"]
        start = time.perf_counter()
        if subprocess.run(command, stdout=subprocess.DEVNULL).returncode != 0:
            sys.exit("whole_run: %s failed" % " ".join(command))
        seconds = time.perf_counter() - start
        with open(os.path.join(run, "metrics.csv")) as file:
            names, *rows = [line.rstrip("\n").split(",") for line in file]
    evaluations = [row for row in (dict(zip(names, row)) for row in rows) if row["val_loss"]]
    return seconds, evaluations


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("text", metavar="TEXT", help="the text, UTF-8")
    p.add_argument("--canto", default="build/release/canto", help="the program (default: %(default)s)")
    p.add_argument("--python", default="/usr/bin/python3", help="an interpreter with PyTorch (default: %(default)s)")
    p.add_argument("--steps", type=int, default=5000, help="a tenth of them is between two evaluations (default: %(default)s)")
    p.add_argument("--threads", type=int, default=2, help="both programs' (default: %(default)s)")
    p.add_argument("--samples", type=int, default=40,
                   help="steps of PyTorch that are measured before, and after (default: %(default)s)")
    options = p.parse_args()
    if options.steps < 10:
        p.error("--steps must be at least 10")

    before = measure_torch(options)
    seconds, evaluations = run_canto(options, options.steps // 10)
    after = measure_torch(options)

    step, batch = (statistics.mean(one[key] for one in (before, after)) for key in ("ms_per_step", "ms_per_evaluation"))
    torch_seconds = (options.steps * step + len(evaluations) * SPLITS * BATCHES * batch) / 1000
    last = evaluations[-1]
    print("canto:   %.1f s for %d steps and %d evaluations; at the end train loss %s, validation loss %s" % (
        seconds, options.steps, len(evaluations), last["eval_train_loss"], last["val_loss"]))
    print("PyTorch: %.1f s would be %d x %.2f ms + %d x %.2f ms" % (
        torch_seconds, options.steps, step, len(evaluations) * SPLITS * BATCHES, batch))
    print("ratio:   %.2f" % (torch_seconds / seconds))


if __name__ == "__main__":
    main()
