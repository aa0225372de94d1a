"""The acoustic network: a time-delay network with low-rank layers and skip connections.

Input: log-mel frames every 10 ms, shape (batch, frames, bins). Output: log-probabilities of
phones every 30 ms, shape (batch, ceil(frames / 3), phones): output j stands on input frame 3j.
Only affine, ReLU and sum are used at run time, so the network can be written in Kaldi's nnet3
form (``export.py``): batch normalisation is folded into the affine layers there.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from assistant.asr.lexicon import phone_table
from assistant.asr.network import FRONT, STRIDE, SUBSAMPLING


@dataclass(frozen=True, slots=True)
class NetShape:
    """Sizes of the network. ``offsets``: context of each low-rank layer, in 30 ms steps."""

    bins: int = 40
    front: int = 192
    width: int = 512
    rank: int = 128
    phones: int = len(phone_table())
    offsets: tuple[tuple[int, ...], ...] = (
        (-1, 0, 1), (-1, 0, 1), (-1, 0, 1), (-2, 0, 1), (-1, 0, 1), (-2, 0, 1), (-1, 0, 1),
        (-3, 0, 1), (-3, 0, 1),
    )  # fmt: skip

    def as_dict(self) -> dict[str, object]:
        return asdict(self)

    @property
    def left_context(self) -> int:
        """Input frames (10 ms) needed before an output's own."""
        return 3 - SUBSAMPLING * sum(min(o) for o in self.offsets)

    @property
    def right_context(self) -> int:
        return 3 + SUBSAMPLING * sum(max(o) for o in self.offsets)


class LowRank(nn.Module):
    """Append(offsets) → linear to ``rank`` → affine → batch norm → ReLU, plus the input.

    Trained as one product over all offsets whose narrow results are shifted and added: the same
    numbers as splicing first, without copying the wide input once per offset.
    """

    def __init__(self, width: int, rank: int, offsets: tuple[int, ...], dropout: float) -> None:
        super().__init__()
        self.offsets = offsets
        self.linear = nn.Linear(width * len(offsets), rank, bias=False)
        self.affine = nn.Linear(rank, width, bias=False)
        self.norm = nn.BatchNorm1d(width)
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        left, right = -min(self.offsets), max(self.offsets)
        frames = x.shape[1] - left - right
        rank, width = self.affine.in_features, self.affine.out_features
        weight = self.linear.weight.view(rank, len(self.offsets), width).transpose(0, 1)
        parts = nn.functional.linear(x, weight.reshape(-1, width)).split(rank, dim=2)
        narrow = sum(
            part[:, left + o : left + o + frames]
            for part, o in zip(parts, self.offsets, strict=True)
        )
        hidden = torch.relu(_normalised(self.norm, self.affine(narrow)))
        if self.training and self.dropout:  # one mask per utterance: cheap, and as good
            keep = torch.rand(x.shape[0], 1, width, device=x.device) >= self.dropout
            hidden = hidden * (keep / (1.0 - self.dropout)).to(hidden.dtype)
        return hidden + x[:, left : left + frames]


def _normalised(norm: nn.BatchNorm1d, x: Tensor) -> Tensor:
    shape = x.shape
    out: Tensor = norm(x.reshape(-1, shape[2])).reshape(shape)
    return out


class AcousticNet(nn.Module):
    """See the module's docstring."""

    def __init__(self, shape: NetShape, dropout: float = 0.1) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("mean", torch.zeros(shape.bins))
        self.register_buffer("scale", torch.ones(shape.bins))
        self.front = nn.Linear(shape.bins * len(FRONT), shape.front, bias=False)
        self.front_norm = nn.BatchNorm1d(shape.front)
        self.stride = nn.Linear(shape.front * len(STRIDE), shape.width, bias=False)
        self.stride_norm = nn.BatchNorm1d(shape.width)
        self.layers = nn.ModuleList(
            LowRank(shape.width, shape.rank, o, dropout) for o in shape.offsets
        )
        self.output = nn.Linear(shape.width, shape.phones)

    def forward(self, features: Tensor) -> Tensor:
        """(batch, frames, bins) → log-probabilities (batch, ceil(frames / 3), phones)."""
        s = self.shape
        outputs = (features.shape[1] + SUBSAMPLING - 1) // SUBSAMPLING
        last = SUBSAMPLING * (outputs - 1) + s.right_context
        x = (features - self.mean) * self.scale
        before = x[:, :1].expand(-1, s.left_context, -1)
        after = x[:, -1:].expand(-1, last - features.shape[1] + 1, -1)
        x = torch.cat([before, x, after], dim=1)
        frames = x.shape[1] - 4
        x = torch.cat([x[:, i : i + frames] for i in range(5)], dim=2)
        x = torch.relu(_normalised(self.front_norm, self.front(x)))
        steps = (frames - 3) // SUBSAMPLING + 1
        span = SUBSAMPLING * (steps - 1) + 1
        x = torch.cat([x[:, i : i + span : SUBSAMPLING] for i in range(3)], dim=2)
        x = torch.relu(_normalised(self.stride_norm, self.stride(x)))
        for layer in self.layers:
            x = layer(x)
        return torch.log_softmax(self.output(x).float(), dim=2)


def fast_type(device: torch.device) -> torch.dtype:
    """What the device multiplies fast: bf16, but a processor without it would imitate it, far
    slower than float32."""
    has = device.type != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.bfloat16 if has else torch.float32


def half_precision(device: torch.device) -> torch.autocast:
    """Arithmetic in bf16 where the device has it."""
    has = fast_type(device) is torch.bfloat16
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=has)


def parameters(nets: Iterable[nn.Module]) -> int:
    """How many numbers were learnt."""
    return sum(p.numel() for net in nets for p in net.parameters())


class SideBySide(nn.Module):
    """Several networks that hear the same and are asked as one: the mean of their
    log-probabilities, made a distribution again."""

    def __init__(self, members: Iterable[AcousticNet]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, features: Tensor) -> Tensor:
        """As ``AcousticNet``."""
        return self.opinions(features)[0]

    def opinions(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """All together, and each: (members, batch, outputs, phones)."""
        heard = torch.stack([member(features) for member in self.members])
        return torch.log_softmax(heard.mean(dim=0), dim=2), heard


def mean_of(first: AcousticNet, second: AcousticNet) -> AcousticNet:
    """Halfway between two networks of which one was trained on from the other."""
    made = copy.deepcopy(first)
    ours, theirs = made.state_dict(), second.state_dict()
    for name, values in ours.items():
        if values.is_floating_point():
            values.lerp_(theirs[name], 0.5)
    return made
