"""Models for sherpa-onnx that hear tones: the words 0 to 9, a tone each, by hand-made weights.

The engine's log mel energies come in; one bin of each token's tone goes out as its logit, against
a blank of 0. What is decoded is therefore known from the sound alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

RATE = 16_000
WORDS = tuple("không một hai ba bốn năm sáu bảy tám chín".split())
TONE, GAP = 0.2, 0.15  # s of one word, and between two
_BINS = 80
_POOL = 4  # frames of 10 ms in a step
_CHUNK = 16  # frames in a chunk
_FIRST, _APART = 22, 4  # the first word's bin, and bins between two words
_NEMO_TOP = 45.245  # Slaney's mel of 8 kHz


def nemo_tone(word: int) -> float:
    """Hz in the middle of a word's bin of NeMo's features: Slaney's mel scale, 0 to 8 kHz."""
    mel = _NEMO_TOP / (_BINS + 1) * (_FIRST + _APART * word + 1)
    return mel * 200 / 3 if mel < 15 else 1000 * math.exp((mel - 15) * math.log(6.4) / 27)


def icefall_tone(word: int) -> float:
    """The same of icefall's features: the HTK mel scale, 20 Hz to 7.6 kHz."""
    low, high = (1127 * math.log(1 + f / 700) for f in (20, RATE / 2 - 400))
    mel = low + (high - low) / (_BINS + 1) * (_FIRST + _APART * word + 1)
    return 700 * (math.exp(mel / 1127) - 1)


def sound(words: Sequence[int], tone: object = nemo_tone, rate: int = RATE) -> bytes:
    """PCM of a row of words, a gap before, between and after."""
    times = np.arange(round(rate * TONE)) / rate
    gap = np.zeros(round(rate * GAP))
    parts: list[NDArray[np.float64]] = [gap]
    for word in words:
        parts += [0.3 * np.sin(2 * np.pi * tone(word) * times), gap]  # type: ignore[operator]
    samples = np.concatenate(parts) * 32767
    return np.rint(samples).astype("<i2").tobytes()


