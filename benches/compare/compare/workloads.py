"""The workloads: networks as lists of layers, random numbers, and the folders that carry both.

θ is one flat vector, channels last: a convolution's weight is [kh, kw, in, out], a dense weight
[in, out], each followed by its bias. Every library gets the same numbers in the form it likes.
"""

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

VECTORS = 8
"""How many vectors v there are; columns that need more take them by turns."""


def conv(out, kernel, pad=0, stride=1):
    return ("conv", out, kernel, pad, stride)


def dense(out):
    return ("dense", out)


def pool(window, stride, ceil=False):
    return ("pool", window, stride, ceil)


def block(out, stride=1):
    """relu(conv(relu(conv(x))) + x); where the shape changes, a 1×1 convolution of x instead."""
    return ("block", out, stride)


RELU, TANH, FLATTEN, AVERAGE = ("relu",), ("tanh",), ("flatten",), ("average",)


@dataclass(frozen=True)
class Workload:
    network: str
    layers: tuple
    input_shape: tuple
    outputs: int
    loss: str
    batch: int
    dtype: str = "f32"
    tolerance: float = 1e-5
    widths: tuple = ()

    @property
    def numpy_type(self):
        return np.dtype({"f32": "<f4", "f64": "<f8"}[self.dtype])


def mlp(widths, inputs, loss, batch, activation=RELU, **rest):
    layers = [dense(widths[0])]
    for width in widths[1:]:
        layers += [activation, dense(width)]
    return Workload(rest.pop("network", "mlp"), tuple(layers), (inputs,), widths[-1], loss, batch,
                    widths=tuple(widths), **rest)


W2_LAYERS = (conv(32, 5, pad=2), RELU, pool(2, 2), conv(64, 3, pad=1), RELU, pool(2, 2),
             conv(64, 3, pad=1), RELU, pool(2, 2), FLATTEN, dense(10))
W3_LAYERS = (conv(64, 5), RELU, pool(3, 2, ceil=True), conv(96, 3), RELU, pool(3, 2, ceil=True),
             conv(128, 3, pad=1), RELU, pool(3, 2, ceil=True), FLATTEN,
             dense(512), RELU, dense(256), RELU, dense(10))
W5_LAYERS = (conv(16, 3, pad=1), RELU, block(16), block(16), block(32, 2), block(32),
             block(64, 2), block(64), AVERAGE, dense(10))

WORKLOADS = {
    "W1": mlp((512, 256, 10), 784, "softmax", 256, network="W1"),
    "W2": Workload("W2", W2_LAYERS, (28, 28, 1), 10, "squared", 128),
    # In f32, the winners of its overlapping pools flip by rounding.
    "W3": Workload("W3", W3_LAYERS, (32, 32, 3), 10, "softmax", 128, tolerance=1e-3),
    "W4": mlp((32, 32, 1), 8, "squared", 64, TANH, network="W4", dtype="f64"),
    "W5": Workload("W5", W5_LAYERS, (32, 32, 3), 10, "softmax", 64),
}
DESCRIPTIONS = {
    "W1": "MLP 784-512-256-10, ReLU, softmax cross-entropy, batch 256",
    "W2": "28×28×1; three convolutions 5×5×32, 3×3×64, 3×3×64, each with ReLU and 2×2 max-pooling; "
          "dense 10; squared loss; batch 128",
    "W3": "32×32×3; three convolutions 5×5×64, 3×3×96, 3×3×128, each with ReLU and 3×3 "
          "max-pooling of stride 2; dense 512, 256, 10; softmax cross-entropy; batch 128",
    "W4": "f64 MLP 8-32-32-1, tanh, squared loss, batch 64",
    "W5": "32×32×3; residual network of 3×3 convolutions, 16, 32 and 64 channels, two blocks each; "
          "softmax cross-entropy; batch 64",
}


def in_f64(workload):
    """The same workload in f64, where every library must agree to rounding."""
    return replace(workload, dtype="f64", tolerance=1e-9)


def with_batch(workload, batch):
    return replace(workload, batch=batch)


def conv_length(n, kernel, pad, stride):
    return (n + 2 * pad - kernel) // stride + 1


def pool_length(n, window, stride, ceil):
    return (math.ceil if ceil else math.floor)((n - window) / stride) + 1


