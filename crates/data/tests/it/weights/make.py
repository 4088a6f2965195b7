#!/usr/bin/env python3
"""Writes the fixtures beside it: weights in the layouts of PyTorch and Keras, and outputs.

    python3 make.py        # needs torch, jax and numpy

`pytorch.safetensors` is the state dict of a small network of torch.nn, `pytorch.npz` holds inputs
(channels last, as Osculant takes them) and the outputs that torch computed. `keras.npz` holds random
weights in the order and layout of `model.get_weights()` for the same layers in Keras, and
`keras-outputs.npz` inputs and outputs, computed by jax.lax with the operations that Keras documents
(NHWC images, HWIO kernels, row-major flatten).
"""
import json
import struct
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import torch

here = Path(__file__).parent
torch.manual_seed(1)
net = torch.nn.Sequential(
    torch.nn.Conv2d(3, 4, (3, 2), padding=1),
    torch.nn.ReLU(),
    torch.nn.MaxPool2d(2),
    torch.nn.Flatten(),
    torch.nn.Linear(4 * 3 * 3, 5),
    torch.nn.Tanh(),
    torch.nn.Linear(5, 2),
)
x = torch.randn(3, 3, 6, 5)
with torch.no_grad():
    y = net(x)
np.savez(here / "pytorch.npz", x=x.permute(0, 2, 3, 1).contiguous().numpy(), y=y.numpy())

# The format of safetensors: the length of a JSON header, the header, the numbers.
header, data = {}, b""
for name, tensor in net.state_dict().items():
    numbers = tensor.numpy().astype("<f4").tobytes()
    ends = [len(data), len(data) + len(numbers)]
    header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": ends}
    data += numbers
header = json.dumps(header).encode()
(here / "pytorch.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + data)

random = np.random.default_rng(1)
shapes = [(3, 2, 3, 4), (4,), (36, 5), (5,), (5, 2), (2,)]
weights = [random.normal(size=shape).astype(np.float32) for shape in shapes]
x = random.normal(size=(3, 6, 5, 3)).astype(np.float32)
k, b, w1, b1, w2, b2 = weights
with jax.default_matmul_precision("highest"):
    z = jax.lax.conv_general_dilated(
        x, k, (1, 1), [(1, 1), (1, 1)], dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    z = jnp.maximum(z + b, 0)
    z = jax.lax.reduce_window(z, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    z = jnp.tanh(z.reshape(3, -1) @ w1 + b1)
    z = z @ w2 + b2
np.savez(here / "keras.npz", *weights)
np.savez(here / "keras-outputs.npz", x=x, y=np.asarray(z))
