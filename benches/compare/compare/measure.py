"""One cell: agreement, then the fastest form of each library, then rounds by turns."""

import time
from statistics import median

from compare import agreement
from compare.processes import LIBRARIES, Failed, Process
from compare.protocol import SAME_AS
from compare.workloads import WORKLOADS, generate, in_f64, with_batch

MEMORY_COLUMNS = ["fresh", "thirty", "product"]
SHORTLIST = 3
"""How many forms of a library are tried again with another number of threads."""


class Disagreement(Exception):
    """Osculant computes something else than the others: no time means anything then."""


def say(text):
    print(text, flush=True)


def measure_cell(cell, columns, threads, known, options):
    """Everything about one workload with this many threads: for each column, for each library.

    `known`: the same with another number of threads, if it was measured."""
    workload = WORKLOADS[cell]
    folder = options.data / cell
    generate(workload, folder, options.seed)
    reference = agreement.Reference(workload, folder, options.seed, threads)
    processes = {library: Process(library, threads, options.binary)
                 for library in options.libraries}
    found = {}
    try:
        for process in processes.values():
            process.load(folder)
        for column in columns:
            found[column] = measure_column(cell, column, processes, reference,
                                           known.get(column, {}), options)
            reference.forget(SAME_AS.get(column, column))
    finally:
        reference.close()
        for process in processes.values():
            process.close()
    return found


def measure_column(cell, column, processes, reference, known, options):
    workload, folder = WORKLOADS[cell], options.data / cell
    file = reference.file(SAME_AS.get(column, column))
    if column in SAME_AS:
        processes = {"osculant": processes["osculant"]} if "osculant" in processes else {}
    best, entries = {}, {}
    for library, process in processes.items():
        names = shortlist(process, column, known.get(library, {}).get("forms", {}))
        forms = try_forms(process, column, names, workload, file, folder)
        entries[library] = {"forms": forms}
        usable = {name: form["pilot"] for name, form in forms.items() if "pilot" in form}
        if usable:
            best[library] = min(usable, key=usable.get)
        elif library == "osculant":
            raise Disagreement(f"{cell} {column}: {forms}")
    samples = {library: [] for library in best}
    order = list(best)
    for turn in range(options.rounds):
        # Another one begins each time.
        for library in order[turn % len(order):] + order[:turn % len(order)]:
            pilot = entries[library]["forms"][best[library]]["pilot"]
            # What one library's threads spin for after its turn is not the next one's.
            time.sleep(0.02)
            repeats = options.repeats if pilot < 0.5 else 1
            try:
                answer = processes[library].ask("time", column=column, candidate=best[library],
                                                repeats=repeats)
                samples[library] += answer["seconds"]
            except Failed as failure:
                say(f"  {column}: {library}, {best[library]}: {failure}")
    samples = {library: seconds for library, seconds in samples.items() if seconds}
    for library, seconds in samples.items():
        processes[library].ask("release")
        entries[library] |= {"form": best[library], "seconds": seconds,
                             "median": median(seconds)}
    say(f"  {column:12}" + "".join(
        f"{LIBRARIES[library]} {1e3 * entries[library]['median']:.4g}  " for library in samples))
    return entries


def shortlist(process, column, known):
    """The forms to try: the fastest ones, if it is known which these are."""
    names = process.ask("candidates", column=column)["candidates"]
    usable = [name for name in names if "pilot" in known.get(name, {})]
    return sorted(usable, key=lambda name: known[name]["pilot"])[:SHORTLIST] or names


def try_forms(process, column, names, workload, file, folder):
    """Distance to the reference and a first time for each of these forms of a library."""
    forms = {}
    for name in names:
        form = forms[name] = {}
        try:
            form["distance"] = agreement.check(process, column, name, workload.numpy_type, file,
                                               folder)
            if not form["distance"] <= workload.tolerance:
                form["failure"] = f"{form['distance']:.1e} from the reference"
                say(f"  {column}: {process.library}, {name}: {form['failure']}")
                continue
            # 30 products are a mean already.
            repeats = 1 if column == "thirty" else 2
            seconds = process.ask("time", column=column, candidate=name,
                                  repeats=repeats)["seconds"]
            form["pilot"] = min(seconds)
            process.ask("release")
        except Failed as failure:
            form["failure"] = str(failure)
            say(f"  {column}: {process.library}, {name}: {failure}")
    return forms


