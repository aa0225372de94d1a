"""Muon: momentum whose directions all move equally fast (its matrix made orthogonal).

As ``torch.optim.Muon`` with ``match_rms_adamw`` (https://kellerjordan.github.io/posts/muon/,
arXiv 2502.16982), but in the number type that the device has: torch's is always in bf16, which a
processor without it imitates, far slower than float32.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from assistant.training.net import fast_type

_MOMENTUM = 0.95
_STEPS = 5
_A, _B, _C = 3.4445, -4.775, 2.0315  # Newton and Schulz's polynomial, steep at small values
_LEAST = 1e-7


class Muon(torch.optim.Optimizer):
    """For matrices only. ``lr``: as AdamW's would be."""

    def __init__(self, matrices: Iterable[Tensor], lr: float, weight_decay: float) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, group["lr"], group["weight_decay"])

    def _move(self, weight: Tensor, rate: float, decay: float) -> None:
        state = self.state[weight]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        momentum = state["momentum_buffer"]
        assert weight.grad is not None
        momentum.lerp_(weight.grad, 1 - _MOMENTUM)
        update = orthogonal(weight.grad.lerp(momentum, _MOMENTUM))
        weight.mul_(1 - rate * decay)
        weight.add_(update, alpha=-rate * 0.2 * math.sqrt(max(weight.shape)))


def orthogonal(matrix: Tensor) -> Tensor:
    """The same directions, all of about the same size."""
    kind, upright = fast_type(matrix.device), matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if upright else matrix).to(kind)
    x = x / x.norm().clamp_min(_LEAST)
    for _ in range(_STEPS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=_B, alpha=_C), x, beta=_A)
    return (x.T if upright else x).to(matrix.dtype)
