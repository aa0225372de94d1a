"""The stream of training batches: draw, spoil, compute features, bucket by length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import IterableDataset, get_worker_info

from assistant.asr.lexicon import phone_table, text_phones
from assistant.asr.network import SUBSAMPLING
from assistant.training.augment import DEFAULT, MILD, RATE, Moved, Severity, spoil, unspoiled
from assistant.training.corpus import Corpus, Spans
from assistant.training.features import WINDOW, fbank, warped

Labels = npt.NDArray[np.int64]  # phone of every output; UNLABELLED where nobody knows
Features = npt.NDArray[np.float32]  # (frames, bins)
UNLABELLED = -1
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


@dataclass(frozen=True, slots=True)
class Item:
    """An utterance. ``clean``: its features on a good line, where they were asked for."""

    features: Features
    phones: list[int]
    labels: Labels
    clean: Features | None = None


@dataclass(slots=True)
class Batch:
    """``features``: (batch, frames, bins), padded; counts are of real frames/outputs/phones.
    ``labels``: (batch, outputs), UNLABELLED where the phone is not known. ``clean``: as
    ``features``, some of the utterances on a good line; None: not asked for."""

    features: torch.Tensor
    frames: torch.Tensor
    phones: torch.Tensor
    phone_counts: torch.Tensor
    labels: torch.Tensor
    clean: torch.Tensor | None = None

    @property
    def labelled(self) -> bool:
        """Whether any output's phone is known."""
        return bool((self.labels != UNLABELLED).any())

    @property
    def outputs(self) -> torch.Tensor:
        return torch.div(self.frames + SUBSAMPLING - 1, SUBSAMPLING, rounding_mode="floor")

    def to(self, device: torch.device) -> Batch:
        """With its arrays on ``device``; counts stay where they are."""
        return replace(
            self,
            features=self.features.to(device, non_blocking=True),
            phones=self.phones.to(device, non_blocking=True),
            labels=self.labels.to(device, non_blocking=True),
        )


def target(text: str) -> list[int]:
    """Phone indices of a text every word of which is spelled in Vietnamese; none for no words."""
    phones = text_phones(text) if text else ()
    if phones is None:
        raise ValueError("text is not spelled in Vietnamese")
    return [PHONE_INDEX[p] for p in phones]


class Stream(IterableDataset[Batch]):
    """Endless batches; worker ``w`` of epoch ``e`` draws from the seed (seed, e, w)."""

    def __init__(
        self,
        sources: list[Source],
        seed: int,
        batch_seconds: float = 80.0,
        pool: int = 384,
        severity: Severity = DEFAULT,
        mild_epochs: int = 0,
        mild_share: float = 0.25,
        clean_share: float = 0.0,
    ) -> None:
        self.sources = sources
        self.seed = seed
        self.epoch = 0
        self.batch_seconds = batch_seconds
        self.pool = pool
        self.severity = severity
        self.mild_epochs = mild_epochs  # a network that knows nothing learns faster from these
        self.mild_share = mild_share  # of the utterances of every later epoch
        self.clean_share = clean_share  # of the utterances that ``Batch.clean`` has unspoiled
        self._members = [_by_speaker(s.corpus) for s in sources]

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        rng = np.random.default_rng((self.seed, self.epoch, worker.id if worker else 0))
        waiting: list[Item] = []
        while True:
            drawn = [self._draw(rng) for _ in range(self.pool)]
            kept = waiting + [item for item in drawn if _fits(item)]
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
        pieces = [source.corpus.utterance(i) for i in chosen]
        samples, starts = _splice(pieces, source.gap, rng)
        phones = target(" ".join(source.corpus.texts[i] for i in chosen))
        mild = self.epoch < self.mild_epochs or rng.random() < self.mild_share
        severity = MILD if mild else self.severity
        other = self.sources[int(rng.integers(len(self.sources)))].corpus
        noise = other.utterance(int(rng.integers(len(other))))
        spoiled, moved = spoil(samples, rng, severity, noise)
        warp = float(np.exp(rng.uniform(-severity.warp, severity.warp)))
        features = warped(fbank(spoiled), warp)
        spans = [source.corpus.spans_of(i) for i in chosen]
        labels = _labels(len(features), phones, spans, starts, moved)
        if not self.clean_share:
            return Item(features, phones, labels)
        if rng.random() >= self.clean_share:
            return Item(features, phones, labels, features)
        clean = unspoiled(samples, moved, len(spoiled), rng)
        return Item(features, phones, labels, warped(fbank(clean), warp))


