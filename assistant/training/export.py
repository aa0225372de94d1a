"""Trained network → Kaldi nnet3 ``final.mdl``, byte for byte as Kaldi's binary form.

Numbers are little-endian: a token is ASCII with a trailing space, an int32 or float32 is the
size byte 4 and its bytes, a matrix is "FM " or, compressed to 16 bits a weight, "CM2 ".
Several networks become one whose outputs are the mean of theirs before the last normalisation.
Facts from Kaldi's io-funcs, matrix and nnet3 readers, checked against the vosk wheel.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from assistant.asr.lexicon import phone_table
from assistant.asr.network import FRONT, STRIDE, SUBSAMPLING, Matrix
from assistant.training.net import AcousticNet, LowRank


@dataclass(slots=True)
class Writer:
    """Kaldi's binary stream."""

    parts: list[bytes] = field(default_factory=list)

    def token(self, *names: str) -> Writer:
        self.parts += [f"{name} ".encode() for name in names]
        return self

    def number(self, value: int) -> Writer:
        self.parts.append(struct.pack("<bi", 4, value))
        return self

    def real(self, value: float) -> Writer:
        self.parts.append(struct.pack("<bf", 4, value))
        return self

    def ints(self, values: Sequence[int]) -> Writer:
        self.parts.append(struct.pack(f"<bi{len(values)}i", 4, len(values), *values))
        return self

    def vector(self, values: Matrix) -> Writer:
        self.token("FV").number(len(values))
        self.parts.append(np.ascontiguousarray(values, "<f4").tobytes())
        return self

    def matrix(self, values: Matrix) -> Writer:
        """16 bits a weight over the matrix's own range: half the size, error < 1e-5 of it."""
        rows, columns = values.shape
        low, span = float(values.min()), float(values.max() - values.min()) or 1.0
        steps = np.round((values - low) / span * 65535).astype("<u2")
        self.token("CM2")
        self.parts.append(struct.pack("<ffii", low, span, rows, columns))
        self.parts.append(np.ascontiguousarray(steps).tobytes())
        return self

    def line(self, text: str) -> Writer:
        self.parts.append(f"{text}\n".encode())
        return self

    def bytes(self) -> bytes:
        return b"".join(self.parts)


@dataclass(frozen=True, slots=True)
class Affine:
    weight: Matrix  # (outputs, inputs)
    bias: Matrix


def _numpy(tensor: Tensor) -> Matrix:
    return np.asarray(tensor.detach().float().numpy(), np.float32)


def _folded(linear: nn.Linear, norm: nn.BatchNorm1d | None = None) -> Affine:
    """A linear layer and the normalisation behind it as one affine map."""
    weight = _numpy(linear.weight)
    bias = np.zeros(len(weight), np.float32) if linear.bias is None else _numpy(linear.bias)
    if norm is not None:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        gain = _numpy(norm.weight) / np.sqrt(_numpy(norm.running_var) + norm.eps)
        weight = weight * gain[:, None]
        bias = (bias - _numpy(norm.running_mean)) * gain + _numpy(norm.bias)
    return Affine(np.asarray(weight, np.float32), np.asarray(bias, np.float32))


def _front(net: AcousticNet) -> Affine:
    """The first layer with the input's mean and scale folded in."""
    folded = _folded(net.front, net.front_norm)
    mean = np.tile(_numpy(net.mean), len(FRONT))
    scale = np.tile(_numpy(net.scale), len(FRONT))
    weight = folded.weight * scale
    return Affine(weight, np.asarray(folded.bias - weight @ mean, np.float32))


def _append(node: str, offsets: Sequence[int]) -> str:
    parts = [node if o == 0 else f"Offset({node}, {o})" for o in offsets]
    return f"Append({', '.join(parts)})" if len(parts) > 1 else parts[0]


def prefixed(nets: Sequence[AcousticNet]) -> list[tuple[AcousticNet, str]]:
    """Each with what the names of its layers begin with; of a single one nothing."""
    return [(net, f"t{number}." if len(nets) > 1 else "") for number, net in enumerate(nets)]


@dataclass(slots=True)
class _Graph:
    """Component nodes and components, in the order they are evaluated."""

    lines: list[str] = field(default_factory=list)
    components: Writer = field(default_factory=Writer)
    count: int = 0

    def _node(self, name: str, source: str) -> str:
        self.lines.append(f"component-node name={name} component={name} input={source}")
        self.components.token("<ComponentName>", name)
        self.count += 1
        return name

    def affine(self, name: str, source: str, values: Affine) -> str:
        self._node(name, source)
        self.components.token("<FixedAffineComponent>", "<LinearParams>").matrix(values.weight)
        self.components.token("<BiasParams>").vector(values.bias).token("</FixedAffineComponent>")
        return name

    def relu(self, name: str, source: str, dim: int) -> str:
        self._node(name, source)
        self._nonlinear("RectifiedLinearComponent", dim)
        return name

    def log_softmax(self, name: str, source: str, dim: int) -> str:
        self._node(name, source)
        self._nonlinear("LogSoftmaxComponent", dim)
        return name

    def add(self, name: str, sources: Sequence[str], dim: int) -> str:
        first, *others = sources
        for other in others:
            first = f"Sum({first}, {other})"
        self._node(name, first)
        self.components.token("<NoOpComponent>", "<Dim>").number(dim).token("<BackpropScale>")
        self.components.real(1.0).token("</NoOpComponent>")
        return name

    def _nonlinear(self, kind: str, dim: int) -> None:
        empty = np.zeros(0, np.float32)
        self.components.token(f"<{kind}>", "<Dim>").number(dim)
        self.components.token("<ValueAvg>").vector(empty).token("<DerivAvg>").vector(empty)
        self.components.token("<Count>").real(0.0).token(f"</{kind}>")


