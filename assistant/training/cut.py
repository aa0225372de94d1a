"""Pieces of people's sentences: single words to build codes and answers of, and short stretches.

A stretch begins and ends as abruptly as a voice that end-pointing let in too late; a word can be
joined with others of its kind into strings that no corpus has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from assistant.asr.lexicon import pronunciations
from assistant.training.augment import RATE
from assistant.training.corpus import Corpus, Spans, pack

_SHORTEST, _LONGEST = 0.09, 0.8  # s, of a word
_SLACK = 0.02  # s; a cut is this much early or late, at most

Piece = tuple[npt.NDArray[np.int16], str, str, Spans]  # samples, text, speaker, spans of its phones


def word_spans(corpus: Corpus, index: int) -> list[tuple[str, Spans]]:
    """The words of an aligned utterance, each with the spans of its phones."""
    spans = corpus.spans_of(index)
    if spans is None:
        return []
    found, at = [], 0
    for word in corpus.texts[index].split():
        count = len(pronunciations(word)[0])
        found.append((word, spans[at : at + count]))
        at += count
    return found


def _piece(corpus: Corpus, index: int, words: Sequence[tuple[str, Spans]],
           rng: np.random.Generator) -> Piece:  # fmt: skip
    low, high = corpus.bounds(index)
    spans = np.concatenate([s for _, s in words])
    slack = rng.uniform(-_SLACK, _SLACK, 2) * RATE
    start = int(np.clip(spans[0, 0] - slack[0], 0, high - low - 1))
    end = int(np.clip(spans[-1, 1] + slack[1], start + 1, high - low))
    samples = corpus.samples[low + start : low + end]
    moved = np.clip(spans - start, 0, end - start).astype(np.int32)
    return samples, " ".join(w for w, _ in words), corpus.speakers[index], moved


def stretches(
    corpus: Corpus, rng: np.random.Generator, per_utterance: int, longest: int = 4
) -> Iterator[Piece]:
    """Random stretches of 1 to ``longest`` words."""
    for index in range(len(corpus)):
        words = word_spans(corpus, index)
        for _ in range(per_utterance if words else 0):
            first = int(rng.integers(len(words)))
            count = int(rng.integers(1, longest + 1))
            yield _piece(corpus, index, words[first : first + count], rng)


def single_words(
    corpus: Corpus, wanted: Collection[str], rng: np.random.Generator
) -> Iterator[Piece]:
    """Every wanted word that lasts as long as words do."""
    for index in range(len(corpus)):
        for word, spans in word_spans(corpus, index):
            length = (spans[-1, 1] - spans[0, 0]) / RATE
            if word in wanted and _SHORTEST <= length <= _LONGEST:
                yield _piece(corpus, index, [(word, spans)], rng)


def pieces_of(corpus: Corpus) -> Iterator[Piece]:
    """The utterances of an aligned corpus as pieces."""
    for index, (text, speaker) in enumerate(zip(corpus.texts, corpus.speakers, strict=True)):
        spans = corpus.spans_of(index)
        if spans is not None:
            yield corpus.samples[slice(*corpus.bounds(index))], text, speaker, spans


def packed(pieces: Sequence[Piece], speaker: str | None = None) -> Corpus:
    """Pieces as an aligned corpus; ``speaker``: one name for all, so that all can be joined."""
    items = [(samples, text, speaker or who) for samples, text, who, _ in pieces]
    return pack(items, [spans for _, _, _, spans in pieces])


def balanced(pieces: Sequence[Piece], per_word: int, rng: np.random.Generator) -> list[Piece]:
    """``per_word`` pieces of every text, rare ones repeated."""
    by_text: dict[str, list[int]] = {}
    for index, piece in enumerate(pieces):
        by_text.setdefault(piece[1], []).append(index)
    return [pieces[int(i)] for ids in by_text.values() for i in rng.choice(ids, per_word)]
