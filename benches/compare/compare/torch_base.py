"""What the three workers on PyTorch share: models, numbers, losses and turns."""

import itertools
import time

import numpy as np
import torch
from torch import nn

from compare.protocol import Worker
from compare.torch_networks import Layout, network

TYPES = {"f32": torch.float32, "f64": torch.float64}


def squared_curvature(z, dz, batch):
    return dz * (2 / batch)


def softmax_curvature(z, dz, batch):
    p = torch.softmax(z, -1) / batch
    return p * dz - p * (torch.softmax(z, -1) * dz).sum(-1, keepdim=True)


def squared_factor(z):
    """The columns s of S, B = SSᵀ, first axis."""
    m = z.shape[-1]
    return (2 ** 0.5 * torch.eye(m, dtype=z.dtype))[:, None].expand(m, *z.shape)


def softmax_factor(z):
    p = torch.softmax(z, -1)
    root = p.sqrt()
    return (torch.diag_embed(root) - p[:, :, None] * root[:, None, :]).permute(2, 0, 1)


class Net:
    """A workload in one memory format."""

    def __init__(self, workload, memory_format, **options):
        self.w, self.layout = workload, Layout(workload, memory_format)
        self.dtype = TYPES[workload.dtype]
        self.options = options
        self.points = [self.layout.to_tensors(t) for t in (workload.theta, workload.theta2)]
        self.vs = [self.layout.to_tensors(v) for v in workload.vectors]
        self.x = self.layout.image(workload.inputs)
        squared = workload.loss == "squared"
        self.y = torch.from_numpy(workload.targets if squared
                                  else workload.targets.astype(np.int64))
        self.sum_loss = nn.MSELoss(reduction="sum") if squared \
            else nn.CrossEntropyLoss(reduction="sum")
        self.curvature = squared_curvature if squared else softmax_curvature
        self.factor = squared_factor if squared else softmax_factor
        self.model = self.new_model()
        self.names = [name for name, _ in self.model.named_parameters()]

    def new_model(self, at=None):
        """A module whose parameters hold a θ."""
        model = network(self.w, self.dtype, **self.options)
        with torch.no_grad():
            for parameter, value in zip(model.parameters(), at or self.points[0]):
                parameter.data = value.clone()
        return model

    def z(self, parameters, x=None):
        named = dict(zip(self.names, parameters))
        return torch.func.functional_call(self.model, named, (self.x if x is None else x,))

    def loss(self, z, y=None):
        return self.sum_loss(z, self.y if y is None else y) / len(z)

    def b(self, z, dz):
        """1/l B dz."""
        return self.curvature(z, dz, self.w.batch)

    def leaves(self, point):
        return [p.detach().requires_grad_() for p in point]

    def turns(self):
        return itertools.cycle(self.points)

    def blocks(self, outs):
        return np.concatenate([self.layout.to_flat(out) for out in outs])


class TorchWorker(Worker):
    options = {}

    def versions(self):
        return {"torch": torch.__version__.split("+")[0]}

    def load(self, workload):
        torch.set_num_threads(self.threads)
        self.w = workload
        images = len(workload.manifest["input_shape"]) > 1
        formats = {"channels last": torch.channels_last, "channels first": torch.contiguous_format}
        if not images:
            formats = {"": torch.contiguous_format}
        self.nets = {name: Net(workload, f, **self.options) for name, f in formats.items()}

    def forms(self, column):
        return {", ".join(filter(None, (name, memory))): form
                for memory, net in self.nets.items()
                for name, form in self.forms_of(column, net).items()}

    def ceiling(self, dtype, repeats):
        torch.set_num_threads(self.threads)
        a = torch.ones(1024, 1024, dtype=TYPES[dtype])
        seconds = []
        for _ in range(repeats + 2):
            start = time.perf_counter()
            torch.mm(a, a)
            seconds.append(time.perf_counter() - start)
        return seconds[2:]
