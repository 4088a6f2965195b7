"""PyTorch: autograd, forward mode, torch.func; the driver takes the fastest form."""

import torch
import torch.autograd.forward_ad as forward_mode
from torch.autograd import grad
from torch.func import jvp, linearize, vjp, vmap

from compare.protocol import THIRTY, Form, serve
from compare.torch_base import TorchWorker


def duals_over_autograd(net, point, v):
    """One recorded graph, with forward-mode duals on top."""
    leaves = net.leaves(point)
    with forward_mode.dual_level():
        duals = [forward_mode.make_dual(p, t) for p, t in zip(leaves, v)]
        z, dz = forward_mode.unpack_dual(net.z(duals))
        u = net.b(z.detach(), dz.detach())
    return grad(z, leaves, u)


def func_jvp_vjp(net, point, v):
    z, dz = jvp(lambda *p: net.z(p), tuple(point), tuple(v))
    _, pull = vjp(lambda *p: net.z(p), *point)
    return pull(net.b(z, dz))


def double_backward(net, point, v):
    return DoubleBackward(net, point)(v)


class Linearized:
    """torch.func.linearize, and a graph retained for vjps."""

    def __init__(self, net, point):
        self.net, self.leaves = net, net.leaves(point)
        self.z = net.z(self.leaves)
        with torch.no_grad():
            _, self.jvp = linearize(lambda *p: net.z(p), *[p.detach() for p in point])

    def tangent(self, v):
        with torch.no_grad():
            return self.jvp(*v)

    def __call__(self, v):
        u = self.net.b(self.z.detach(), self.tangent(v))
        return grad(self.z, self.leaves, u, retain_graph=True)

    def block(self, stacked):
        """Vectors on a first axis."""
        with torch.no_grad():
            dz = vmap(lambda *v: self.jvp(*v))(*stacked)
            u = vmap(lambda dz: self.net.b(self.z.detach(), dz))(dz)
        return grad(self.z, self.leaves, u, retain_graph=True, is_grads_batched=True)


class Duals(Linearized):
    """A forward pass with duals for every jvp, and a graph retained for vjps."""

    def __init__(self, net, point):
        self.net, self.leaves = net, net.leaves(point)
        self.z = net.z(self.leaves)
        self.point = point

    def tangent(self, v):
        with torch.no_grad(), forward_mode.dual_level():
            duals = [forward_mode.make_dual(p, t) for p, t in zip(self.point, v)]
            return forward_mode.unpack_dual(self.net.z(duals)).tangent


class DoubleBackward(Linearized):
    """J v as the derivative of Jᵀw by w, both graphs retained."""

    def __init__(self, net, point):
        self.net, self.leaves = net, net.leaves(point)
        self.z = net.z(self.leaves)
        self.w = torch.zeros_like(self.z, requires_grad=True)
        self.pulled = grad(self.z, self.leaves, self.w, create_graph=True)

    def tangent(self, v):
        return grad(self.pulled, self.w, v, retain_graph=True)[0]


KEPT = {"linearize, retained vjp": Linearized, "duals, retained vjp": Duals,
        "double backward, retained": DoubleBackward}


class Hessian:
    """Reverse over reverse: the gradient's graph, retained."""

    def __init__(self, net, point):
        self.leaves = net.leaves(point)
        self.gradient = grad(net.loss(net.z(self.leaves)), self.leaves, create_graph=True)

    def __call__(self, v):
        return grad(self.gradient, self.leaves, v, retain_graph=True)


def hessian_forward_over_reverse(net, point, v):
    gradient = torch.func.grad(lambda p: net.loss(net.z(p)))
    return jvp(gradient, (tuple(point),), (tuple(v),))[1]


class Torch(TorchWorker):
    def forms_of(self, column, net):
        flat, batch = net.layout.to_flat, self.w.batch
        at = lambda kept: (lambda: kept(net, net.points[0]))

        def fresh(product):
            return Form(lambda points: product(net, next(points), net.vs[0]), flat, net.turns)

        match column:
            case "forward":
                def run(_):
                    with torch.inference_mode():
                        return net.z(net.points[0])
                return {"inference mode": Form(run, lambda z: z.numpy().ravel())}
            case "gradient":
                def run(points):
                    leaves = net.leaves(next(points))
                    loss = net.loss(net.z(leaves))
                    return loss, grad(loss, leaves)
                return {"autograd": Form(run, lambda out: flat(out[1]), net.turns)}
            case "fresh":
                return {"duals over autograd": fresh(duals_over_autograd),
                        "func jvp and vjp": fresh(func_jvp_vjp),
                        "double backward": fresh(double_backward)}
            case "thirty":
                def thirty(Kept):
                    def run(points):
                        product = Kept(net, next(points))
                        for i in range(THIRTY):
                            out = product(net.vs[i % len(net.vs)])
                        return out
                    return Form(run, flat, net.turns, THIRTY)
                return {name: thirty(Kept) for name, Kept in KEPT.items()}
            case "product":
                return {name: Form(lambda product: product(net.vs[0]), flat, at(Kept))
                        for name, Kept in KEPT.items()}
            case "block8":
                stacked = [torch.stack(parts) for parts in zip(*net.vs)]
                forms = {f"{name}, calls": Form(lambda product: [product(v) for v in net.vs],
                                                net.blocks, at(Kept))
                         for name, Kept in KEPT.items()}
                forms["linearize, retained vjp, vmap"] = Form(
                    lambda product: product.block(stacked), lambda out: flat(out, 1).ravel(),
                    at(Linearized))
                return forms
            case "hessian":
                # torch.func.linearize of a gradient ends the process (2.15.0).
                return {"double backward, retained": Form(
                            lambda product: product(net.vs[0]), flat, at(Hessian)),
                        "forward over reverse": fresh(hessian_forward_over_reverse)}
            case "per_example":
                def one(p, x, y):
                    return net.loss(net.z(p, x[None]), y[None])

                def run(points, chunk=None):
                    gradients = vmap(torch.func.grad(one), (None, 0, 0), chunk_size=chunk)
                    return gradients(tuple(next(points)), net.x, net.y)
                rows = lambda out: flat(out, 1).ravel()
                return {"vmap": Form(run, rows, net.turns),
                        "vmap by 16": Form(lambda points: run(points, 16), rows, net.turns)}
            case "diagonal":
                return {"vmap": self.diagonal(net)}
        return {}

    def diagonal(self, net):
        """1/l Σ_i Σ_c (Jᵀs_c)²: the gradients of all examples for one column of S at a time."""
        def along(p, x, s):
            return (net.z(p, x[None])[0] * s).sum()

        def run(points):
            point = tuple(next(points))
            with torch.no_grad():
                columns = net.factor(net.z(point))
            rows = vmap(torch.func.grad(along), (None, 0, 0))
            total = [torch.zeros_like(p) for p in point]
            for s in columns:
                for sum, row in zip(total, rows(point, net.x, s)):
                    sum += (row * row).sum(0)
            return [sum / self.w.batch for sum in total]
        return Form(run, net.layout.to_flat, net.turns)


if __name__ == "__main__":
    import sys
    worker = Torch()
    worker.threads = int(sys.argv[1])
    serve(worker)
