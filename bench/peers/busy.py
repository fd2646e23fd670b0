#!/usr/bin/env python3
"""busy.py - a training step of canto alone, and beside a process that keeps one core half busy.

    bench/peers/busy.py [--canto build/release/canto] [--pairs 5] [--steps 40] [--core 1] [MODEL OPTIONS ...]

Pair after pair, canto trains first on a machine left alone and then, at once, beside a child of this program that is bound
to one core and in turn spins for 5 ms and sleeps for 5 ms. The child is ended, by its process, before the next pair begins.
Printed are each pair's milliseconds a step, the medians, and the median of the pairs' ratios. On two cores a quarter of the
machine is gone: a factor of 1.33 where all of it was in use. Threads that wait for each other with fixed shares of the work
would take twice as long. The aim is a ratio of at most 1.5; the exit code is 0 whatever comes out.

Whatever else is written goes to `canto bench train`, for example: --preset mini --batch 12. Without it the model is
shakespeare-tiny. The machine must be left alone otherwise: look at the column "alone" for whether it was.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

SPIN = SLEEP = 0.005
AIM = 1.5


def keep_half_busy(core):
    """What the child does until it is ended."""
    os.sched_setaffinity(0, {core})
    print("ready", flush=True)
    while True:
        until = time.perf_counter() + SPIN
        while time.perf_counter() < until:
            pass
        time.sleep(SLEEP)


def step_ms(options, model):
    command = [options.canto, "bench", "train", "--json", "--quiet", "--threads", str(options.threads),
               "--steps", str(options.steps)] + model
    result = subprocess.run(command, stdout=subprocess.PIPE)
    if result.returncode != 0:
        sys.exit("busy: %s failed" % " ".join(command))
    return json.loads(result.stdout)["ms_per_step"]


def step_ms_beside(options, model):
    child = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--child", str(options.core)],
                             stdout=subprocess.PIPE)
    try:
        if child.stdout.readline() != b"ready\n":
            sys.exit("busy: no process could be bound to core %d" % options.core)
        return step_ms(options, model)
    finally:
        child.kill()
        child.wait()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                allow_abbrev=False)
    p.add_argument("--canto", default="build/release/canto", help="the program (default: %(default)s)")
    p.add_argument("--pairs", type=int, default=5, help="pairs of runs (default: %(default)s)")
    p.add_argument("--steps", type=int, default=40, help="steps of a run, of which the median counts (default: %(default)s)")
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="canto's (default: %(default)s)")
    p.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)),
                   help="the core that is kept half busy (default: %(default)s)")
    p.add_argument("--json", action="store_true", help="one object instead of a table")
    p.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options, model = p.parse_known_args()
    if options.child is not None:
        keep_half_busy(options.child)
    if not any(word.split("=")[0] == "--preset" for word in model):
        model = ["--preset", "shakespeare-tiny"] + model
    if not options.json:
        print("canto bench train %s: ms a step\n%10s %10s %7s" % (" ".join(model), "alone", "beside", "ratio"))
    pairs = []
    for _ in range(options.pairs):
        pairs.append((step_ms(options, model), step_ms_beside(options, model)))
        if not options.json:
            print("%10.2f %10.2f %7.2f" % (*pairs[-1], pairs[-1][1] / pairs[-1][0]), flush=True)
    alone, beside = (statistics.median(side) for side in zip(*pairs))
    ratio = statistics.median(b / a for a, b in pairs)
    if options.json:
        print(json.dumps({"model": model, "threads": options.threads, "core": options.core, "pairs": pairs,
                          "alone_ms": alone, "beside_ms": beside, "ratio": ratio, "aim": AIM}))
    else:
        print("medians: %.2f ms alone, %.2f ms beside, ratio %.2f (at most %.1f is wanted)" % (alone, beside, ratio, AIM))


if __name__ == "__main__":
    main()
