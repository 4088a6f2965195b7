"""Makes `strided.json` and `strided.npz`: the reference's algorithm, in PyTorch and double precision.

    python3 tests/traces/make.py            # needs torch and numpy

A network that the recorded traces do not have: three channels, a stride, no pooling behind the first
convolution, several dense layers, an image that is not square. Everything here is computed by
PyTorch's own derivatives; nothing is taken from this project but the order of the numbers in theta.
"""

import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from torch.func import jvp, vjp

torch.set_default_dtype(torch.float64)
NET = dict(H=11, W=8, ch=[3, 4, 6], k=[3, 3], pad=[1, 0], stride=[2, 1], pool=[1, 2], dense=[9, 7, 4])
EXAMPLES, VALIDATION, SUBSET, ITERATIONS, C = 60, 30, 25, 7, 60.0
OPTIONS = dict(xi=0.03, CGmax=6, drop=2 / 3, boost=3 / 2, eta=1e-4)
OPTIONS["lambda"] = 1e-3
random = np.random.default_rng(7)


def size(height, width):
    for k, pad, stride, pool in zip(NET["k"], NET["pad"], NET["stride"], NET["pool"]):
        height = ((height + 2 * pad - k) // stride + 1) // pool
        width = ((width + 2 * pad - k) // stride + 1) // pool
    return height, width


def shapes():
    """Per layer the weight, [kh, kw, in, out] or [in, out], then the bias."""
    for k, a, b in zip(NET["k"], NET["ch"], NET["ch"][1:]):
        yield [k, k, a, b]
        yield [b]
    height, width = size(NET["H"], NET["W"])
    a = height * width * NET["ch"][-1]
    for b in NET["dense"]:
        yield [a, b]
        yield [b]
        a = b


def network(theta, x):
    parts = iter(torch.split(theta, [math.prod(s) for s in shapes()]))
    parts = iter([part.reshape(s) for part, s in zip(parts, shapes())])
    z = x.permute(0, 3, 1, 2)
    for pad, stride, pool in zip(NET["pad"], NET["stride"], NET["pool"]):
        weight, bias = next(parts), next(parts)
        z = F.relu(F.conv2d(z, weight.permute(3, 2, 0, 1), bias, stride, pad))
        if pool > 1:
            z = F.max_pool2d(z, pool)
    z = z.permute(0, 2, 3, 1).flatten(1)
    for i in range(len(NET["dense"])):
        weight, bias = next(parts), next(parts)
        z = (F.relu(z) if i else z) @ weight + bias
    return z


def data(count):
    """Blobs of colour whose place says the class, with noise."""
    y = random.integers(0, NET["dense"][-1], count)
    x = 0.5 * random.standard_normal((count, NET["H"], NET["W"], NET["ch"][0]))
    for i, label in enumerate(y):
        top, left = 5 * (label // 2) + 1, 4 * (label % 2)
        x[i, top : top + 4, left : left + 4, label % 3] += 1.5
    return torch.tensor(x), torch.tensor(y)


def main():
    (x, y), (x_val, y_val) = data(EXAMPLES), data(VALIDATION)
    one_hot = F.one_hot(y, NET["dense"][-1]).double()
    fans = [math.prod(s[:-1]) for s in shapes()]
    theta = [
        math.sqrt(2 / fan) * random.standard_normal(s) if len(s) > 1 else np.zeros(s)
        for fan, s in zip(fans, shapes())
    ]
    theta = torch.tensor(np.concatenate([part.ravel() for part in theta]))
    n = len(theta)

    def value(theta):
        return theta @ theta / (2 * C) + ((network(theta, x) - one_hot) ** 2).sum() / EXAMPLES

    def gradient(theta):
        theta = theta.clone().requires_grad_()
        (g,) = torch.autograd.grad(value(theta), theta)
        return g

    def accuracy(theta, x, y):
        return float((network(theta, x).argmax(1) == y).double().mean())

    def products(theta, rows, v):
        """z, J v and the sum of J^T 2 J v over these examples."""
        z, jv = jvp(lambda t: network(t, x[rows]), (theta,), (v,))
        _, pull = vjp(lambda t: network(t, x[rows]), theta)
        return z, jv, pull(2 * jv)[0]

    blocks = math.ceil(EXAMPLES / SUBSET)
    subsets = []
    while len(subsets) < ITERATIONS:
        order = random.permutation(EXAMPLES)
        order = np.concatenate([order, order])[: blocks * SUBSET]
        subsets += list(order.reshape(blocks, SUBSET))
    subsets = np.array(subsets[:ITERATIONS])

    lam = OPTIONS["lambda"]
    v = torch.tensor(random.standard_normal(n))
    z, jv, jtbjv = products(theta, subsets[0], v)
    gv = (lam + 1 / C) * v + jtbjv / SUBSET
    f, g = float(value(theta)), gradient(theta)
    arrays = dict(X=x, y=y, X_val=x_val, y_val=y_val, theta0=theta, gradient0=g, v=v)
    arrays.update(JtBJv=jtbjv, Gv=gv, Jv=jv, z=z)
    trace = dict(network=NET, n=n, l=EXAMPLES, C=C, options=OPTIONS, f0=f, gradient_norm0=float(g.norm()))
    trace.update(train_accuracy0=accuracy(theta, x, y), validation_accuracy0=accuracy(theta, x_val, y_val))
    trace.update(fixed_v=dict(vGv=float(v @ gv), lambda_=lam), iterations=[])
    kept = dict(d=[], theta=[], gradient=[])
    for rows in subsets:
        d, r = torch.zeros(n), -g
        p, rr, count = r, float(r @ r), 0
        while count < OPTIONS["CGmax"] and (count == 0 or rr**0.5 > OPTIONS["xi"] * float(g.norm())):
            q = (lam + 1 / C) * p + products(theta, rows, p)[2] / SUBSET
            step = rr / float(p @ q)
            d, r = d + step * p, r - step * q
            new = float(r @ r)
            p, rr, count = r + new / rr * p, new, count + 1
        gs, sgs = float(g @ d), float(d @ (-g - r - lam * d))
        alpha, trials = 1.0, []
        while True:
            trials.append(dict(alpha=alpha, f=float(value(theta + alpha * d))))
            if trials[-1]["f"] - f <= OPTIONS["eta"] * alpha * gs:
                break
            alpha /= 2
        ratio = (trials[-1]["f"] - f) / (alpha * gs + 0.5 * alpha**2 * sgs)
        after = lam * (OPTIONS["boost"] if ratio < 0.25 else OPTIONS["drop"] if ratio >= 0.75 else 1)
        entry = dict(f_start=f, gnorm_start=float(g.norm()), lambda_used=lam, CG=dict(iters=count))
        entry.update(gs=gs, sGs=sgs, line_search=trials, alpha=alpha, ratio=ratio, lambda_after=after)
        theta, lam, f = theta + alpha * d, after, trials[-1]["f"]
        g = gradient(theta)
        entry.update(f_end=f, gnorm_end=float(g.norm()))
        entry.update(train_acc=accuracy(theta, x, y), val_acc=accuracy(theta, x_val, y_val))
        trace["iterations"].append(entry)
        for key, what in [("d", d), ("theta", theta), ("gradient", g)]:
            kept[key].append(what.numpy())
        print(count, alpha, f"{f:.6f} {float(g.norm()):.3e} {ratio:.3f} {entry['val_acc']:.3f}")
    folder = pathlib.Path(__file__).parent
    (folder / "strided.json").write_text(json.dumps(trace, indent=1) + "\n")
    arrays = {key: what.numpy() for key, what in arrays.items()}
    np.savez_compressed(folder / "strided.npz", **arrays, subsets=subsets, **kept)


main()
