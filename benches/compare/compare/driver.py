"""The comparison, from the command line: measures, saves what it found, writes the page."""

import argparse
import json
import shlex
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

from compare import machine, measure, report
from compare.environment import FOLDER
from compare.processes import LIBRARIES, Process
from compare.protocol import COLUMNS
from compare.workloads import WORKLOADS

ROOT = FOLDER.parent.parent
RESULTS = FOLDER / "results"


def arguments():
    def among(names):
        def parse(text):
            chosen = text.split(",")
            if wrong := [name for name in chosen if name not in names]:
                raise argparse.ArgumentTypeError(f"{wrong}: choose among {', '.join(names)}")
            return chosen
        return parse

    def counts(text):
        return [int(count) for count in text.split(",")]

    parser = argparse.ArgumentParser(
        prog="run.py", description="Osculant beside JAX, PyTorch, BackPACK and curvlinops.")
    parser.add_argument("--cells", type=among(list(WORKLOADS)), default=list(WORKLOADS))
    parser.add_argument("--columns", type=among(COLUMNS), default=COLUMNS)
    parser.add_argument("--libraries", type=among(list(LIBRARIES)), default=list(LIBRARIES))
    parser.add_argument("--threads", type=counts, default=[2, 1], help="2,1 unless told otherwise")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each library per column")
    parser.add_argument("--repeats", type=int, default=3, help="samples per turn")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--skip", type=among(["f64", "memory", "scaling"]), default=[],
                        help="parts to leave out: f64, memory, scaling")
    parser.add_argument("--only", choices=["scaling"], help="nothing but the scaling study")
    parser.add_argument("--page", action="store_true",
                        help="write docs/speed.md from a subset too")
    parser.add_argument("--render", type=Path, nargs="+", metavar="JSON",
                        help="write docs/speed.md from saved results, the later over the earlier")
    parser.add_argument("--to", metavar="NAME", default="speed.md",
                        help="write another page of docs/ than speed.md, for another machine")
    return parser.parse_args()


def build():
    """Osculant's worker, in release; the path of the program."""
    command = ["cargo", "build", "--release", "-p", "osculant-compare",
               "--message-format=json-render-diagnostics"]
    out = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    messages = [json.loads(line) for line in out.splitlines()]
    programs = [m["executable"] for m in messages if m.get("executable")]
    return Path(programs[-1])


def versions(options):
    found = {}
    for library in options.libraries:
        with Process(library, 1, options.binary) as process:
            found |= process.ask("versions")
    revision = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT,
                              capture_output=True, text=True)
    found["commit"] = revision.stdout.strip()
    rustc = subprocess.run(["rustc", "--version"], cwd=ROOT, capture_output=True, text=True)
    found["rustc"] = rustc.stdout.split()[1] if rustc.stdout else "unknown"
    return found | {"python": sys.version.split()[0]}


def run(options):
    now = datetime.now(timezone.utc)
    options.data = RESULTS / "data"
    options.binary = build()
    file = RESULTS / f"{now:%Y-%m-%d-%H%M%S}.json"
    results = {
        "date": f"{now:%Y-%m-%d}", "processor": machine.processor(),
        "command": shlex.join(["python3", "benches/compare/run.py", *sys.argv[1:]]),
        "rounds": options.rounds, "repeats": options.repeats, "seed": options.seed,
        "versions": versions(options), "ceiling": {}, "cells": {}, "memory": {}, "f64": {},
    }

    def save():
        RESULTS.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(results))

    def note_ceiling(threads):
        ceiling = results["ceiling"].setdefault(str(threads), {})
        for dtype, flops in measure.ceiling(threads).items():
            ceiling[dtype] = max(ceiling.get(dtype, 0.0), flops)

    cells = [] if options.only else options.cells
    for threads in options.threads:
        note_ceiling(threads)
        for cell in cells:
            measure.say(f"{cell}, {threads} threads, ms")
            by_threads = results["cells"].setdefault(cell, {})
            known = next(iter(by_threads.values()), {})
            found = measure.measure_cell(cell, options.columns, threads, known, options)
            by_threads[str(threads)] = found
            save()
            if threads == max(options.threads):
                if "memory" not in options.skip:
                    results["memory"][cell] = measure.peak_memory(
                        cell, options.columns, threads, found, options)
                if "f64" not in options.skip and WORKLOADS[cell].tolerance > 1e-5:
                    results["f64"][cell] = measure.check_in_f64(cell, options.columns, options)
                save()
        note_ceiling(threads)
    if "scaling" not in options.skip:
        measure.say("scaling")
        results["scaling"] = measure.scaling(max(options.threads), options)
    save()
    measure.say(f"saved {file.relative_to(ROOT)}")
    return results


def whole(options):
    return (options.cells == list(WORKLOADS) and options.columns == COLUMNS
            and options.libraries == list(LIBRARIES) and not options.skip and not options.only)


def main():
    options = arguments()
    if options.render:
        results = report.merge([json.loads(file.read_text()) for file in options.render])
        report.write(results, ROOT, options.to)
        return
    results = run(options)
    print(report.summary(results))
    if whole(options) or options.page:
        report.write(results, ROOT, options.to)


if __name__ == "__main__":
    main()
