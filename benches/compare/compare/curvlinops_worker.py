"""curvlinops: its linear operators, which linearize for every product."""

import sys

import torch
from curvlinops import GGNLinearOperator, HessianLinearOperator

from compare.protocol import THIRTY, Form, serve
from compare.torch_base import TorchWorker


class Operator:
    """An operator of the summed loss; the mean comes afterwards."""

    def __init__(self, net, Kind):
        self.model, self.net = net.new_model(), net
        self.parameters = list(self.model.parameters())
        self.a = Kind(self.model, net.sum_loss, self.parameters, [(net.x, net.y)],
                      check_deterministic=False, num_data=net.w.batch)

    def move(self, point):
        for parameter, value in zip(self.parameters, point):
            parameter.data = value

    def apply(self, v):
        return [part.detach().div_(self.net.w.batch) for part in self.a @ v]


class Curvlinops(TorchWorker):
    def versions(self):
        from importlib.metadata import version
        return {"curvlinops-for-pytorch": version("curvlinops-for-pytorch")}

    def forms_of(self, column, net):
        flat = net.layout.to_flat
        at = lambda Kind: (lambda: Operator(net, Kind))
        moving = lambda: (Operator(net, GGNLinearOperator), net.turns())

        def products(count):
            def run(state):
                operator, points = state
                operator.move(next(points))
                for i in range(count):
                    out = operator.apply(net.vs[i % len(net.vs)])
                return out
            return Form(run, flat, moving, count)

        match column:
            case "fresh":
                return {"GGNLinearOperator": products(1)}
            case "thirty":
                return {"GGNLinearOperator": products(THIRTY)}
            case "product":
                return {"GGNLinearOperator": Form(
                    lambda g: g.apply(net.vs[0]), flat, at(GGNLinearOperator))}
            case "block8":
                stacked = [torch.stack(parts, -1) for parts in zip(*net.vs)]
                rows = lambda out: flat([part.movedim(-1, 0) for part in out], 1).ravel()
                return {
                    "matrix": Form(lambda g: g.apply(stacked), rows, at(GGNLinearOperator)),
                    "calls": Form(lambda g: [g.apply(v) for v in net.vs], net.blocks,
                                  at(GGNLinearOperator)),
                }
            case "hessian":
                return {"HessianLinearOperator": Form(
                    lambda h: h.apply(net.vs[0]), flat, at(HessianLinearOperator))}
        return {}


if __name__ == "__main__":
    worker = Curvlinops()
    worker.threads = int(sys.argv[1])
    serve(worker)
