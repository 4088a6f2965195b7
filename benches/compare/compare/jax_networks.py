"""The workloads' networks and losses in JAX: channels last, pooling by reshape where windows don't
overlap."""

import jax
import jax.numpy as jnp
from jax import lax


def max_pool(x, window, stride, ceil, overlapping):
    n, h, w, c = x.shape
    if window == stride and h % window == 0 and w % window == 0:
        return x.reshape(n, h // window, window, w // window, window, c).max((2, 4))
    extra = [-(length - window) % stride if ceil else 0 for length in (h, w)]
    if overlapping == "reduce_window":
        pads = ((0, 0), (0, extra[0]), (0, extra[1]), (0, 0))
        return lax.reduce_window(x, -jnp.inf, lax.max, (1, window, window, 1),
                                 (1, stride, stride, 1), pads)
    # Slices: rows first, then columns.
    x = jnp.pad(x, ((0, 0), (0, extra[0]), (0, extra[1]), (0, 0)), constant_values=-jnp.inf)
    for axis in (1, 2):
        last = x.shape[axis] - window
        parts = [lax.slice_in_dim(x, k, k + last + 1, stride, axis) for k in range(window)]
        x = parts[0]
        for part in parts[1:]:
            x = jnp.maximum(x, part)
    return x


def convolve(x, weight, bias, pad, stride):
    y = lax.conv_general_dilated(x, weight, (stride, stride), [(pad, pad)] * 2,
                                 dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return y + bias


def network(layers, overlapping):
    """z(parameters, inputs)."""

    def apply(parameters, x):
        rest = iter(parameters)
        take = lambda: (next(rest), next(rest))
        for layer in layers:
            match layer:
                case ("conv", _, _, pad, stride):
                    x = convolve(x, *take(), pad, stride)
                case ("dense", _):
                    weight, bias = take()
                    x = x @ weight + bias
                case ("block", out, stride):
                    y = jax.nn.relu(convolve(x, *take(), 1, stride))
                    y = convolve(y, *take(), 1, 1)
                    if stride != 1 or x.shape[-1] != out:
                        x = convolve(x, *take(), 0, stride)
                    x = jax.nn.relu(x + y)
                case ("pool", window, stride, ceil):
                    x = max_pool(x, window, stride, ceil, overlapping)
                case ("relu",):
                    x = jax.nn.relu(x)
                case ("tanh",):
                    x = jnp.tanh(x)
                case ("flatten",):
                    x = x.reshape(x.shape[0], -1)
                case ("average",):
                    x = x.mean((1, 2))
        return x

    return apply


def squared(z, y):
    return ((z - y) ** 2).sum(-1)


def softmax(z, y):
    return jax.nn.logsumexp(z, -1) - jnp.take_along_axis(z, y[..., None], -1)[..., 0]


def squared_curvature(z, dz):
    return 2 * dz


def softmax_curvature(z, dz):
    p = jax.nn.softmax(z)
    return p * (dz - (p * dz).sum(-1, keepdims=True))


def squared_factor(z):
    """The columns s of S, B = SSᵀ, first axis."""
    return jnp.sqrt(jnp.array(2.0, z.dtype)) * jnp.broadcast_to(
        jnp.eye(z.shape[-1], dtype=z.dtype)[:, None], (z.shape[-1], *z.shape))


def softmax_factor(z):
    p = jax.nn.softmax(z)
    root = jnp.sqrt(p)
    eye = jnp.eye(z.shape[-1], dtype=z.dtype)
    return jnp.moveaxis(root[:, :, None] * eye - p[:, :, None] * root[:, None, :], 2, 0)


LOSSES = {"squared": (squared, squared_curvature, squared_factor),
          "softmax": (softmax, softmax_curvature, softmax_factor)}
