"""The stream of training batches: draw, spoil, compute features, bucket by length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import IterableDataset, get_worker_info

from assistant.training.augment import DEFAULT, MILD, RATE, Severity, spoil
from assistant.training.corpus import Corpus
from assistant.training.features import fbank
from assistant.training.lexicon import phone_table, text_phones

Item = tuple[npt.NDArray[np.float32], list[int]]  # features and phone indices
STEP = 64  # frames

PHONE_INDEX = {phone: index for index, phone in enumerate(phone_table())}


@dataclass(frozen=True, slots=True)
class Source:
    """One corpus in the mixture. ``weight``: relative share of drawn utterances; ``join``:
    longest run of utterances of one speaker spliced into one (1: as they are); ``gap``: the
    most silence between joined ones, seconds."""

    corpus: Corpus
    weight: float
    join: tuple[int, int] = (1, 1)
    gap: float = 0.35


@dataclass(slots=True)
class Batch:
    """``features``: (batch, frames, bins), zero-padded; lengths count real frames/phones."""

    features: torch.Tensor
    frames: torch.Tensor
    phones: torch.Tensor
    phone_counts: torch.Tensor


def target(text: str) -> list[int]:
    """Phone indices of a text every word of which is spelled in Vietnamese."""
    phones = text_phones(text)
    if phones is None:
        raise ValueError("text is not spelled in Vietnamese")
    return [PHONE_INDEX[p] for p in phones]


class Stream(IterableDataset[Batch]):
    """Endless batches; worker ``w`` of epoch ``e`` draws from the seed (seed, e, w)."""

    def __init__(
        self,
        sources: list[Source],
        seed: int,
        batch_seconds: float = 48.0,
        pool: int = 256,
        severity: Severity = DEFAULT,
        mild_epochs: int = 0,
    ) -> None:
        self.sources = sources
        self.seed = seed
        self.epoch = 0
        self.batch_seconds = batch_seconds
        self.pool = pool
        self.severity = severity
        self.mild_epochs = mild_epochs  # a network that knows nothing learns faster from these
        self._members = [_by_speaker(s.corpus) for s in sources]

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        rng = np.random.default_rng((self.seed, self.epoch, worker.id if worker else 0))
        waiting: list[Item] = []
        while True:
            drawn = [self._draw(rng) for _ in range(self.pool)]
            kept = waiting + [item for item in drawn if _fits(*item)]
            batches, waiting = _buckets(kept, self.batch_seconds)
            rng.shuffle(batches)
            yield from map(_collate, batches)

    def _draw(self, rng: np.random.Generator) -> Item:
        weights = np.array([s.weight for s in self.sources])
        which = int(rng.choice(len(self.sources), p=weights / weights.sum()))
        source = self.sources[which]
        first = int(rng.integers(len(source.corpus)))
        chosen = [first]
        count = int(rng.integers(source.join[0], source.join[1] + 1))
        if count > 1:
            mates = self._members[which][source.corpus.speakers[first]]
            chosen += [int(m) for m in rng.choice(mates, count - 1)]
        samples = _splice([source.corpus.utterance(i) for i in chosen], source.gap, rng)
        text = " ".join(source.corpus.texts[i] for i in chosen)
        severity = MILD if self.epoch < self.mild_epochs else self.severity
        other = self.sources[int(rng.integers(len(self.sources)))].corpus
        noise = other.utterance(int(rng.integers(len(other))))
        return fbank(spoil(samples, rng, severity, noise)), target(text)


def _by_speaker(corpus: Corpus) -> dict[str, list[int]]:
    members: dict[str, list[int]] = {}
    for index, speaker in enumerate(corpus.speakers):
        members.setdefault(speaker, []).append(index)
    return members


def _splice(
    pieces: list[npt.NDArray[np.float32]], gap: float, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Join pieces of one speaker: equal levels, random gaps, now and then none at all."""
    if len(pieces) == 1:
        return pieces[0]
    out: list[npt.NDArray[np.float32]] = []
    tight = rng.random() < 0.4
    for piece in pieces:
        level = float(np.sqrt(np.mean(piece**2))) + 1e-6
        out.append(piece * (0.1 / level) * np.float32(10 ** (rng.normal(0, 2) / 20)))
        pause = rng.uniform(0, 0.04 if tight else gap)
        out.append(np.zeros(int(RATE * pause), np.float32))
    return np.concatenate(out[:-1])


def _fits(features: npt.NDArray[np.float32], phones: list[int]) -> bool:
    """CTC needs one output per phone, and one more between equal neighbours."""
    repeats = sum(a == b for a, b in pairwise(phones))
    return len(features) // 3 >= len(phones) + repeats and len(features) < 1_500


def _buckets(items: list[Item], seconds: float) -> tuple[list[list[Item]], list[Item]]:
    """Items sorted by length → full batches of few distinct shapes, and what is left over.

    A shape that was seen before costs half of a new one (memory, compiled kernels), so
    lengths are rounded up to ``STEP`` frames and every length has one batch size."""
    batches: list[list[Item]] = []
    left: list[Item] = []
    by_length: dict[int, list[Item]] = {}
    for item in items:
        by_length.setdefault(_rounded(len(item[0])), []).append(item)
    for length, same in by_length.items():
        size = max(1, int(seconds * 100 / length))
        full = len(same) - len(same) % size
        batches += [same[at : at + size] for at in range(0, full, size)]
        left += same[full:]
    return batches, left


def _rounded(frames: int) -> int:
    return -(-frames // STEP) * STEP


def _collate(items: list[Item]) -> Batch:
    longest = _rounded(max(len(f) for f, _ in items))
    features = np.zeros((len(items), longest, items[0][0].shape[1]), np.float32)
    for row, (frames, _) in enumerate(items):
        features[row, : len(frames)] = frames
        features[row, len(frames) :] = frames[-1]
    most = max(len(p) for _, p in items)
    phones = np.zeros((len(items), most), np.int64)
    for row, (_, sequence) in enumerate(items):
        phones[row, : len(sequence)] = sequence
    return Batch(
        torch.from_numpy(features),
        torch.tensor([len(f) for f, _ in items]),
        torch.from_numpy(phones),
        torch.tensor([len(p) for _, p in items]),
    )