def walk(workload):
    """The parameters, as (name, shape), and the multiply-adds of each product of one example."""
    shape, parameters, work, number = workload.input_shape, [], [], {}

    def scope(kind, outer=""):
        key = outer + kind
        number[key] = number.get(key, 0) + 1
        return f"{key}{number[key]}"

    def convolve(name, shape, out, kernel, pad, stride):
        h, w, c = shape
        h, w = conv_length(h, kernel, pad, stride), conv_length(w, kernel, pad, stride)
        parameters.extend([(f"{name}.weight", (kernel, kernel, c, out)), (f"{name}.bias", (out,))])
        work.append(h * w * out * kernel * kernel * c)
        return (h, w, out)

    for layer in workload.layers:
        match layer:
            case ("conv", out, kernel, pad, stride):
                shape = convolve(scope("conv"), shape, out, kernel, pad, stride)
            case ("dense", out):
                name = scope("dense")
                parameters += [(f"{name}.weight", (shape[0], out)), (f"{name}.bias", (out,))]
                work.append(shape[0] * out)
                shape = (out,)
            case ("block", out, stride):
                name, before = scope("residual"), shape
                shape = convolve(f"{name}.main.conv1", shape, out, 3, 1, stride)
                shape = convolve(f"{name}.main.conv2", shape, out, 3, 1, 1)
                if shape != before:
                    convolve(f"{name}.shortcut", before, out, 1, 0, stride)
            case ("pool", window, stride, ceil):
                h, w, c = shape
                shape = (pool_length(h, window, stride, ceil),
                         pool_length(w, window, stride, ceil), c)
            case ("flatten",):
                shape = (math.prod(shape),)
            case ("average",):
                shape = (shape[2],)
    return parameters, work


def product_flop(workload):
    """Floating-point operations of one product G v at a kept linearization by dense sweeps: four
    times a forward pass, but for the first layer, whose input has neither tangent nor cotangent."""
    work = walk(workload)[1]
    return 2 * workload.batch * (4 * sum(work) - 2 * work[0])


def generate(workload, folder, seed, vectors=VECTORS):
    """Writes a workload into a folder; the same numbers for the same seed, in f32 and f64 but for
    rounding."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    parameters, _ = walk(workload)
    theta = np.concatenate([initial(random, name, shape) for name, shape in parameters])
    labels = random.integers(0, max(workload.outputs, 2), workload.batch).astype("<u4")
    arrays = {"theta": theta, "theta2": theta + 0.01 * random.standard_normal(theta.size) * abs(theta)}
    arrays["vectors"] = random.standard_normal(vectors * theta.size)
    arrays["inputs"] = random.standard_normal(workload.batch * math.prod(workload.input_shape))
    if workload.loss == "squared":
        one_hot = np.eye(workload.outputs)[labels] if workload.outputs > 1 else None
        arrays["targets"] = random.standard_normal(workload.batch) if one_hot is None else one_hot
    for name, array in arrays.items():
        # Through f32 in any case, so that f32 and f64 hold the same numbers.
        array.astype("<f4").astype(workload.numpy_type).tofile(folder / f"{name}.raw")
    labels.tofile(folder / "labels.raw")
    manifest = {
        "network": workload.network,
        "widths": workload.widths,
        "layers": workload.layers,
        "dtype": workload.dtype,
        "batch": workload.batch,
        "input_shape": workload.input_shape,
        "outputs": workload.outputs,
        "loss": workload.loss,
        "parameters": [{"name": name, "shape": shape} for name, shape in parameters],
        "vectors": vectors,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))


def initial(random, name, shape):
    """Weights that keep the size of what passes, and biases that are not zero."""
    scale = 0.1
    if len(shape) > 1:
        scale = math.sqrt((1.0 if "conv2" in name and "main" in name else 2.0) / math.prod(shape[:-1]))
    return scale * random.standard_normal(math.prod(shape))


class Loaded:
    """A workload read back from its folder, as a worker sees it."""

    def __init__(self, folder):
        folder = Path(folder)
        self.manifest = json.loads((folder / "manifest.json").read_text())
        self.layers = [tuple(layer) for layer in self.manifest["layers"]]
        self.dtype = self.manifest["dtype"]
        self.numpy_type = np.dtype({"f32": "<f4", "f64": "<f8"}[self.dtype])
        self.batch, self.outputs = self.manifest["batch"], self.manifest["outputs"]
        self.loss = self.manifest["loss"]
        self.shapes = [(p["name"], tuple(p["shape"])) for p in self.manifest["parameters"]]
        self.n = sum(math.prod(shape) for _, shape in self.shapes)

        def read(name, dtype=self.numpy_type):
            return np.fromfile(folder / f"{name}.raw", dtype)

        self.theta, self.theta2 = read("theta"), read("theta2")
        self.vectors = read("vectors").reshape(self.manifest["vectors"], self.n)
        self.inputs = read("inputs").reshape(self.batch, *self.manifest["input_shape"])
        if self.loss == "squared":
            self.targets = read("targets").reshape(self.batch, self.outputs)
        else:
            self.targets = read("labels", "<u4")

    def split(self, flat):
        """A flat vector, as an array for each parameter."""
        parts, start = [], 0
        for _, shape in self.shapes:
            size = math.prod(shape)
            parts.append(flat[start:start + size].reshape(shape))
            start += size
        return parts
