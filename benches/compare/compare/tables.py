"""The tables of docs/speed.md, each from the results of a run."""

from compare.processes import LIBRARIES
from compare.protocol import COLUMNS, SAME_AS
from compare.workloads import WORKLOADS, product_flop

TITLES = {
    "forward": "forward", "gradient": "gradient", "fresh": "G v, fresh",
    "thirty": "G v, 30 at one θ, each", "product": "the bare product",
    "block8": "G V, 8 vectors", "hessian": "H v", "per_example": "per-example gradients",
    "diagonal": "exact diagonal of G",
}
OTHERS = [library for library in LIBRARIES if library != "osculant"]


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def milliseconds(seconds):
    ms = 1e3 * seconds
    return f"{ms:,.0f}" if ms >= 100 else f"{ms:.3g}"


def columns_of(results):
    seen = {column for cell in results["cells"].values() for found in cell.values()
            for column in found}
    return [column for column in COLUMNS if column in seen and column not in SAME_AS]


def median_of(results, cell, threads, column, library):
    found = results["cells"].get(cell, {}).get(threads, {})
    return found.get(column, {}).get(library, {}).get("median")


def best_other(results, cell, threads, column):
    """(seconds, library) of the fastest other, or nothing."""
    times = [(median_of(results, cell, threads, column, library), library) for library in OTHERS]
    return min((pair for pair in times if pair[0] is not None), default=None)


def times(results, threads):
    """Milliseconds of every library; the fastest of each column in bold."""
    columns, rows = columns_of(results), []
    for cell in results["cells"]:
        if threads not in results["cells"][cell]:
            continue
        for library, name in LIBRARIES.items():
            line = []
            for column in columns:
                mine = median_of(results, cell, threads, column, library)
                other = best_other(results, cell, threads, column)
                ours = median_of(results, cell, threads, column, "osculant")
                fastest = min([t for t in (ours, other and other[0]) if t is not None],
                              default=None)
                text = "–" if mine is None else milliseconds(mine)
                line.append(f"**{text}**" if mine is not None and mine == fastest else text)
            if any(text != "–" for text in line):
                rows.append([f"{cell} {name}", *line])
    return table(["", *[TITLES[column] for column in columns]], rows)


def ratio(results, cell, counts, column):
    """The best other's time over Osculant's, each at the best of these thread counts."""
    ours = [median_of(results, cell, threads, column, "osculant") for threads in counts]
    others = [best_other(results, cell, threads, column) for threads in counts]
    ours, others = [t for t in ours if t is not None], [pair for pair in others if pair]
    if not ours or not others:
        return "–"
    seconds, library = min(others)
    return f"{seconds / min(ours):.2f} {LIBRARIES[library]}"


def ratios(results, threads):
    columns, rows = columns_of(results), []
    for cell, by_threads in results["cells"].items():
        if threads in by_threads:
            rows.append([cell, *[ratio(results, cell, [threads], c) for c in columns]])
    by_threads = results["cells"].get("W4", {})
    if len(by_threads) > 1 and threads == max(by_threads, key=int):
        best = [ratio(results, "W4", list(by_threads), column) for column in columns]
        rows.append(["W4, everyone's better thread count", *best])
    return table(["", *[TITLES[column] for column in columns]], rows)


def others_win(results):
    """Every place where another library is faster, in one line each."""
    lines = []
    for cell, by_threads in results["cells"].items():
        for threads in sorted(by_threads, key=int, reverse=True):
            for column in columns_of(results):
                ours = median_of(results, cell, threads, column, "osculant")
                other = best_other(results, cell, threads, column)
                if ours is None or other is None or other[0] >= ours:
                    continue
                form = by_threads[threads][column][other[1]]["form"]
                lines.append(f"- {cell}, {TITLES[column]}, threads: {threads}. "
                             f"{LIBRARIES[other[1]]} ({form}) takes {milliseconds(other[0])} ms, "
                             f"Osculant {milliseconds(ours)}.")
    return "\n".join(lines) or "Nowhere in this run."


def hardware(results):
    versions = results["versions"]
    pins = ", ".join(f"{name} {version}" for name, version in versions.items() if name != "commit")
    lines = [f"- Date: {results['date']}.", f"- Processor: {results['processor']}.",
             f"- Versions: {pins}."]
    for run in results.get("runs", [results]):
        lines.append(f"- Measured by `{run['command']}` at commit {run['versions']['commit']}: medians "
                     f"of {run['rounds']} turns of {run['repeats']} samples.")
    for threads, ceiling in results.get("ceiling", {}).items():
        speeds = ", ".join(f"{flops / 1e9:.0f} GFLOP/s in {dtype}"
                           for dtype, flops in sorted(ceiling.items()))
        lines.append(f"- The ceiling (a 1024³ product of matrices, best of PyTorch and JAX, "
                     f"threads: {threads}): {speeds}.")
    return "\n".join(lines)


