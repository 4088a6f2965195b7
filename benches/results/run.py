#!/usr/bin/env python3
"""Trains one problem by Newton's method and by tuned first-order rules, and writes a table.

    python3 benches/results/run.py digits
    python3 benches/results/run.py mnist --data MNIST --seeds 1
    python3 benches/results/run.py cifar10 --data CIFAR10 --trainers newton
    python3 benches/results/run.py autoencoder --data MNIST --seeds 1 --trainers newton,adam

Every run is one call of `osculant train`; its record goes to `benches/results/logs`, and what was
recorded is not run again. Learning rates are chosen from the grid below by the accuracy (of the
autoencoder, the loss) on a tenth of the training examples, held out (seed 1); the runs in the table then
train on all of them. Nothing is chosen by test examples.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LOGS = HERE / "logs"

# What each problem is given; `epochs` is the budget of a first-order run, `tuning` that of one which
# tries a rate, where it is less.
PROBLEMS = {
    "digits": {"options": [], "newton": [], "epochs": 15},
    "mnist": {
        "options": [],
        "newton": ["--warm-start", "0", "--cg-iterations", "250", "--iterations", "29"],
        "epochs": 15,
    },
    "cifar10": {
        "options": ["-C", "500"],
        "newton": [
            *["--curvature", "5%", "--cg-iterations", "50"],
            *["--lambda", "1", "--iterations", "60"],
        ],
        "epochs": 20,
        "tuning": 8,
    },
    # Sigmoid cross-entropy between inputs in [0, 1] and their reconstruction: a loss, no accuracy.
    "autoencoder": {
        "options": [
            *["--net", "autoencoder:1000,500,250,30", "--loss", "logistic"],
            *["--inputs", "keep", "-C", "6000000"],
        ],
        "newton": [
            *["--curvature", "5%", "--cg-stop", "progress", "--cg-iterations", "150"],
            *["--warm-start", "--lambda", "100", "--iterations", "50"],
        ],
        "epochs": 20,
    },
}

# The rates that are tried; sgd has momentum 0.9, batches are of 128 examples. Those after the fourth
# only as long as the one before is the best so far.
GRID = {
    "sgd": ["0.0003", "0.001", "0.003", "0.01", "0.03", "0.1"],
    "adam": ["0.0005", "0.001", "0.002", "0.004", "0.008"],
}
FIRST = 4


def train(name, options, seed):
    """How a run ended: the one that is recorded, or a new one."""
    log = LOGS / f"{name}-{seed}.jsonl"
    if not log.exists():
        LOGS.mkdir(exist_ok=True)
        part = log.with_suffix(".part").relative_to(ROOT)
        command = ["target/release/osculant", "train", *options, "--seed", str(seed)]
        command += ["--quiet", "--log", str(part)]
        print("+", *command, file=sys.stderr, flush=True)
        subprocess.run(command, check=True, cwd=ROOT)
        # Images of mistakes are no part of a result.
        lines = (ROOT / part).read_text().splitlines()
        lines = [line for line in lines if '"event":"evaluation"' not in line]
        (ROOT / part).unlink()
        log.write_text("\n".join(lines) + "\n")
    events = [json.loads(line) for line in log.read_text().splitlines()]
    return next(event for event in events if event["event"] == "end")


def rate(problem, options, rule, epochs):
    """The rate of the grid that does best on held-out examples."""
    found = {}
    for i, rate in enumerate(GRID[rule]):
        if i >= FIRST and max(found, key=found.get) != GRID[rule][i - 1]:
            break
        tried = ["--optimizer", rule, "--learning-rate", rate, "--epochs", str(epochs)]
        tried += ["--validation", "10%"]
        end = train(f"{problem}-{rule}-{rate}-tuning", options + tried, 1)
        found[rate] = score(end, "validation")
    print(f"{rule}: {found}", file=sys.stderr)
    return max(found, key=found.get)


def score(end, of):
    """What is to be large: an accuracy, or where there is none the loss with its sign changed."""
    accuracy = end[f"{of}_accuracy"]
    return -end[f"{of}_loss"] if accuracy is None else accuracy


def shown(end):
    """A test accuracy, or where there is none the loss."""
    accuracy = end["test_accuracy"]
    return f"{end['test_loss']:.2f}" if accuracy is None else f"{accuracy:.2%}"


def row(label, ends):
    tests = " / ".join(shown(end) for end in ends)
    seconds = statistics.mean(end["seconds"] for end in ends)
    f = statistics.mean(end["value"] for end in ends)
    done = ends[0]["iterations"]
    products = statistics.mean(end.get("products") or 0 for end in ends)
    products = f"{products:.0f}" if products else "–"
    return f"| {label} | {tests} | {f:.4f} | {done} | {products} | {seconds:.0f} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("problem", choices=PROBLEMS)
    parser.add_argument("--data", help="the folder of the data; the digits need none")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--trainers", default="newton,sgd,adam")
    arguments = parser.parse_args()
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    problem = PROBLEMS[arguments.problem]
    options = problem["options"] + (["--data", arguments.data] if arguments.data else [])
    seeds = arguments.seeds.split(",")
    rows = []
    for trainer in arguments.trainers.split(","):
        if trainer == "newton":
            label, given = "Newton", problem["newton"]
        else:
            epochs = problem["epochs"]
            best = rate(arguments.problem, options, trainer, problem.get("tuning", epochs))
            label = f"{trainer}, rate {best}"
            given = ["--optimizer", trainer, "--learning-rate", best, "--epochs", str(epochs)]
        name = f"{arguments.problem}-{trainer}"
        rows.append(row(label, [train(name, options + given, seed) for seed in seeds]))
    print(f"| | test accuracy or loss (seeds {', '.join(seeds)}) | f | iterations or epochs | products | s |")
    print("| --- | --- | --- | --- | --- | --- |")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
