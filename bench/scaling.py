#!/usr/bin/env python3
"""scaling.py - how the time of a training step grows, what memory it takes, and what all presets reach.

    bench/scaling.py [--canto build/release/canto] [--out FILE.json] [--picture FILE.svg] [PART ...]

Parts: curves (a step's time against width, depth, context and batch, with exponents fitted to the logarithms), threads (one
beside all), sets (the instruction sets that this machine has), presets (tokens a second and share of the peak of every
preset that fits), memory (planned and taken, with and without --recompute). Every figure is the median of the steps of one
`canto bench train`, of the curves the median of three such. The picture is drawn of the curves by python3-matplotlib
(`make bench-deps`); --out keeps all numbers, and --from FILE.json draws them again.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys

BASE = dict(width=256, layers=4, context=128, batch=8)
CURVES = {
    "width": ("width C", [64, 128, 192, 256, 384, 512, 768, 1024]),
    "layers": ("layers L", [1, 2, 4, 8, 16, 32]),
    "context": ("context T, one sequence", [32, 64, 128, 256, 512, 1024, 2048]),
    "batch": ("batch B", [1, 2, 4, 8, 16, 32, 64]),
}
MODELS = ["--preset shakespeare-tiny", "--preset mini", "--preset shakespeare-medium --batch 8",
          "--preset gpt2 --batch 4 --context 64"]
MEMORY = ["--preset gpt2 --batch 4 --context 64", "--preset gpt2 --batch 1 --context 1024",
          "--preset gpt2-medium --batch 1 --context 512"]
# A batch and context for models that are too large for those of their preset.
SHORTER = {"gpt2": "--batch 2 --context 512", "gpt2-untied": "--batch 2 --context 512",
           "gpt-neo-125m": "--batch 2 --context 512", "gpt2-medium": "--batch 1 --context 512",
           "gpt2-large": "--batch 1 --context 256"}


def call(options, command, arguments, cpu=None):
    environment = dict(os.environ, CANTO_CPU=cpu) if cpu else None
    result = subprocess.run([options.canto] + command.split() + arguments.split() + ["--json"], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=environment)
    return json.loads(result.stdout) if result.returncode == 0 else None


def bench(options, arguments, steps, cpu=None, threads=0):
    if threads:
        arguments += " --threads %d" % threads
    one = call(options, "bench train", "%s --steps %d --quiet" % (arguments, steps), cpu)
    if one is None:
        sys.exit("scaling: %s bench train %s failed" % (options.canto, arguments))
    return one


def exponent(points):
    """The slope of log y over log x by least squares."""
    xs, ys = [math.log(x) for x, _ in points], [math.log(y) for _, y in points]
    x, y = statistics.mean(xs), statistics.mean(ys)
    return sum((a - x) * (b - y) for a, b in zip(xs, ys)) / sum((a - x) ** 2 for a in xs)


def measure_curves(options, data):
    data["curves"] = {}
    for name, (label, values) in CURVES.items():
        points = []
        for value in values:
            shape = dict(BASE, **{name: value})
            if name == "context":
                shape["batch"] = 1
            arguments = "--preset mini --vocab 256 --heads %d" % (shape["width"] // 64)
            arguments += "".join(" --%s %d" % item for item in shape.items())
            turns = [bench(options, arguments, 2 if value == values[-1] else 5) for _ in range(options.turns)]
            one = sorted(turns, key=lambda turn: turn["ms_per_step"])[len(turns) // 2]
            points.append((value, one["ms_per_step"], one["peak_share"]))
        data["curves"][name] = points
        show_curve(name, label, points)


def show_curve(name, label, points):
    half = len(points) // 2
    print("%s: ms %s" % (label, "  ".join("%d: %.2f" % (x, y) for x, y, _ in points)))
    print("    share of the peak %s" % "  ".join("%.0f%%" % (100 * s) for _, _, s in points))
    print("    exponent %.2f, of the larger half %.2f" % (exponent([p[:2] for p in points]),
                                                          exponent([p[:2] for p in points[half:]])), flush=True)


def measure_threads(options, data):
    data["threads"] = []
    print("%-42s %10s %10s %8s" % ("model", "1 thread", "all", "ratio"))
    for model in MODELS:
        one, all_ = bench(options, model, 5, threads=1), bench(options, model, 5)
        row = (model, one["ms_per_step"], all_["ms_per_step"], all_["threads"])
        data["threads"].append(row)
        print("%-42s %10.2f %10.2f %8.2f" % (row[0], row[1], row[2], row[1] / row[2]), flush=True)


def measure_sets(options, data):
    data["sets"] = []
    for model in MODELS:
        row = {}
        for cpu in ("portable", "avx2", "avx512", "neon"):
            if call(options, "bench train", "--preset mini --width 16 --heads 1 --context 8 --batch 1 --steps 1 --quiet",
                    cpu):
                row[cpu] = bench(options, model, 3, cpu)["ms_per_step"]
        data["sets"].append((model, row))
        print("%-42s %s" % (model, "  ".join("%s %.2f ms" % item for item in row.items())), flush=True)


def measure_presets(options, data):
    data["presets"] = []
    names = [line["name"] for line in call(options, "inspect", "--presets")]
    print("%-20s %12s %12s %9s %10s %9s %9s" % ("preset", "parameters", "B x T", "ms", "tokens/s", "of peak", "memory"))
    for name in names:
        arguments = "--preset %s %s" % (name, SHORTER.get(name, ""))
        plan = call(options, "plan", arguments)
        if not plan["fits"] or plan["memory"]["peak_bytes"] > 0.9 * plan["memory"]["available_bytes"]:
            print("%-20s %12d needs %.1f GB" % (name, plan["parameters"], plan["memory"]["peak_bytes"] / 1e9), flush=True)
            continue
        one = bench(options, arguments, 3 if plan["parameters"] > 2e7 else 20)
        data["presets"].append((name, plan["parameters"], one))
        print("%-20s %12d %12s %9.1f %10.0f %8.1f%% %7.2f GB" % (
            name, plan["parameters"], "%d x %d" % (one["batch"], one["context"]), one["ms_per_step"],
            one["tokens_per_second"], 100 * one["peak_share"], one["peak_rss_bytes"] / 1e9), flush=True)


def measure_memory(options, data):
    data["memory"] = []
    print("%-46s %10s %12s %12s %14s" % ("model", "recompute", "planned", "taken", "ms a step"))
    for model in MEMORY:
        for recompute in ("off", "on"):
            plan = call(options, "plan", "%s --recompute %s" % (model, recompute))
            one = bench(options, "%s --recompute %s" % (model, recompute), 3)
            row = (model, recompute, plan["memory"], one["peak_rss_bytes"], one["ms_per_step"])
            data["memory"].append(row)
            print("%-46s %10s %12d %12d %12.1f" % (model, recompute, plan["memory"]["peak_bytes"], row[3], row[4]),
                  flush=True)


def draw(curves, path):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    plt.rcParams["svg.hashsalt"] = "canto"
    figure, places = plt.subplots(1, 4, figsize=(14, 3.6), sharey=True)
    for place, (name, points) in zip(places, curves.items()):
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        half = len(points) // 2
        slope = exponent(list(zip(xs, ys))[half:])
        at = statistics.mean(math.log(y) for y in ys[half:]) - slope * statistics.mean(math.log(x) for x in xs[half:])
        place.loglog(xs, ys, "o-", color="#0072B2", label="measured")
        place.loglog(xs, [math.exp(at) * x ** slope for x in xs], "--", color="#D55E00",
                     label="larger half: exponent %.2f" % slope)
        place.set_xlabel(CURVES[name][0])
        place.set_xticks(xs)
        place.set_xticklabels([str(x) for x in xs], rotation=45)
        place.minorticks_off()
        place.grid(True, alpha=0.3)
        place.legend(fontsize=8)
    places[0].set_ylabel("ms a training step")
    figure.suptitle("Otherwise C %(width)d, L %(layers)d, T %(context)d, B %(batch)d, V 256" % BASE, fontsize=10)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if path.endswith(".svg") else None, dpi=110)


PARTS = {"curves": measure_curves, "threads": measure_threads, "sets": measure_sets, "presets": measure_presets,
         "memory": measure_memory}


def main():
    p = argparse.ArgumentParser(description="how training steps grow, and what they take")
    p.add_argument("parts", nargs="*", metavar="PART", help="of " + ", ".join(PARTS) + " (default: all)")
    p.add_argument("--canto", default="build/release/canto")
    p.add_argument("--turns", type=int, default=3, help="of each point of the curves (default: 3)")
    p.add_argument("--out", help="all numbers, as JSON")
    p.add_argument("--from", dest="old", help="draw the curves of this JSON, measure nothing")
    p.add_argument("--picture", help="the curves, as SVG or PNG")
    options = p.parse_args()
    data = {}
    if options.old:
        with open(options.old) as file:
            data = json.load(file)
    for part in [] if options.old else options.parts or PARTS:
        if part not in PARTS:
            sys.exit("scaling: there is no part %s; choose from %s" % (part, ", ".join(PARTS)))
        PARTS[part](options, data)
    if options.out:
        with open(options.out, "w") as file:
            json.dump(data, file)
    if options.picture:
        draw(data["curves"], options.picture)


if __name__ == "__main__":
    main()
