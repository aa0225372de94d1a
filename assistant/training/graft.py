"""Words that people hardly ever say in the recordings, made of syllables that they do say.

Two people in all the recordings say "tám", but a dozen say "đám", "khám" or "cám", and everybody
says "t": an initial of one syllable and the rime of another, of the same speaker where there is
one, make a word of the wanted kind with a person's voice, in far more voices than there are
recordings of it.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from assistant.asr.lexicon import INITIALS, pronunciations
from assistant.training.augment import RATE
from assistant.training.corpus import Change, Corpus, to_model_rate
from assistant.training.cut import Piece, word_spans

_FADE = 80  # samples; initial and rime overlap by this much
_SHORTEST, _LONGEST = 0.09, 0.8  # s, of a word
_INITIALS = frozenset(phone for _, phone in INITIALS)
_LOUDEST = 4.0  # an initial is made at most so much louder or softer


@dataclass(frozen=True, slots=True)
class _Part:
    """An initial or a rime somewhere in a corpus."""

    corpus: Corpus
    index: int
    start: int
    end: int
    spans: npt.NDArray[np.int32]  # of its phones, counted from ``start``
    nucleus: str
    loudness: float  # RMS of the nucleus of its syllable

    @property
    def speaker(self) -> str:
        return self.corpus.speakers[self.index]

    def samples(self, before: int = 0, after: int = 0) -> npt.NDArray[np.float32]:
        low, high = self.corpus.bounds(self.index)
        start, end = max(low + self.start - before, low), min(low + self.end + after, high)
        return self.corpus.samples[start:end].astype(np.float32)


@dataclass(slots=True)
class _Parts:
    """Initials by phone, rimes by phones."""

    initials: dict[str, list[_Part]]
    rimes: dict[tuple[str, ...], list[_Part]]


def _collect(corpora: Sequence[Corpus]) -> _Parts:
    parts = _Parts({}, {})
    for corpus in corpora:
        for index in range(len(corpus)):
            sound = corpus.utterance(index)
            for word, spans in word_spans(corpus, index):
                _add(parts, corpus, index, pronunciations(word)[0], spans, sound)
    return parts


def _add(parts: _Parts, corpus: Corpus, index: int, phones: tuple[str, ...],
         spans: npt.NDArray[np.int32], sound: npt.NDArray[np.float32]) -> None:  # fmt: skip
    """Take one word apart; words without an initial, or of several syllables, give rimes only."""
    nuclei = [i for i, p in enumerate(phones) if "_" in p]
    if len(nuclei) != 1:
        return
    first = 1 if phones[0] in _INITIALS else 0
    nucleus = phones[nuclei[0]].split("_")[0]
    start, end = spans[nuclei[0]]
    heard = sound[start:end]
    if not len(heard):  # squeezed to nothing at an utterance's edge
        return
    loudness = float(np.sqrt(np.mean(heard**2))) + 1e-4

    def part(low: int, high: int) -> _Part:
        inside = spans[low:high]
        return _Part(corpus, index, int(inside[0, 0]), int(inside[-1, 1]),
                     inside - inside[0, 0], nucleus, loudness)  # fmt: skip

    if first:
        parts.initials.setdefault(phones[0], []).append(part(0, 1))
    parts.rimes.setdefault(phones[first:], []).append(part(first, len(phones)))


def grafts(corpora: Sequence[Corpus], wanted: Collection[str], per_word: int,
           rng: np.random.Generator) -> Iterator[Piece]:  # fmt: skip
    """``per_word`` pieces of every wanted one-syllable word that begins with an initial and whose
    parts the aligned corpora hold."""
    parts = _collect(corpora)
    for word in wanted:
        phones = pronunciations(word)[0]
        initials = parts.initials.get(phones[0], [])
        by_speaker: dict[str, list[_Part]] = {}
        for part in parts.rimes.get(phones[1:], []):
            by_speaker.setdefault(part.speaker, []).append(part)
        speakers = sorted(by_speaker)
        for _ in range(per_word if speakers and initials else 0):
            mine = by_speaker[speakers[int(rng.integers(len(speakers)))]]
            rime = mine[int(rng.integers(len(mine)))]
            initial = _matching(initials, rime, rng)
            piece = _joined(initial, rime, word)
            if _SHORTEST <= len(piece[0]) / RATE <= _LONGEST:
                yield piece


def changed(pieces: Sequence[Piece], change: Change, seed: int, workers: int = 1) -> list[Piece]:
    """Every piece after ``change`` (another voice, say), its phones where they went. Chance is
    drawn from (seed, piece); ``workers``: processes."""
    jobs = [(piece, (seed, number)) for number, piece in enumerate(pieces)]
    one = partial(_changed, change=change)
    if workers == 1:
        return list(map(one, jobs))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        return list(pool.map(one, jobs, chunksize=64))


def _changed(job: tuple[Piece, tuple[int, int]], change: Change) -> Piece:
    (samples, text, speaker, spans), seed = job
    rng = np.random.default_rng(seed)
    made = change(samples.astype(np.float32) / np.float32(32768), RATE, rng)
    moved = np.round(spans * (len(made) / len(samples))).astype(np.int32)
    return to_model_rate(made, RATE), text, speaker, moved.clip(0, len(made))


def _matching(initials: list[_Part], rime: _Part, rng: np.random.Generator) -> _Part:
    """An initial of the same speaker before the same vowel, or of the same speaker, or any."""
    own = [p for p in initials if p.speaker == rime.speaker]
    near = [p for p in own if p.nucleus == rime.nucleus]
    choice = near or own or initials
    return choice[int(rng.integers(len(choice)))]


def _joined(initial: _Part, rime: _Part, word: str) -> Piece:
    half = _FADE // 2
    head, tail = initial.samples(after=half), rime.samples(before=half)
    head *= np.clip(rime.loudness / initial.loudness, 1 / _LOUDEST, _LOUDEST)
    fade = min(_FADE, len(head), len(tail))
    up = np.linspace(0, 1, fade, dtype=np.float32)
    middle = head[len(head) - fade :] * (1 - up) + tail[:fade] * up
    samples = np.concatenate([head[: len(head) - fade], middle, tail[fade:]])
    at = initial.end - initial.start
    spans = np.concatenate([initial.spans, rime.spans + at]).clip(0, len(samples))
    rounded = np.round(np.clip(samples, -32768, 32767)).astype(np.int16)
    return rounded, word, rime.speaker, spans.astype(np.int32)
