"""A plot of times over sizes, both axes logarithmic, with a straight line fitted in each series."""

import math

COLOURS = ["#1b4b82", "#c2410c", "#3f7d20"]
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 640, 340, 64, 34, 24, 52


def line_fit(xs, ys):
    """a and b of y ≈ a + b x, each point weighted by 1/y², so that small ones count as well, and
    the exponent of x in a power law."""
    weights = [1 / y ** 2 for y in ys]
    s, sx = sum(weights), sum(w * x for w, x in zip(weights, xs))
    sy = sum(w * y for w, y in zip(weights, ys))
    sxx = sum(w * x * x for w, x in zip(weights, xs))
    sxy = sum(w * x * y for w, x, y in zip(weights, xs, ys))
    b = (s * sxy - sx * sy) / (s * sxx - sx * sx)
    lx, ly = [math.log(x) for x in xs], [math.log(y) for y in ys]
    mx, my = sum(lx) / len(lx), sum(ly) / len(ly)
    slope = sum((x - mx) * (y - my) for x, y in zip(lx, ly)) / sum((x - mx) ** 2 for x in lx)
    return (sy - b * sx) / s, b, slope


def ticks(low, high):
    """Powers of ten within the range, with their halves and doubles where there are few."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    marks = [m * 10.0 ** p for p in powers for m in (1, 2, 5)]
    marks = [m for m in marks if low <= m <= high]
    return marks if len(marks) <= 7 else [m for m in marks if f"{m:e}"[0] == "1"]


def number(x):
    """Small ones as they are, large ones to three digits."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if x >= max(size, 1e4):
            return f"{x / size:.3g}{unit}"
    return f"{x:g}"


def plot(title, x_label, series):
    """`series`: (name, [(x, milliseconds)])."""
    xs = [x for _, points in series for x, _ in points]
    ys = [y for _, points in series for _, y in points]
    x_low, x_high = min(xs) / 1.2, max(xs) * 1.2
    y_low, y_high = min(ys) / 1.4, max(ys) * 1.4

    def place(value, low, high, start, end):
        return start + math.log(value / low) / math.log(high / low) * (end - start)

    def at(x, y):
        return (place(x, x_low, x_high, LEFT, WIDTH - RIGHT),
                place(y, y_low, y_high, HEIGHT - BOTTOM, TOP))

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="Georgia, serif" font-size="13">',
           f"<title>{title}</title>",
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
           f'<text x="{LEFT}" y="20" font-size="15">{title}</text>']
    # The batches are powers of two; other sizes get decimal marks.
    x_marks = sorted(set(xs)) if len(set(xs)) <= 8 else ticks(x_low, x_high)
    for x in x_marks:
        px, _ = at(x, y_low)
        out += [f'<line x1="{px:.1f}" y1="{TOP}" x2="{px:.1f}" y2="{HEIGHT - BOTTOM}" '
                'stroke="#eee"/>',
                f'<text x="{px:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle" '
                f'fill="#444">{number(x)}</text>']
    for y in ticks(y_low, y_high):
        _, py = at(x_low, y)
        out += [f'<line x1="{LEFT}" y1="{py:.1f}" x2="{WIDTH - RIGHT}" y2="{py:.1f}" '
                'stroke="#eee"/>',
                f'<text x="{LEFT - 8}" y="{py + 4:.1f}" text-anchor="end" '
                f'fill="#444">{number(y)}</text>']
    out += [f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">'
            f"{x_label}</text>",
            f'<text transform="translate(16,{HEIGHT / 2}) rotate(-90)" text-anchor="middle">'
            "milliseconds</text>"]
    for k, (name, points) in enumerate(series):
        colour = COLOURS[k % len(COLOURS)]
        a, b, _ = line_fit(*zip(*points))
        first, last = min(points)[0], max(points)[0]
        line = [first * (last / first) ** (i / 40) for i in range(41)]
        path = " ".join("{:.1f},{:.1f}".format(*at(x, max(a + b * x, y_low))) for x in line)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5" '
                   'stroke-dasharray="6 4"/>')
        for x, y in points:
            px, py = at(x, y)
            out.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="4" fill="{colour}"/>')
        if len(series) > 1:
            px, py = at(*max(points))
            out.append(f'<text x="{px:.1f}" y="{py - 10:.1f}" text-anchor="end" '
                       f'fill="{colour}">{name}</text>')
    return "\n".join([*out, "</svg>", ""])
