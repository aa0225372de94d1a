"""The sequence criterion against every alignment of every reading, counted one by one."""

from __future__ import annotations

import itertools
import math

import pytest

torch = pytest.importorskip("torch")

from assistant.training.sequence import (  # noqa: E402
    any_reading,
    mutual_information,
    phone_bigram,
    prior_of_reading,
    said_reading,
)

OUTPUTS = 5
READINGS = [([1, 2], 2.0), ([2, 2, 1], 1.0), ([3], 1.0)]


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(p for i, p in enumerate(path) if p and (i == 0 or path[i - 1] != p))


def by_reading(scores: torch.Tensor) -> dict[tuple[int, ...], float]:
    """Summed score of every reading of one utterance."""
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(scores.shape[1]), repeat=len(scores)):
        score = math.exp(sum(float(scores[t, p]) for t, p in enumerate(path)))
        reading = collapsed(path)
        found[reading] = found.get(reading, 0.0) + score
    return found


def prior(reading: tuple[int, ...], bigram: torch.Tensor) -> float:
    return math.prod(float(bigram[a, b]) for a, b in itertools.pairwise((0, *reading, 0)))


@pytest.fixture
def scores() -> torch.Tensor:
    torch.manual_seed(7)
    return torch.randn(2, OUTPUTS + 1, 4)


def test_a_bigram_is_counted_and_leaves_nothing_impossible() -> None:
    bigram = phone_bigram(READINGS, 4)
    assert torch.allclose(bigram.sum(1), torch.ones(4), atol=1e-5)
    assert bool((bigram > 0).all())
    assert float(bigram[0, 1]) > float(bigram[0, 3])
    assert float(bigram[1, 2]) > float(bigram[1, 3])


def test_everything_that_can_be_said_is_summed(scores: torch.Tensor) -> None:
    bigram = phone_bigram(READINGS, 4)
    found = any_reading(scores, torch.tensor([OUTPUTS + 1, OUTPUTS]), bigram)
    for row, length in enumerate((OUTPUTS + 1, OUTPUTS)):
        total = sum(s * prior(r, bigram) for r, s in by_reading(scores[row, :length]).items())
        assert float(found[row]) == pytest.approx(math.log(total), abs=1e-3)


def test_all_alignments_of_what_was_said_are_summed(scores: torch.Tensor) -> None:
    phones = torch.tensor([[2, 2, 1], [3, 0, 0]])
    outputs, counts = torch.tensor([OUTPUTS + 1, OUTPUTS]), torch.tensor([3, 1])
    found = said_reading(scores, outputs, phones, counts)
    for row, reading in enumerate(((2, 2, 1), (3,))):
        expected = by_reading(scores[row, : int(outputs[row])])[reading]
        assert float(found[row]) == pytest.approx(math.log(expected), abs=1e-4)
    bigram = phone_bigram(READINGS, 4)
    priors = prior_of_reading(phones, counts, bigram)
    assert float(priors[1]) == pytest.approx(math.log(prior((3,), bigram)), abs=1e-5)


def test_learning_by_it_makes_what_was_said_the_likeliest() -> None:
    torch.manual_seed(3)
    bigram = phone_bigram(READINGS, 4)
    weights = torch.zeros(2, OUTPUTS, 4, requires_grad=True)
    outputs, phones = torch.tensor([OUTPUTS, OUTPUTS]), torch.tensor([[1, 2], [3, 0]])
    counts = torch.tensor([2, 1])
    optimizer = torch.optim.Adam([weights], 0.3)
    first = None
    for _ in range(60):
        optimizer.zero_grad()
        loss = mutual_information(weights, outputs, phones, counts, bigram)
        first = first or float(loss.detach())
        loss.backward()
        optimizer.step()
    assert 0 <= float(loss.detach()) < first / 5
    best = max(by_reading(weights[0].detach()).items(), key=lambda kv: kv[1])[0]
    assert best == (1, 2)


def test_sounds_without_words_are_no_business_of_it() -> None:
    nothing = torch.zeros(1, 0, dtype=torch.long)
    loss = mutual_information(torch.zeros(1, 4, 4), torch.tensor([4]), nothing,
                              torch.tensor([0]), phone_bigram(READINGS, 4))  # fmt: skip
    assert float(loss) == 0.0