def share(results):
    """What the bare product would need at the ceiling by dense sweeps, over what it takes."""
    rows = []
    for cell, by_threads in results["cells"].items():
        for threads in sorted(by_threads, key=int, reverse=True):
            ceiling = results["ceiling"].get(threads, {}).get(WORKLOADS[cell].dtype)
            ours = median_of(results, cell, threads, "product", "osculant")
            dense = median_of(results, cell, threads, "dense_sweep", "osculant")
            other = best_other(results, cell, threads, "product")
            if not ceiling or ours is None:
                continue
            flop = product_flop(WORKLOADS[cell])
            size = f"{flop / 1e9:.2f} GFLOP" if flop > 1e8 else f"{flop / 1e6:.2f} MFLOP"
            least = flop / ceiling
            others = f"{100 * least / other[0]:.0f} % {LIBRARIES[other[1]]}" if other else "–"
            plain = [milliseconds(dense), f"{100 * least / dense:.0f} %"] if dense else ["–", "–"]
            rows.append([cell, threads, size, milliseconds(least), *plain, milliseconds(ours),
                         f"{100 * least / ours:.0f} %", others])
    head = ["", "threads", "dense work", "at the ceiling, ms", "dense sweeps, ms", "share",
            "Osculant, ms", "share", "best other's share"]
    return table(head, rows) if rows else ""


def speedup(results):
    """Osculant's time on one thread over that on more."""
    columns, rows = columns_of(results), []
    for cell, by_threads in results["cells"].items():
        counts = sorted(by_threads, key=int)
        for more in counts[1:] if counts[:1] == ["1"] else []:
            line = []
            for column in columns:
                one, many = (median_of(results, cell, t, column, "osculant") for t in ("1", more))
                line.append(f"{one / many:.2f}" if one and many else "–")
            rows.append([f"{cell}, {more} threads", *line])
    return table(["", *[TITLES[column] for column in columns]], rows) if rows else ""


def memory(results):
    rows = []
    for cell, by_column in results.get("memory", {}).items():
        for column, peaks in by_column.items():
            sizes = [f"{peaks[library] / 1e6:,.1f}" if library in peaks else "–"
                     for library in LIBRARIES]
            others = [peaks[library] for library in OTHERS if library in peaks]
            part = f"{peaks['osculant'] / min(others):.2f}" \
                if others and "osculant" in peaks and min(others) else "–"
            rows.append([cell, TITLES[column], *sizes, part])
    head = ["MB", "", *LIBRARIES.values(), "Osculant / least other"]
    return table(head, rows) if rows else ""


def agreement(results):
    """The largest distance from the reference of what was timed."""
    rows = []
    for cell, by_threads in results["cells"].items():
        largest = {}
        for found in by_threads.values():
            for entries in found.values():
                for library, entry in entries.items():
                    if "form" in entry:
                        distance = entry["forms"][entry["form"]]["distance"]
                        largest[library] = max(largest.get(library, 0.0), distance)
        name = f"{cell}, {WORKLOADS[cell].dtype}, bound {WORKLOADS[cell].tolerance:g}"
        rows.append([name, *[f"{largest[x]:.1e}" if x in largest else "–" for x in LIBRARIES]])
        if in_f64 := results.get("f64", {}).get(cell):
            rows.append([f"{cell}, f64, bound 1e-09",
                         *[f"{in_f64[x]:.1e}" if x in in_f64 else "–" for x in LIBRARIES]])
    return table(["", *LIBRARIES.values()], rows)


def forms(results):
    """The form of each library that was the fastest, and what failed."""
    rows, failures = [], []
    for cell, by_threads in results["cells"].items():
        for threads in sorted(by_threads, key=int, reverse=True):
            for column in columns_of(results):
                entries = by_threads[threads].get(column, {})
                rows.append([cell, threads, TITLES[column],
                             *[entries.get(x, {}).get("form", "–") for x in OTHERS]])
                for library, entry in entries.items():
                    failures += [f"- {cell}, {TITLES[column]}, {LIBRARIES[library]}, {name}: "
                                 f"{form['failure']}."
                                 for name, form in entry["forms"].items() if "failure" in form]
    head = ["", "threads", "", *[LIBRARIES[library] for library in OTHERS]]
    text = table(head, rows)
    if failures:
        text += "\n\nLeft out:\n\n" + "\n".join(sorted(set(failures)))
    return text
