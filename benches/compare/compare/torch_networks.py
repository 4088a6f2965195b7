"""The workloads' networks and numbers as PyTorch likes them: channels last in memory."""

import math

import numpy as np
import torch
from torch import nn


class Sum(nn.Module):
    """The sum of two branches: main comes first."""

    def __init__(self, main, shortcut):
        super().__init__()
        self.main, self.shortcut = main, shortcut

    def forward(self, x):
        return self.main(x) + self.shortcut(x)


def network(workload, dtype, branches=Sum, identity=nn.Identity):
    """A module with the workload's layers."""
    def conv(into, out, kernel, pad, stride):
        return nn.Conv2d(into, out, kernel, stride, pad, dtype=dtype)

    modules, channels = [], workload.manifest["input_shape"][-1]
    shape = tuple(workload.manifest["input_shape"])
    for layer in workload.layers:
        match layer:
            case ("conv", out, kernel, pad, stride):
                modules.append(conv(channels, out, kernel, pad, stride))
                channels = out
            case ("dense", out):
                modules.append(nn.LazyLinear(out, dtype=dtype))
                channels = out
            case ("block", out, stride):
                main = nn.Sequential(conv(channels, out, 3, 1, stride), nn.ReLU(),
                                     conv(out, out, 3, 1, 1))
                same = stride == 1 and channels == out
                modules += [branches(main, identity() if same else
                                     conv(channels, out, 1, 0, stride)), nn.ReLU()]
                channels = out
            case ("pool", window, stride, ceil):
                modules.append(nn.MaxPool2d(window, stride, ceil_mode=ceil))
            case ("relu",):
                modules.append(nn.ReLU())
            case ("tanh",):
                modules.append(nn.Tanh())
            case ("flatten",):
                modules.append(nn.Flatten())
            case ("average",):
                modules += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    model = nn.Sequential(*modules)
    x = torch.zeros(1, *(shape[-1:] + shape[:-1]), dtype=dtype)
    model(x)
    return model


class Layout:
    """Brings flat vectors, channels last, into a list of tensors, and back."""

    def __init__(self, workload, memory_format):
        self.w, self.memory_format = workload, memory_format
        # What the flattened image before the first dense layer looked like.
        self.images = {}
        if any(layer[0] == "flatten" for layer in workload.layers):
            last = max(i for i, (_, shape) in enumerate(workload.shapes) if len(shape) == 4)
            channels = workload.shapes[last][1][3]
            area = workload.shapes[last + 2][1][0] // channels
            self.images[last + 2] = (math.isqrt(area), math.isqrt(area), channels)

    def to_tensors(self, flat):
        tensors = []
        for i, part in enumerate(self.w.split(flat)):
            if part.ndim == 4:
                part = part.transpose(3, 2, 0, 1)
            elif part.ndim == 2:
                out = part.shape[1]
                if i in self.images:
                    part = part.reshape(*self.images[i], out).transpose(2, 0, 1, 3)
                part = part.reshape(-1, out).T
            tensors.append(self.place(torch.from_numpy(np.array(part, order="C"))))
        return tensors

    def place(self, tensor):
        if tensor.ndim == 4:
            return tensor.contiguous(memory_format=self.memory_format)
        return tensor.contiguous()

    def image(self, x):
        """Inputs [l, h, w, c]."""
        if x.ndim == 4:
            x = x.transpose(0, 3, 1, 2)
        return self.place(torch.from_numpy(np.array(x, order="C")))

    def to_flat(self, tensors, lead=0):
        """The numbers of a list of tensors, each with `lead` axes before the parameter's own."""
        parts = []
        for i, tensor in enumerate(tensors):
            part = tensor.detach().numpy()
            axes = tuple(range(lead))
            if part.ndim - lead == 4:
                part = part.transpose(axes + tuple(lead + k for k in (2, 3, 1, 0)))
            elif part.ndim - lead == 2:
                if i in self.images:
                    h, w, c = self.images[i]
                    part = part.reshape(*part.shape[:-1], c, h, w)
                    part = part.transpose(axes + tuple(lead + k for k in (2, 3, 1, 0)))
                else:
                    part = part.swapaxes(-1, -2)
            parts.append(part.reshape(*part.shape[:lead], -1))
        return np.concatenate(parts, axis=-1)
