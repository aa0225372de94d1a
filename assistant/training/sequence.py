"""Maximum mutual information over whole utterances, free of lattices.

The cross-entropy of frames asks for the right phone at every output; a decoder compares whole
readings. Here the reading that was said is compared with every sequence of phones a bigram
allows, under the decoder's own topology (CTC) and with its own scores
(Povey and others 2016; Xiang and Ou 2019 for the CTC topology).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from assistant.training.data import Batch
from assistant.training.net import SUBSAMPLING

_FLOOR = 1e-30
_NEVER = -1e9


def phone_bigram(
    readings: Iterable[tuple[Sequence[int], float]], phones: int, unigram: float = 0.1
) -> Tensor:
    """Probabilities (phones, phones): row p, column q: q follows p. Row and column 0, the blank's
    index, stand for the utterance's beginning and end.

    ``readings``: phone indices and how much they count. ``unigram``: share of the bare frequency
    of q in every row, so that nothing is impossible.
    """
    counts = np.zeros((phones, phones))
    for reading, weight in readings:
        for left, right in pairwise((0, *reading, 0)):
            counts[left, right] += weight
    bare = counts.sum(axis=0) + 1e-3
    bare /= bare.sum()
    rows = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-9)
    seen = counts.sum(axis=1, keepdims=True) > 0
    mixed = np.where(seen, (1 - unigram) * rows + unigram * bare, bare)
    return torch.from_numpy(mixed.astype(np.float32))


def any_reading(scores: Tensor, outputs: Tensor, bigram: Tensor) -> Tensor:
    """Log of the summed score of everything that can be said, per utterance.

    ``scores``: (batch, outputs, phones) log-scores, blank first; ``outputs``: how many are real.
    """
    follow = bigram[1:, 1:]
    apart = follow - torch.diag(torch.diagonal(follow))  # twice the same needs a blank between
    first, last = bigram[0, 1:], bigram[1:, 0]
    top = scores.detach().amax(dim=2, keepdim=True)
    emit = (scores - top).exp()
    batch, steps, phones = scores.shape
    held = scores.new_zeros(batch, phones - 1)  # in a phone
    after = scores.new_zeros(batch, phones - 1)  # in the blank behind it
    before = scores.new_ones(batch, 1)  # in the blank before the first
    total = scores.new_zeros(batch)
    for t in range(steps):
        inside = (t < outputs).unsqueeze(1)
        come = before * first + held @ apart + after @ follow
        now_held = (held + come) * emit[:, t, 1:]
        now_after = (held + after) * emit[:, t, :1]
        now_before = before * emit[:, t, :1]
        size = (now_held.sum(1) + now_after.sum(1) + now_before.sum(1)).clamp_min(_FLOOR)
        divide = size.unsqueeze(1)
        held = torch.where(inside, now_held / divide, held)
        after = torch.where(inside, now_after / divide, after)
        before = torch.where(inside, now_before / divide, before)
        total = total + torch.where(inside[:, 0], size.log() + top[:, t, 0], total.new_zeros(()))
    ends = (held + after) @ last + before[:, 0] * bigram[0, 0]
    return total + ends.clamp_min(_FLOOR).log()


def said_reading(scores: Tensor, outputs: Tensor, phones: Tensor, counts: Tensor) -> Tensor:
    """Log of the summed score of all alignments of what was said, per utterance.

    ``phones``: (batch, most phones), padded; ``counts``: how many are real. ``ctc_loss`` of torch
    would do, were its gradient not made for normalised scores only.
    """
    batch, most = phones.shape
    places = 2 * most + 1
    labels = scores.new_zeros(batch, places, dtype=torch.long)
    labels[:, 1::2] = phones
    emit = scores.gather(2, labels.unsqueeze(1).expand(-1, scores.shape[1], -1))
    place = torch.arange(places)
    skip = (place >= 2) & (place % 2 == 1) & (labels != labels.roll(2, dims=1))
    cost = torch.where(skip, 0.0, _NEVER)
    state = scores.new_full((batch, places), _NEVER)
    state = torch.where(place < 2, emit[:, 0], state)
    never = scores.new_full((batch, 2), _NEVER)
    for t in range(1, scores.shape[1]):
        padded = torch.cat([never, state], dim=1)
        options = torch.stack([state, padded[:, 1:-1], padded[:, :-2] + cost])
        now = torch.logsumexp(options, dim=0) + emit[:, t]
        state = torch.where((t < outputs).unsqueeze(1), now, state)
    ends = torch.stack([2 * counts, (2 * counts - 1).clamp_min(0)], dim=1)
    return torch.logsumexp(state.gather(1, ends), dim=1)


def prior_of_reading(phones: Tensor, counts: Tensor, bigram: Tensor) -> Tensor:
    """Log-probability of what was said by the bigram, per utterance."""
    edge = phones.new_zeros(len(phones), 1)
    left = torch.cat([edge, phones], dim=1)
    right = torch.cat([phones, edge], dim=1)
    places = torch.arange(left.shape[1]).unsqueeze(0)
    right = torch.where(places < counts.unsqueeze(1), right, right.new_zeros(()))
    steps = torch.where(places <= counts.unsqueeze(1), bigram[left, right].log(), 0.0)
    return steps.sum(dim=1)


def mutual_information(
    scores: Tensor, outputs: Tensor, phones: Tensor, counts: Tensor, bigram: Tensor
) -> Tensor:
    """The loss: minus the log-posterior of what was said, per output, over the batch.

    Utterances of no phones (sounds) are left to the frames' loss.
    """
    spoken = counts > 0
    if not bool(spoken.any()):
        return scores.new_zeros(())
    scores, outputs, phones, counts = (x[spoken] for x in (scores, outputs, phones, counts))
    said = said_reading(scores, outputs, phones, counts) + prior_of_reading(phones, counts, bigram)
    lost = any_reading(scores, outputs, bigram) - said
    possible = said > _NEVER / 2
    return lost[possible].sum() / outputs.sum()


@dataclass(frozen=True, slots=True)
class Criterion:
    """What a decoder will do with the outputs, for learning by it. ``bigram``: see
    ``phone_bigram``; ``priors``: (phones,), already softened; ``acoustic_scale`` as in decoding."""

    bigram: Tensor
    priors: Tensor
    acoustic_scale: float

    def loss(self, log_probs: Tensor, batch: Batch) -> Tensor:
        """``mutual_information`` of a batch's outputs."""
        outputs = torch.div(batch.frames + SUBSAMPLING - 1, SUBSAMPLING, rounding_mode="floor")
        scores = (log_probs - self.priors.log()) * self.acoustic_scale
        return mutual_information(scores, outputs, batch.phones, batch.phone_counts, self.bigram)
