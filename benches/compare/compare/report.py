"""From saved results to docs/speed.md: tables into the places of speed.template.md, and plots."""

from pathlib import Path

from compare import svg
from compare.environment import FOLDER
from compare.tables import (agreement, forms, hardware, memory, others_win, ratios, share,
                            speedup, times)
from compare.workloads import DESCRIPTIONS


def merge(all_results):
    """The later results over the earlier, cell by cell and column by column; the best ceiling."""
    merged = {}
    for results in all_results:
        for key, value in results.items():
            if key == "cells":
                for cell, by_threads in value.items():
                    for threads, columns in by_threads.items():
                        place = merged.setdefault("cells", {}).setdefault(cell, {})
                        place.setdefault(threads, {}).update(columns)
            elif key == "ceiling":
                for threads, found in value.items():
                    place = merged.setdefault("ceiling", {}).setdefault(threads, {})
                    for dtype, flops in found.items():
                        place[dtype] = max(place.get(dtype, 0.0), flops)
            elif isinstance(value, dict):
                merged.setdefault(key, {}).update(value)
            else:
                merged[key] = value
    merged["runs"] = all_results
    return merged


def thread_counts(results):
    counts = {threads for by_threads in results["cells"].values() for threads in by_threads}
    return sorted(counts, key=int, reverse=True)


def named(threads):
    return {"1": "One thread", "2": "Two threads"}.get(threads, f"{threads} threads")


def summary(results):
    """What a run prints at its end."""
    parts = []
    for threads in thread_counts(results):
        parts += [f"\n{named(threads)}, ms", times(results, threads), "", ratios(results, threads)]
    return "\n".join(parts)


def write(results, root, page):
    docs = Path(root) / "docs"
    text = (FOLDER / "speed.template.md").read_text()
    parts = {
        "workloads": "\n".join(f"- **{cell}**: {what}." for cell, what in DESCRIPTIONS.items()),
        "hardware": hardware(results),
        "ratios": "\n\n".join(f"{named(t)}:\n\n{ratios(results, t)}"
                              for t in thread_counts(results)),
        "times": "\n\n".join(f"### {named(t)}, milliseconds\n\n{times(results, t)}"
                             for t in thread_counts(results)),
        "others_win": others_win(results),
        "share": share(results),
        "speedup": speedup(results),
        "memory": memory(results),
        "scaling": scaling(results, docs / page),
        "agreement": agreement(results),
        "forms": forms(results),
    }
    for name, part in parts.items():
        text = text.replace("{{" + name + "}}", part or "Not measured in this run.")
    docs.mkdir(exist_ok=True)
    (docs / page).write_text(text)
    print(f"wrote docs/{page}")


def scaling(results, page):
    """Plots, beside the page and named as it is, and a table of what was fitted."""
    series = results.get("scaling")
    if not series:
        return ""
    def points(name, x):
        return [(p[x], 1e3 * p["seconds"]) for p in series[name]]

    batch = [("W1", points("W1, batch", "batch")), ("W2", points("W2, batch", "batch"))]
    size = [("MLP", points("MLP, parameters", "parameters"))]
    links = []
    for what, title, label, lines in [
            ("batch", "G v over the batch", "examples", batch),
            ("parameters", "G v over the number of parameters", "parameters", size)]:
        file = page.with_name(f"{page.stem}-{what}.svg")
        file.write_text(svg.plot(title, label, lines))
        links.append(f"![{title}]({file.name})")
    rows = ["| | smallest | largest | fit, ms | largest deviation | exponent |", "|---|" + "---|" * 5]
    for name, line, unit in [("W1, batch", batch[0][1], "example"),
                             ("W2, batch", batch[1][1], "example"),
                             ("MLP 784-w-w-10, batch 256", size[0][1], "1,000 parameters")]:
        a, b, exponent = svg.line_fit(*zip(*line))
        deviation = max(abs(y / (a + b * x) - 1) for x, y in line)
        (x0, y0), (x1, y1) = line[0], line[-1]
        per = 1000 if unit.startswith("1,000") else 1
        rows.append(f"| {name} | {x0:,}: {y0:.3g} ms | {x1:,}: {y1:.3g} ms | {a:.3g} + {b * per:.3g} "
                    f"per {unit} | {100 * deviation:.0f} % | {exponent:.2f} |")
    return "\n".join([*links, "", *rows])
