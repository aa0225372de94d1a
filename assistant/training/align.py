"""Where each phone and word of an utterance is, by forced alignment with the network itself.

A network that is told the phone of every frame learns several times faster than one that has to
find out (CTC alone). The alignments also cut words out of sentences: people say the words of a
call only now and then, but pieces can be joined into codes and answers that no corpus has.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter

import numpy as np
import numpy.typing as npt
import torch

from assistant.asr.alignment import viterbi
from assistant.asr.network import SUBSAMPLING
from assistant.training.augment import RATE
from assistant.training.corpus import Corpus, Spans
from assistant.training.data import target
from assistant.training.features import fbank
from assistant.training.net import AcousticNet, half_precision

STEP = 240  # samples an output of the network stands for
_BRIDGE = 6  # outputs; a longer stretch of blank between two phones is a pause
_REACH = 2  # outputs that a phone beside a pause may reach into it
_BATCH = 4_000  # frames

Features = npt.NDArray[np.float32]


def spans_of(first: npt.NDArray[np.int64], last: npt.NDArray[np.int64], outputs: int) -> Spans:
    """(phones, 2) first sample and one past the last: CTC's peaks grown until they touch."""
    start, end = first.astype(np.float64), last + 1.0
    gap = start[1:] - end[:-1]
    middle = (start[1:] + end[:-1]) / 2
    near = gap <= _BRIDGE
    end[:-1] = np.where(near, middle, end[:-1] + _REACH)
    start[1:] = np.where(near, middle, start[1:] - _REACH)
    start[0] = max(0.0, start[0] - _REACH)
    end[-1] = min(float(outputs), end[-1] + _REACH)
    return np.stack([start, end], axis=1).round().astype(np.int32) * STEP


def align(
    net: AcousticNet, corpus: Corpus, sure: float = -2.5, surround: float = 0.2
) -> Iterator[tuple[int, Spans]]:
    """(index, spans) of the utterances that align, in order; ``sure``: lowest mean
    log-probability.

    ``surround``: seconds of faint noise put around an utterance, which may be cut tightly.
    """
    around = int(surround * RATE) // STEP * STEP
    found: list[tuple[int, Spans]] = []
    for batch in _batches(corpus, around):
        heard = _heard(net, [features for _, features in batch])
        for (index, _), log_probs in zip(batch, heard, strict=True):
            phones = target(corpus.texts[index])
            path = viterbi(log_probs[:, [0, *phones]], phones)
            if path is None or path[2] < sure:
                continue
            low, high = corpus.bounds(index)
            spans = spans_of(path[0], path[1], len(log_probs)) - around
            found.append((index, np.clip(spans, 0, high - low)))
    yield from sorted(found, key=itemgetter(0))


def _batches(corpus: Corpus, around: int) -> Iterator[list[tuple[int, Features]]]:
    """Features of all utterances, those of about one length together."""
    rng = np.random.default_rng(0)
    lengths = np.diff(corpus.ends, prepend=0)
    batch: list[tuple[int, Features]] = []
    frames = 0
    for index in np.argsort(lengths, kind="stable").tolist():
        samples = np.pad(corpus.utterance(index), around)
        samples += rng.standard_normal(len(samples)).astype(np.float32) * np.float32(1e-4)
        batch.append((index, fbank(samples)))
        frames += len(batch[-1][1])
        if frames >= _BATCH:
            yield batch
            batch, frames = [], 0
    if batch:
        yield batch


@torch.no_grad()
def _heard(net: AcousticNet, features: list[Features]) -> list[Features]:
    """Log-probabilities (outputs, phones) of each utterance."""
    net.eval()
    longest = max(len(f) for f in features)
    padded = [np.concatenate([f, np.repeat(f[-1:], longest - len(f), axis=0)]) for f in features]
    with half_precision(torch.device("cpu")):
        out = net(torch.from_numpy(np.stack(padded))).numpy()
    return [o[: -(-len(f) // SUBSAMPLING)] for o, f in zip(out, features, strict=True)]


def aligned(net: AcousticNet, corpus: Corpus, sure: float = -2.5) -> Corpus:
    """The utterances of a corpus that align, with their spans."""
    found = list(align(net, corpus, sure))
    return corpus.chosen([i for i, _ in found], [s for _, s in found])
