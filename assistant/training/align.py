"""Where each word of a sentence is, by CTC forced alignment; single words cut out of sentences.

Sentences of many people hold the words a caller says to us only now and then. Cut out, they
can be joined into codes and answers that no corpus has, spoken by people.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt
import torch

from assistant.training.augment import RATE
from assistant.training.corpus import Corpus, pack
from assistant.training.data import PHONE_INDEX
from assistant.training.features import fbank
from assistant.training.lexicon import pronunciations
from assistant.training.net import AcousticNet

FRAME = 0.03  # seconds an output of the network stands for
_REACH = 0.16  # s before the first and after the last phone's peak, where nobody else speaks


def viterbi(log_probs: npt.NDArray[np.float32], phones: list[int]) -> list[int] | None:
    """Frame of the best CTC path at which each phone is strongest, or None when it is too short.

    ``log_probs``: (frames, phones), blank at index 0.
    """
    labels = [0]
    for phone in phones:
        labels += [phone, 0]
    frames, count = len(log_probs), len(labels)
    emit = log_probs[:, labels]
    skip = np.array([i >= 2 and labels[i] != 0 and labels[i] != labels[i - 2]
                     for i in range(count)])  # fmt: skip
    score = np.full(count, -np.inf)
    score[:2] = emit[0, :2]
    back = np.zeros((frames, count), np.int8)
    for t in range(1, frames):
        one = np.concatenate([[-np.inf], score[:-1]])
        two = np.where(skip, np.concatenate([[-np.inf, -np.inf], score[:-2]]), -np.inf)
        options = np.stack([score, one, two])
        back[t] = options.argmax(axis=0)
        score = options.max(axis=0) + emit[t]
    state = count - 1 if score[-1] >= score[-2] else count - 2
    if not np.isfinite(score[state]):
        return None
    best: dict[int, tuple[float, int]] = {}
    for t in range(frames - 1, -1, -1):
        if state % 2:
            here = (float(emit[t, state]), t)
            best[state // 2] = max(best.get(state // 2, here), here)
        state -= int(back[t, state])
    return [best[i][1] for i in range(len(phones))] if len(best) == len(phones) else None


@torch.no_grad()
def word_spans(
    net: AcousticNet, samples: npt.NDArray[np.float32], text: str
) -> list[tuple[str, int, int, float]] | None:
    """(word, first sample, one past the last, mean log-probability of its phones) per word.

    Boundaries are put where the sound is weakest between two words' phones.
    """
    features = fbank(samples)
    if len(features) < 10:
        return None
    log_probs = net(torch.from_numpy(features)[None])[0].numpy()
    words = text.split()
    phones = [[PHONE_INDEX[p] for p in pronunciations(w)[0]] for w in words]
    peaks = viterbi(log_probs, [p for word in phones for p in word])
    if peaks is None:
        return None
    energy = features.mean(axis=1)
    spans, at, cut = [], 0, max(0, int((peaks[0] * FRAME - _REACH) * 100))
    for index, (word, own) in enumerate(zip(words, phones, strict=True)):
        last = peaks[at + len(own) - 1]
        if index + 1 < len(words):
            low, high = last * 3 + 1, max(peaks[at + len(own)] * 3, last * 3 + 2)
            end = low + int(energy[low : high + 1].argmin())
        else:
            end = min(len(energy), int((last * FRAME + _REACH + 0.05) * 100))
        sure = float(np.mean([log_probs[peaks[at + k], p] for k, p in enumerate(own)]))
        spans.append((word, cut * RATE // 100, end * RATE // 100, sure))
        at, cut = at + len(own), end
    return spans


def cut_words(
    net: AcousticNet, corpus: Corpus, wanted: Collection[str], sure: float = -1.2
) -> Iterator[tuple[npt.NDArray[np.int16], str, str]]:
    """(samples, word, speaker) of the wanted words that align well and last 0.1-0.7 s."""
    net.eval()
    for index, text in enumerate(corpus.texts):
        if not any(word in wanted for word in text.split()):
            continue
        samples = corpus.utterance(index)
        for word, start, end, score in word_spans(net, samples, text) or ():
            length = (end - start) / RATE
            if word in wanted and score >= sure and 0.1 <= length <= 0.7:
                piece = np.round(samples[start:end] * 32767).astype(np.int16)
                yield piece, word, corpus.speakers[index]


def balanced(
    items: list[tuple[npt.NDArray[np.int16], str, str]], per_word: int, rng: np.random.Generator
) -> Corpus:
    """A corpus with ``per_word`` utterances of every word, rare ones repeated."""
    by_word: dict[str, list[int]] = {}
    for index, (_, word, _) in enumerate(items):
        by_word.setdefault(word, []).append(index)
    chosen = [int(i) for ids in by_word.values() for i in rng.choice(ids, per_word)]
    return pack([(items[i][0], items[i][1], "people") for i in chosen])
