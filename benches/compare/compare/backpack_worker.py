"""BackPACK: per-example gradients and exact diagonals by its extensions, products by R-op."""

import itertools
import sys

import torch
from backpack import backpack, extend
from backpack.custom_module.branching import Parallel
from backpack.extensions import BatchGrad, DiagGGNExact
from backpack.hessianfree.ggnvp import ggn_vector_product_from_plist
from backpack.hessianfree.hvp import hessian_vector_product
from torch import nn

from compare.protocol import THIRTY, Form, serve
from compare.torch_base import TorchWorker


class Recorded:
    """A graph at a θ, retained."""

    def __init__(self, net, point):
        self.leaves = net.leaves(point)
        self.z = net.z(self.leaves)
        self.loss = net.loss(self.z)

    def gauss_newton(self, v):
        out = ggn_vector_product_from_plist(self.loss, self.z, self.leaves, v)
        return [part.detach() for part in out]

    def hessian(self, v):
        return hessian_vector_product(self.loss, self.leaves, v)


class Backpack(TorchWorker):
    options = {"branches": Parallel, "identity": nn.Identity}

    def versions(self):
        from importlib.metadata import version
        return {"backpack-for-pytorch": version("backpack-for-pytorch")}

    def forms_of(self, column, net):
        flat = net.layout.to_flat
        kept = lambda: Recorded(net, net.points[0])

        def thirty(points):
            recorded = Recorded(net, next(points))
            for i in range(THIRTY):
                out = recorded.gauss_newton(net.vs[i % len(net.vs)])
            return out

        match column:
            case "fresh":
                run = lambda points: Recorded(net, next(points)).gauss_newton(net.vs[0])
                return {"R-op": Form(run, flat, net.turns)}
            case "thirty":
                return {"R-op": Form(thirty, flat, net.turns, THIRTY)}
            case "product":
                return {"R-op": Form(lambda kept: kept.gauss_newton(net.vs[0]), flat, kept)}
            case "block8":
                return {"R-op, calls": Form(
                    lambda kept: [kept.gauss_newton(v) for v in net.vs], net.blocks, kept)}
            case "hessian":
                return {"R-op": Form(lambda kept: kept.hessian(net.vs[0]), flat, kept)}
            case "per_example":
                return {"BatchGrad": self.extension(
                    net, BatchGrad(), "grad_batch", lambda out: flat(out, 1).ravel(), 1)}
            case "diagonal":
                # The extension belongs to a sum over examples: the mean comes afterwards.
                return {"DiagGGNExact": self.extension(
                    net, DiagGGNExact(), "diag_ggn_exact", flat, self.w.batch)}
        return {}

    def extension(self, net, extension, name, to_flat, divisor):
        def prepare():
            models = [extend(net.new_model(point)) for point in net.points]
            return extend(net.sum_loss), itertools.cycle(models)

        def run(state):
            loss, models = state
            model = next(models)
            for parameter in model.parameters():
                parameter.grad = None
            with backpack(extension):
                loss(model(net.x), net.y).backward()
            out = [getattr(p, name) for p in model.parameters()]
            for parameter in model.parameters():
                delattr(parameter, name)
            return out if divisor == 1 else [part / divisor for part in out]
        return Form(run, to_flat, prepare)


if __name__ == "__main__":
    worker = Backpack()
    worker.threads = int(sys.argv[1])
    serve(worker)
