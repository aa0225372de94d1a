"""A shipped ``final.mdl`` → a network that can go on learning (``export.py``, the other way).

Only files that ``export.py`` wrote are read: its layers, by name. Normalisation was folded into
the weights there; it comes back as the identity, and ``calibrate`` gives it its statistics.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from assistant.asr.lexicon import phone_table
from assistant.asr.network import (
    FRONT,
    Matrix,
    affine_layers,
    inputs_of,
    offsets_of,
    priors_of,
    towers_of,
)
from assistant.errors import ModelError
from assistant.training.export import prefixed
from assistant.training.net import AcousticNet, LowRank, NetShape


def read_priors(path: Path) -> Matrix:
    """The priors of a ``final.mdl``; raises ModelError ``model-foreign``."""
    try:
        return priors_of(path.read_bytes())
    except (OSError, ValueError, struct.error):
        raise foreign(path) from None


def read_networks(path: Path, dropout: float = 0.0) -> list[AcousticNet]:
    """The networks of a ``final.mdl``, one or several side by side, each of the file's shape.

    Raises ModelError ``model-foreign`` for a file that another program wrote, or other phones.
    """
    try:
        data = path.read_bytes()
        layers, inputs = affine_layers(data), inputs_of(data)
        prefixes = towers_of(layers)
        nets = [AcousticNet(_shape(layers, inputs, p), dropout) for p in prefixes]
        for net, prefix in prefixed(nets):
            _read_tower(net, layers, prefix, len(nets))
    except (OSError, KeyError, ValueError, RuntimeError, struct.error):
        raise foreign(path) from None
    return nets


def foreign(path: Path) -> ModelError:
    """For a network that this program did not write."""
    return ModelError(
        "model-foreign",
        f"Không học tiếp được từ {path}: không có tệp này, hoặc nó không do công thức huấn "
        "luyện ở đây viết ra.",
        "Chọn mô hình vi-telephone đi kèm, hoặc huấn luyện từ đầu: assistant train.",
    )


def _shape(
    layers: Mapping[str, tuple[Matrix, Matrix]], inputs: Mapping[str, str], prefix: str
) -> NetShape:
    front, columns = layers[f"{prefix}front.affine"][0].shape
    phones = len(layers[f"{prefix}output.affine"][0])
    if phones != len(phone_table()):
        raise ValueError(f"{phones} phones")
    offsets: list[tuple[int, ...]] = []
    while (name := f"{prefix}l{len(offsets)}.linear") in layers:
        offsets.append(offsets_of(inputs[name]))
    return NetShape(
        bins=columns // len(FRONT),
        front=front,
        width=len(layers[f"{prefix}stride.affine"][0]),
        rank=layers[f"{prefix}l0.affine"][0].shape[1],
        phones=phones,
        offsets=tuple(offsets),
    )


def _read_tower(
    net: AcousticNet, layers: Mapping[str, tuple[Matrix, Matrix]], prefix: str, count: int
) -> None:
    _fill(net.front, net.front_norm, layers[f"{prefix}front.affine"])
    _fill(net.stride, net.stride_norm, layers[f"{prefix}stride.affine"])
    for index, layer in enumerate(net.layers):
        assert isinstance(layer, LowRank)
        _fill(layer.linear, None, layers[f"{prefix}l{index}.linear"])
        _fill(layer.affine, layer.norm, layers[f"{prefix}l{index}.affine"])
    weight, bias = layers[f"{prefix}output.affine"]  # its share of the mean
    _fill(net.output, None, (weight * np.float32(count), bias * np.float32(count)))


@torch.no_grad()
def _fill(linear: nn.Linear, norm: nn.BatchNorm1d | None, values: tuple[Matrix, Matrix]) -> None:
    weight, bias = (torch.from_numpy(v) for v in values)
    linear.weight.copy_(weight)
    if norm is not None:
        norm.bias.copy_(bias)
        assert norm.running_var is not None
        norm.running_var.fill_(1.0 - norm.eps)
    elif linear.bias is not None:
        linear.bias.copy_(bias)


@torch.no_grad()
def calibrate(net: AcousticNet, batches: Iterable[Tensor]) -> None:
    """Give input and layers the statistics of speech without changing what the network says.

    ``batches``: features (batch, frames, bins). In training mode a normalisation uses its
    batch's own statistics, so it must know the usual ones to remain the identity.
    """
    net.eval()
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm1d)]
    seen: dict[nn.BatchNorm1d, list[Tensor]] = {norm: [] for norm in norms}
    hooks = [n.register_forward_pre_hook(lambda m, x: seen[m].append(x[0].float())) for n in norms]
    inputs = []
    for features in batches:
        inputs.append(features.reshape(-1, features.shape[2]))
        net(features)
    for hook in hooks:
        hook.remove()
    for norm, values in seen.items():
        every = torch.cat(values)
        mean, var = every.mean(dim=0), every.var(dim=0)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(var)
        norm.weight.copy_(torch.sqrt(var + norm.eps))
        norm.bias.add_(mean)
    frames = torch.cat(inputs)
    _normalise_input(net, frames.mean(dim=0), frames.std(dim=0).clamp_min(0.1))


def _normalise_input(net: AcousticNet, mean: Tensor, deviation: Tensor) -> None:
    """Move the input's mean and scale out of the first layer: W x = (W d) ((x - m) / d) + W m."""
    count = len(FRONT)
    shift = net.front.weight @ mean.repeat(count)
    net.front.weight.mul_(deviation.repeat(count))
    assert net.front_norm.running_mean is not None
    net.front_norm.running_mean.sub_(shift)
    net.mean.copy_(mean)
    net.scale.copy_(1.0 / deviation)
