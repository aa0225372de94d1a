"""The same network with narrower layers: cheaper, and hardly another one.

What a layer hands on lies mostly in few directions. The best ones are those of the largest
singular values of its output over speech (not of its weights); then the narrow network is taught
to say what the wide one says, in noise too what it would say without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn

from assistant.asr.folder import MEASURED, inspect_folder
from assistant.errors import UsageError
from assistant.training.export import acoustic_model
from assistant.training.folder import with_network
from assistant.training.net import AcousticNet, LowRank, parameters
from assistant.training.place import require_place
from assistant.training.reading import calibrate, read_networks, read_priors
from assistant.training.teach import lessons, taught

_LOOKED_AT = 24  # batches from which the directions are found
_RIDGE = 1e-6  # of the mean variance: directions in which nothing ever happens


@torch.no_grad()
def narrowed(net: AcousticNet, rank: int, batches: Sequence[Tensor]) -> AcousticNet:
    """``net`` with layers of ``rank`` inner dimensions. ``batches``: features of speech,
    (batch, frames, bins)."""
    net.eval()
    seen = _inner_moments(net, batches)
    state = {k: v for k, v in net.state_dict().items() if not k.startswith("layers.")}
    for index, layer in enumerate(net.layers):
        assert isinstance(layer, LowRank)
        linear, affine = _cut(layer, seen[index], rank)
        state |= {f"layers.{index}.{k}": v for k, v in layer.state_dict().items()}
        state |= {f"layers.{index}.linear.weight": linear, f"layers.{index}.affine.weight": affine}
    made = AcousticNet(replace(net.shape, rank=rank), 0.0)
    made.load_state_dict(state)
    made.eval()
    return made


def _inner_moments(net: AcousticNet, batches: Sequence[Tensor]) -> list[Tensor]:
    """Of each layer the second moments of its inner dimensions over speech."""
    size = net.shape.rank
    seen = [torch.zeros(size, size, dtype=torch.float64) for _ in net.layers]

    def look(index: int, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        values = inputs[0].reshape(-1, size).double()
        seen[index] += values.T @ values

    hooks = []
    for index, layer in enumerate(net.layers):
        assert isinstance(layer, LowRank)
        hooks.append(layer.affine.register_forward_pre_hook(partial(look, index)))
    for features in batches:
        net(features)
    for hook in hooks:
        hook.remove()
    return seen


def _cut(layer: LowRank, moments: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """(linear, affine) weights of the ``rank`` directions that matter most behind the layer."""
    size = len(moments)
    moments = moments / moments.trace() * size + _RIDGE * torch.eye(size, dtype=torch.float64)
    values, vectors = torch.linalg.eigh(moments)
    spread = vectors @ torch.diag(values.sqrt()) @ vectors.T
    undone = vectors @ torch.diag(values.rsqrt()) @ vectors.T
    assert layer.norm.running_var is not None
    gain = (layer.norm.weight / torch.sqrt(layer.norm.running_var + layer.norm.eps)).double()
    left, sizes, right = torch.linalg.svd(
        gain[:, None] * layer.affine.weight.double() @ spread, full_matrices=False
    )
    affine = left[:, :rank] * sizes[:rank] / gain[:, None]
    linear = right[:rank] @ undone @ layer.linear.weight.double()
    return linear.float(), affine.float()


def narrow_model(
    model: Path,
    work: Path,
    out: Path,
    rank: int,
    steps: int,
    progress: bool = False,
) -> Path:
    """Write ``out``: ``model`` with narrower networks, taught on the speech that ``assistant
    train`` left in ``work``; returns it. Raises ModelError ``model-…``,
    UsageError ``teach-no-speech``, ``narrow-rank`` and ``train-out-…``."""
    require_place(out)
    inspect_folder(model)
    network = model / "am" / "final.mdl"
    nets = read_networks(network)
    widest = min(net.shape.rank for net in nets)
    if rank > widest:
        raise UsageError(
            "narrow-rank",
            f"Mạng của {model} chỉ có {widest} chiều trong, không thu hẹp thành {rank} được.",
            f"Đặt --rank nhiều nhất {widest}.",
        )
    batches = lessons(work)
    looked_at = [batch.features for batch in islice(batches, _LOOKED_AT)]
    made = [narrowed(wide, rank, looked_at) for wide in nets]
    for net in made:
        calibrate(net, looked_at)
    taught(made, nets, batches, steps, progress)
    about = {"name": out.name, "parameters": parameters(made)}
    acoustic = acoustic_model(made, read_priors(network))
    with_network(model, out, acoustic, about, drop=MEASURED)
    return out