def _tower(graph: _Graph, net: AcousticNet, prefix: str, share: float) -> str:
    """One network up to its outputs, ``share`` of them; returns the last node."""
    shape = net.shape
    node = graph.affine(f"{prefix}front.affine", _append("input", FRONT), _front(net))
    node = graph.relu(f"{prefix}front.relu", node, shape.front)
    stride = _folded(net.stride, net.stride_norm)
    node = graph.affine(f"{prefix}stride.affine", _append(node, STRIDE), stride)
    node = graph.relu(f"{prefix}stride.relu", node, shape.width)
    for index, layer in enumerate(net.layers):
        assert isinstance(layer, LowRank)
        name = f"{prefix}l{index}"
        offsets = [SUBSAMPLING * o for o in layer.offsets]
        inner = graph.affine(f"{name}.linear", _append(node, offsets), _folded(layer.linear))
        inner = graph.affine(f"{name}.affine", inner, _folded(layer.affine, layer.norm))
        inner = graph.relu(f"{name}.relu", inner, shape.width)
        node = graph.add(f"{name}.sum", (inner, node), shape.width)
    output = _folded(net.output)
    scaled = Affine(output.weight * np.float32(share), output.bias * np.float32(share))
    return graph.affine(f"{prefix}output.affine", node, scaled)


def network(nets: Sequence[AcousticNet], priors: Matrix) -> bytes:
    """The nnet3 part: config lines, components, contexts, priors.

    The decoder takes the logarithm of ``priors`` (one a phone) off the network's output: what is
    frequent anyway must not crowd out short words. An empty vector takes off nothing.
    """
    shape, graph = nets[0].shape, _Graph()
    ends = [_tower(graph, net, prefix, 1 / len(nets)) for net, prefix in prefixed(nets)]
    node = ends[0] if len(ends) == 1 else graph.add("output.mean", ends, shape.phones)
    node = graph.log_softmax("output.log-softmax", node, shape.phones)
    out = Writer().token("<Nnet3>")
    out.line("").line(f"input-node name=input dim={shape.bins}")
    for text in graph.lines:
        out.line(text)
    out.line(f"output-node name=output input={node} objective=linear").line("")
    out.token("<NumComponents>").number(graph.count)
    out.parts += graph.components.parts
    out.token("</Nnet3>", "<LeftContext>").number(max(n.shape.left_context for n in nets))
    out.token("<RightContext>").number(max(n.shape.right_context for n in nets))
    return out.token("<Priors>").vector(priors).bytes()


def transitions(phones: int) -> bytes:
    """One state a phone: transition ids 2i+1 (stay) and 2i+2 (go) for the phone of index i."""
    out = Writer().token("<TransitionModel>", "<Topology>")
    out.ints(range(1, phones + 1)).ints([-1] + [0] * phones).number(1)
    out.number(2).number(0).number(2).number(0).real(0.5).number(1).real(0.5).number(-1).number(0)
    out.token("</Topology>", "<Triples>").number(phones)
    for phone in range(phones):
        out.number(phone + 1).number(0).number(phone)
    half = np.full(2 * phones + 1, np.log(0.5), np.float32)
    half[0] = 0.0
    out.token("</Triples>", "<LogProbs>").vector(half)
    return out.token("</LogProbs>", "</TransitionModel>").bytes()


@torch.no_grad()
def acoustic_model(nets: Sequence[AcousticNet], priors: Matrix) -> bytes:
    """The whole ``final.mdl``: one network, or several side by side."""
    for net in nets:
        net.eval()
    return b"\0B" + transitions(nets[0].shape.phones) + network(nets, priors)


@torch.no_grad()
def phone_priors(
    net: AcousticNet, batches: Iterable[Tensor], scale: float, unlikelier: Mapping[str, float]
) -> Matrix:
    """How much of each phone the network hears in ``batches`` of features, softened to the power
    of ``scale``; those of ``unlikelier`` (phone → nepers) it must hear so much better."""
    net.eval()
    seen = torch.cat([net(b).exp().flatten(0, 1) for b in batches]).mean(dim=0)
    priors = seen.clamp_min(1e-5) ** scale
    for phone, nepers in unlikelier.items():
        priors[phone_table().index(phone)] *= math.exp(nepers)
    return _numpy(priors / priors.sum())
