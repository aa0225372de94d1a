"""What is heard how often: shares of synthetic speech, of people, of pieces cut from them."""

from __future__ import annotations

from dataclasses import replace

from assistant.training.corpus import Corpus
from assistant.training.data import Source

SYNTHETIC = {"codes": 0.14, "speech": 0.26}  # shares of what is heard; people say the rest


def sources_of(corpora: dict[str, Corpus]) -> list[Source]:
    """Synthetic speech in fixed shares; people's sentences by their length, their sets of single
    words joined into strings."""
    people = {name: c for name, c in corpora.items() if name not in SYNTHETIC}
    sources = [Source(corpora[name], share) for name, share in SYNTHETIC.items()]
    single = {n for n, c in people.items() if single_words_only(c)}
    hours = sum(c.hours for n, c in people.items() if n not in single)
    for name, corpus in people.items():
        share = 0.17 / len(single) if name in single else 0.83 * corpus.hours / hours
        sources.append(Source(corpus, share * 0.6, join=(1, 10) if name in single else (1, 1)))
    return sources


def with_pieces(known: dict[str, Corpus], cuts: dict[str, Corpus]) -> list[Source]:
    """Everything that was heard, and the pieces cut out of it."""
    sources = [replace(s, weight=s.weight * 0.55) for s in sources_of(known)]
    shares = {
        "numbers": (0.05, (1, 10)),
        "answers": (0.03, (1, 4)),
        "grafted-numbers": (0.07, (1, 10)),
        "grafted-answers": (0.03, (1, 4)),
        "slow-numbers": (0.10, (1, 10)),
        "slow-answers": (0.06, (1, 3)),
        "stretches": (0.12, (1, 2)),
    }
    for name, (share, join) in shares.items():
        if len(cuts[name]):
            sources.append(Source(cuts[name], share, join=join, gap=0.3))
    sources.append(Source(cuts["sounds"], 0.04))
    return sources


def single_words_only(corpus: Corpus) -> bool:
    """Whether every utterance is a word alone."""
    return all(" " not in text for text in corpus.texts)