def _by_speaker(corpus: Corpus) -> dict[str, list[int]]:
    members: dict[str, list[int]] = {}
    for index, speaker in enumerate(corpus.speakers):
        members.setdefault(speaker, []).append(index)
    return members


def _labels(
    frames: int, phones: list[int], spans: list[Spans | None], starts: list[int], moved: Moved
) -> Labels:
    """Phone of every output: that whose span holds the output's middle, or the blank."""
    outputs = -(-frames // SUBSAMPLING)
    known = [s + at for s, at in zip(spans, starts, strict=True) if s is not None]
    if len(known) < len(spans):
        return np.full(outputs, UNLABELLED, np.int64)
    if not phones:
        return np.zeros(outputs, np.int64)
    bounds = np.concatenate(known) / moved.speed + moved.lead
    middle = np.arange(outputs) * SUBSAMPLING * (RATE // 100) + WINDOW // 2
    which = np.searchsorted(bounds[:, 0], middle, side="right") - 1
    inside = (which >= 0) & (middle < bounds[which.clip(0), 1])
    return np.where(inside, np.array(phones)[which.clip(0)], 0)


def _splice(
    pieces: list[npt.NDArray[np.float32]], gap: float, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float32], list[int]]:
    """Join pieces of one speaker: equal levels, random gaps, now and then none at all. Where
    each piece starts is told, too."""
    if len(pieces) == 1:
        return pieces[0], [0]
    out: list[npt.NDArray[np.float32]] = []
    starts, at = [], 0
    tight = rng.random() < 0.4
    for piece in pieces:
        level = float(np.sqrt(np.mean(piece**2))) + 1e-6
        out.append(piece * (0.1 / level) * np.float32(10 ** (rng.normal(0, 2) / 20)))
        pause = rng.uniform(0, 0.04 if tight else gap)
        out.append(np.zeros(int(RATE * pause), np.float32))
        starts.append(at)
        at += len(out[-2]) + len(out[-1])
    return np.concatenate(out[:-1]), starts


def _fits(item: Item) -> bool:
    """CTC needs one output per phone, and one more between equal neighbours."""
    frames, phones = len(item.features), item.phones
    repeats = sum(a == b for a, b in pairwise(phones))
    return frames // 3 >= len(phones) + repeats and frames < 1_500


def _buckets(items: list[Item], seconds: float) -> tuple[list[list[Item]], list[Item]]:
    """Items sorted by length → full batches of few distinct shapes, and what is left over.

    A shape that was seen before costs half of a new one (memory, compiled kernels), so
    lengths are rounded up to ``STEP`` frames and every length has one batch size."""
    batches: list[list[Item]] = []
    left: list[Item] = []
    by_length: dict[int, list[Item]] = {}
    for item in items:
        by_length.setdefault(_rounded(len(item.features)), []).append(item)
    for length, same in by_length.items():
        size = max(1, int(seconds * 100 / length))
        full = len(same) - len(same) % size
        batches += [same[at : at + size] for at in range(0, full, size)]
        left += same[full:]
    return batches, left


def _rounded(frames: int) -> int:
    return -(-frames // STEP) * STEP


def _collate(items: list[Item]) -> Batch:
    longest = _rounded(max(len(item.features) for item in items))
    most = max(len(item.phones) for item in items)
    phones = np.zeros((len(items), most), np.int64)
    labels = np.full((len(items), -(-longest // SUBSAMPLING)), UNLABELLED, np.int64)
    for row, item in enumerate(items):
        phones[row, : len(item.phones)] = item.phones
        labels[row, : len(item.labels)] = item.labels
    clean = [item.clean for item in items if item.clean is not None]
    return Batch(
        _padded([item.features for item in items], longest),
        torch.tensor([len(item.features) for item in items]),
        torch.from_numpy(phones),
        torch.tensor([len(item.phones) for item in items]),
        torch.from_numpy(labels),
        _padded(clean, longest) if clean else None,
    )


def _padded(each: list[Features], longest: int) -> torch.Tensor:
    """(utterances, ``longest``, bins): the last frame goes on to the end."""
    out = np.zeros((len(each), longest, each[0].shape[1]), np.float32)
    for row, frames in enumerate(each):
        out[row, : len(frames)] = frames
        out[row, len(frames) :] = frames[-1]
    return torch.from_numpy(out)
