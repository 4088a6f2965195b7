"""JAX: everything jitted; the driver takes the fastest form."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from compare.jax_networks import LOSSES, network
from compare.protocol import THIRTY, Form, Worker, serve


class Jax(Worker):
    def versions(self):
        import jaxlib
        return {"jax": jax.__version__, "jaxlib": jaxlib.__version__}

    def load(self, workload):
        if workload.dtype == "f64":
            jax.config.update("jax_enable_x64", True)
        self.w = workload
        self.points = [self.put(theta) for theta in (workload.theta, workload.theta2)]
        self.vs = [self.put(v) for v in workload.vectors]
        self.stack = jax.tree.map(lambda *vs: jnp.stack(vs), *self.vs)
        self.x = jnp.asarray(workload.inputs)
        self.y = jnp.asarray(workload.targets.astype("i4") if workload.loss == "softmax"
                             else workload.targets)

    def put(self, flat):
        return [jnp.array(part) for part in self.w.split(flat)]

    def flat(self, parts, lead=0):
        shapes = [part.shape[:lead] + (-1,) for part in parts]
        return np.concatenate([np.asarray(part).reshape(shape)
                               for part, shape in zip(parts, shapes)], axis=lead)

    def forms(self, column):
        overlapping = any(layer[0] == "pool" and layer[1] != layer[2] for layer in self.w.layers)
        if not overlapping:
            return self.forms_of(column, "reduce_window")
        return {f"{name}, pool by {how}": form for how in ("reduce_window", "slices")
                for name, form in self.forms_of(column, how).items()}

    def forms_of(self, column, pooling):
        apply = network(self.w.layers, pooling)
        loss, curvature, factor = LOSSES[self.w.loss]
        x, y, batch = self.x, self.y, self.w.batch
        convolutional = len(self.w.manifest["input_shape"]) > 1
        jit = jax.jit

        def z(p, x):
            return apply(p, x)

        def f(p, x, y):
            return loss(apply(p, x), y).mean()

        def turns():
            return itertools.cycle(self.points)

        def fresh(product):
            product = jit(product)
            return Form(lambda points: jax.block_until_ready(
                product(next(points), self.vs[0], x)), self.flat, turns)

        # The linear map at a θ, kept: a pytree of arrays and one compiled function.
        def gauss_newton_at(p, x):
            z, jvp = jax.linearize(lambda p: apply(p, x), p)
            return z, jvp, jax.linear_transpose(jvp, p)

        def kept_product(kept, v):
            z, jvp, vjp = kept
            return vjp(curvature(z, jvp(v)) / batch)[0]

        def hessian_at(p, x, y):
            return jax.linearize(lambda p: jax.grad(f)(p, x, y), p)[1]

        def scanned(product, count):
            """Products one after the other within one compiled loop; the last is the result."""
            def run(kept, stack):
                def body(_, i):
                    v = jax.tree.map(lambda s: s[i % len(self.vs)], stack)
                    return product(kept, v), None
                zero = jax.tree.map(lambda s: jnp.zeros_like(s[0]), stack)
                return lax.scan(body, zero, jnp.arange(count))[0]
            return run

        def repeated(at, product, arguments):
            """A product at a kept linearization: by a call each, or in a scan."""
            prepare = jit(at)
            single, loop = jit(product), jit(scanned(product, THIRTY))
            kept = lambda: jax.block_until_ready(prepare(self.points[0], *arguments))
            first = (lambda out: self.flat(out))
            forms = {"linearize, jitted map": Form(
                lambda kept: jax.block_until_ready(single(kept, self.vs[0])), first, kept)}
            if not convolutional:
                # The scan ends with another vector; as a check of its first, it runs once.
                one = jit(scanned(product, 1))
                forms["linearize, scan"] = Form(
                    lambda kept: jax.block_until_ready(loop(kept, self.stack)),
                    lambda _: first(one(kept(), self.stack)), kept, THIRTY)
            return forms

        match column:
            case "forward":
                run = jit(z)
                return {"jit": Form(lambda _: jax.block_until_ready(run(self.points[0], x)),
                                    lambda out: np.asarray(out).ravel())}
            case "gradient":
                run = jit(jax.value_and_grad(f))
                return {"jit": Form(lambda points: jax.block_until_ready(run(next(points), x, y)),
                                    lambda out: self.flat(out[1]), turns)}
            case "fresh":
                def by_jvp(p, v, x):
                    z, dz = jax.jvp(lambda p: apply(p, x), (p,), (v,))
                    _, vjp = jax.vjp(lambda p: apply(p, x), p)
                    return vjp(curvature(z, dz) / batch)[0]
                return {"jvp and vjp": fresh(by_jvp),
                        "linearize": fresh(lambda p, v, x: kept_product(gauss_newton_at(p, x), v))}
            case "thirty":
                prepare, single = jit(gauss_newton_at), jit(kept_product)

                def run(points):
                    kept = prepare(next(points), x)
                    for i in range(THIRTY):
                        out = single(kept, self.vs[i % len(self.vs)])
                    return jax.block_until_ready(out)
                forms = {"linearize, jitted map": Form(run, self.flat, turns, THIRTY)}
                if not convolutional:
                    loop = scanned(kept_product, THIRTY)
                    whole = jit(lambda p, x, stack: loop(gauss_newton_at(p, x), stack))
                    forms["linearize, scan"] = Form(
                        lambda points: jax.block_until_ready(whole(next(points), x, self.stack)),
                        self.flat, turns, THIRTY)
                return forms
            case "product":
                return repeated(gauss_newton_at, kept_product, (x,))
            case "block8":
                prepare, single = jit(gauss_newton_at), jit(kept_product)
                mapped = jit(jax.vmap(kept_product, (None, 0)))
                looped = jit(lambda kept, vs: [kept_product(kept, v) for v in vs])
                kept = lambda: jax.block_until_ready(prepare(self.points[0], x))
                each = lambda outs: np.concatenate([self.flat(out) for out in outs])
                forms = {
                    "vmap": Form(lambda kept: jax.block_until_ready(mapped(kept, self.stack)),
                                 lambda out: self.flat(out, 1).ravel(), kept),
                    "calls": Form(lambda kept: jax.block_until_ready(
                        [single(kept, v) for v in self.vs]), each, kept),
                    "unrolled": Form(lambda kept: jax.block_until_ready(looped(kept, self.vs)),
                                     each, kept),
                }
                if not convolutional:
                    scan = jit(lambda kept, stack: lax.map(lambda v: kept_product(kept, v), stack))
                    forms["map"] = Form(lambda kept: jax.block_until_ready(scan(kept, self.stack)),
                                        lambda out: self.flat(out, 1).ravel(), kept)
                return forms
            case "hessian":
                forms = repeated(hessian_at, lambda kept, v: kept(v), (x, y))

                def forward_over_reverse(p, v, x):
                    return jax.jvp(lambda p: jax.grad(f)(p, x, y), (p,), (v,))[1]

                def reverse_over_reverse(p, v, x):
                    along = lambda p: sum(jnp.vdot(g, v) for g, v in
                                          zip(jax.grad(f)(p, x, y), v))
                    return jax.grad(along)(p)
                return forms | {"forward over reverse": fresh(forward_over_reverse),
                                "reverse over reverse": fresh(reverse_over_reverse)}
            case "per_example":
                def one(p, x, y):
                    return jax.grad(lambda p: f(p, x[None], y[None]))(p)
                mapped = jit(jax.vmap(one, (None, 0, 0)))
                scan = jit(lambda p, x, y: lax.map(lambda xy: one(p, *xy), (x, y)))
                form = lambda run: Form(
                    lambda points: jax.block_until_ready(run(next(points), x, y)),
                    lambda out: self.flat(out, 1).ravel(), turns)
                return {"vmap": form(mapped), "map": form(scan)}
            case "diagonal":
                return self.diagonals(apply, factor, turns)
        return {}

    def diagonals(self, apply, factor, turns):
        """1/l Σ_i Σ_c (Jᵀs_c)², by a reverse sweep for every example and column of S."""
        x, batch = self.x, self.w.batch

        def squares(p, x):
            z, vjp = jax.vjp(lambda p: apply(p, x[None]), p)
            rows = jax.vmap(lambda s: vjp(s)[0])(factor(z))
            return jax.tree.map(lambda r: (r * r).sum(0), rows)

        def over_examples(p, x, size):
            def body(acc, x):
                parts = jax.vmap(squares, (None, 0))(p, x)
                return jax.tree.map(lambda a, s: a + s.sum(0), acc, parts), None
            zero = jax.tree.map(jnp.zeros_like, p)
            acc, _ = lax.scan(body, zero, x.reshape(-1, size, *x.shape[1:]))
            return jax.tree.map(lambda a: a / batch, acc)

        # One column of S at a time, called from Python: never a scan around convolutions.
        columns = jax.jit(lambda p, x: list(factor(apply(p, x))))

        @jax.jit
        def add_column(acc, p, x, s):
            def along(p, x, s):
                return (apply(p, x[None])[0] * s).sum()
            rows = jax.vmap(jax.grad(along), (None, 0, 0))(p, x, s)
            return jax.tree.map(lambda a, r: a + (r * r).sum(0) / batch, acc, rows)

        def over_columns(points):
            p = next(points)
            acc = jax.tree.map(jnp.zeros_like, p)
            for s in columns(p, x):
                acc = add_column(acc, p, x, s)
            return jax.block_until_ready(acc)

        def form(run):
            run = jax.jit(run)
            return Form(lambda points: jax.block_until_ready(run(next(points), x)),
                        self.flat, turns)

        forms = {"column by column": Form(over_columns, self.flat, turns)}
        if len(x.shape) == 2:
            forms |= {"scan over examples": form(lambda p, x: over_examples(p, x, 1)),
                      "scan over 8 examples": form(lambda p, x: over_examples(p, x, 8))}
        if self.w.n * batch * self.w.outputs < 1e8:
            forms["vmap"] = form(lambda p, x: over_examples(p, x, batch))
        return forms

    def ceiling(self, dtype, repeats):
        if dtype == "f64":
            jax.config.update("jax_enable_x64", True)
        import time
        a = jnp.ones((1024, 1024), {"f32": jnp.float32, "f64": jnp.float64}[dtype])
        product = jax.jit(jnp.matmul)
        seconds = []
        for _ in range(repeats + 2):
            start = time.perf_counter()
            product(a, a).block_until_ready()
            seconds.append(time.perf_counter() - start)
        return seconds[2:]


if __name__ == "__main__":
    serve(Jax())