def check_in_f64(cell, columns, options):
    """The same workload in f64: the largest distance of each library over columns and forms."""
    workload, folder = in_f64(WORKLOADS[cell]), options.data / cell
    threads = max(options.threads)
    reference = agreement.Reference(workload, folder, options.seed, threads)
    largest = {}
    for library in options.libraries:
        with Process(library, threads, options.binary) as process:
            process.load(folder / "f64")
            forms = [(column, form) for column in columns
                     for form in process.ask("candidates", column=column)["candidates"]]
            for column, form in forms:
                try:
                    same = reference.file(SAME_AS.get(column, column))
                    distance = agreement.check(process, column, form, "<f8", same, folder)
                    process.ask("release")
                except Failed as failure:
                    say(f"  f64 {column}: {library}, {form}: {failure}")
                    continue
                if not distance <= workload.tolerance:
                    message = f"{cell} in f64, {column}: {library}, {form}: {distance:.1e}"
                    raise Disagreement(message)
                largest[library] = max(largest.get(library, 0.0), distance)
    reference.close()
    say(f"  {cell} in f64: {largest}")
    return largest


def peak_memory(cell, columns, threads, found, options):
    """Bytes above those before, in a process of its own for each column and library."""
    folder, bytes = options.data / cell, {}
    generate(WORKLOADS[cell], folder, options.seed)
    # The others run once beforehand and give back what they can. Osculant keeps its buffers for
    # the next product, so it runs beforehand on another workload, whose buffers are no use here.
    small = options.data / "small"
    generate(with_batch(WORKLOADS[cell], 1), small, options.seed)
    for column in columns:
        for library, entry in found[column].items():
            if column not in MEMORY_COLUMNS or "form" not in entry:
                continue
            try:
                with Process(library, threads, options.binary) as process:
                    if library == "osculant":
                        process.load(small)
                        process.ask("time", column=column, repeats=1)
                    process.load(folder)
                    process.ask("candidates", column=column)
                    answer = process.ask("memory", column=column, candidate=entry["form"])
                bytes.setdefault(column, {})[library] = answer["bytes"]
            except Failed as failure:
                say(f"  memory of {column}: {library}: {failure}")
    say(f"  memory: {bytes}")
    return bytes


def ceiling(threads, repeats=20):
    """Floating-point operations per second of a product of matrices, 1024³: the best of any."""
    best = {}
    for library in ("torch", "jax"):
        for dtype in ("f32", "f64"):
            with Process(library, threads, None) as process:
                seconds = min(process.ask("ceiling", dtype=dtype, repeats=repeats)["seconds"])
                best[dtype] = max(best.get(dtype, 0.0), 2 * 1024 ** 3 / seconds)
    return best


def scaling(threads, options):
    """Osculant's bare product over the batch, and over the number of parameters."""
    from compare.workloads import mlp, product_flop, walk
    import math

    def time_of(workload, name):
        folder = options.data / f"scaling-{name}"
        generate(workload, folder, options.seed, vectors=1)
        with Process("osculant", threads, options.binary) as process:
            process.load(folder)
            seconds = [s for _ in range(options.rounds) for s in process.ask(
                "time", column="product", candidate="default", repeats=options.repeats)["seconds"]]
        n = sum(math.prod(shape) for _, shape in walk(workload)[0])
        point = {"batch": workload.batch, "parameters": n, "seconds": median(seconds),
                 "flop": product_flop(workload)}
        say(f"  {name}: batch {workload.batch}, {n} parameters, {1e3 * point['seconds']:.3g} ms")
        return point

    series = {}
    for cell in ("W1", "W2"):
        series[f"{cell}, batch"] = [time_of(with_batch(WORKLOADS[cell], batch), cell)
                                    for batch in (32, 64, 128, 256, 512, 1024, 2048, 4096)]
    series["MLP, parameters"] = [
        time_of(mlp((width, width, 10), 784, "softmax", 256), "mlp")
        for width in (64, 128, 256, 512, 1024, 2048)]
    return series