def ctc_folder(path: Path, **card: object) -> Path:
    """A folder with a streaming NeMo CTC model, and its card."""
    path.mkdir(parents=True, exist_ok=True)
    weights = _weights(len(WORDS) + 1, range(len(WORDS)))
    nodes = [
        helper.make_node("AveragePool", ["x"], ["p"], kernel_shape=[_POOL], strides=[_POOL]),
        helper.make_node("Transpose", ["p"], ["t"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["t", "w"], ["logits"]),
        *_same("length", "c1", "c2", "c3"),
    ]
    cache = [("c1", _F, [1, 1, 1, 1]), ("c2", _F, [1, 1, 1, 1]), ("c3", _I, [1])]
    caches = {f"cache_last_{a}_dim{i}": 1 for a in ("channel", "time") for i in (1, 2, 3)}
    _save(
        path / "model.onnx", nodes, {"w": weights},
        [("x", _F, [1, _BINS, "T"]), ("length", _I, [1]), *cache],
        [("logits", _F, [1, "S", len(WORDS) + 1]), ("length_next", _I, [1]), *_next(cache)],
        window_size=_CHUNK, chunk_shift=_CHUNK, subsampling_factor=_POOL, vocab_size=len(WORDS),
        **caches,
    )  # fmt: skip
    tokens = [*(f"▁{word}" for word in WORDS), "<blk>"]
    return _finish(path, tokens, kind="nemo-ctc", **card)


def transducer_folder(path: Path, words: Sequence[str], **card: object) -> Path:
    """A folder with a streaming transducer (icefall's LSTM kind) for hot words: every two
    neighbours of ``words`` share a tone, and the first of them is a little likelier."""
    path.mkdir(parents=True, exist_ok=True)
    size = len(words) + 2
    weights = _weights(size, [], {2 + i: i // 2 for i in range(len(words))})
    bias = np.zeros(size, np.float32)
    bias[3::2] = -0.5
    states = [("h", _F, [1, "N", 1]), ("c", _F, [1, "N", 1])]
    encoder = [
        helper.make_node("Transpose", ["x"], ["xt"], perm=[0, 2, 1]),
        helper.make_node("AveragePool", ["xt"], ["p"], kernel_shape=[_POOL], strides=[_POOL]),
        helper.make_node("Transpose", ["p"], ["t"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["t", "w"], ["m"]),
        helper.make_node("Add", ["m", "bias"], ["out"]),
        *_same("h", "c"),
    ]
    _save(
        path / "encoder.onnx", encoder, {"w": weights, "bias": bias},
        [("x", _F, ["N", "T", _BINS]), *states], [("out", _F, ["N", "S", size]), *_next(states)],
        model_type="lstm", num_encoder_layers=1, T=_CHUNK, decode_chunk_len=_CHUNK,
        rnn_hidden_size=1, d_model=1,
    )  # fmt: skip
    # A transducer's history knows no blanks: a tone of several steps would be as many words if
    # the last word did not hold down those of its own tone.
    held = np.zeros((size, size), np.float32)
    for token in range(2, size):
        held[token, token - token % 2 : token - token % 2 + 2] = -100
    decoder = [
        helper.make_node("Gather", ["held", "y"], ["rows"], axis=0),
        helper.make_node("ReduceSum", ["rows", "axis"], ["dec"], keepdims=0),
    ]
    _save(
        path / "decoder.onnx", decoder, {"held": held, "axis": np.array([1], np.int64)},
        [("y", _I, ["N", 1])], [("dec", _F, ["N", size])],
        vocab_size=size, context_size=1,
    )  # fmt: skip
    joiner = [helper.make_node("Add", ["enc", "dec"], ["logit"])]
    _save(
        path / "joiner.onnx", joiner, {},
        [("enc", _F, ["N", size]), ("dec", _F, ["N", size])], [("logit", _F, ["N", size])],
        joiner_dim=size,
    )  # fmt: skip
    tokens = ["<blk>", "<unk>", *(f"▁{word}" for word in words)]
    (path / "bpe.vocab").write_text("".join(f"{t}\t-{i}\n" for i, t in enumerate(tokens)))
    return _finish(path, tokens, kind="transducer", **card)


_F, _I = TensorProto.FLOAT, TensorProto.INT64
Values = list[tuple[str, int, list[object]]]


def _weights(
    size: int, words: Sequence[int], tones: dict[int, int] | None = None
) -> NDArray[np.float32]:
    """Mel bins → logits; ``tones``: token → word whose tone it is."""
    weights = np.zeros((_BINS, size), np.float32)
    for token, word in (tones or {w: w for w in words}).items():
        middle = _FIRST + _APART * word
        weights[middle - 1 : middle + 2, token] = 1 / 3
    return weights


def _same(*names: str) -> list[onnx.NodeProto]:
    return [helper.make_node("Identity", [name], [f"{name}_next"]) for name in names]


def _next(values: Values) -> Values:
    return [(f"{name}_next", kind, shape) for name, kind, shape in values]


def _save(
    file: Path,
    nodes: list[onnx.NodeProto],
    constants: dict[str, NDArray[np.generic]],
    inputs: Values,
    outputs: Values,
    **meta: object,
) -> None:
    graph = helper.make_graph(
        nodes,
        file.stem,
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*value) for value in outputs],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {name: str(value) for name, value in meta.items()})
    onnx.checker.check_model(model)
    onnx.save(model, file)


def _finish(path: Path, tokens: Sequence[str], **card: object) -> Path:
    lines = (f"{token} {number}\n" for number, token in enumerate(tokens))
    (path / "tokens.txt").write_text("".join(lines), encoding="utf-8")
    facts = {"engine": "sherpa-onnx", "name": "tones", "sample_rate": RATE, **card}
    (path / "model.json").write_text(json.dumps(facts), encoding="utf-8")
    return path
