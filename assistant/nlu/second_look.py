"""Was a lone word after a read-back "đúng" or "không", whatever it was taken for?

On the telephone a "không" becomes a "sáu", a "đúng" a "đâu" or a "bốn". How well either would be
all of the utterance tells the two apart better than the word that the search found.
"""

from __future__ import annotations

from dataclasses import replace

from assistant.nlu.types import Expect, Fit, HeardWord, Interpretation, Rejection

ANSWERS = (("đúng",), ("không", "hông"))

# Nepers by which "đúng" fits better than "không", chosen on the telephone words of
# ../shared/speech/dev, clean and at 15 dB. A false yes costs more than asking again.
_NO_YES = -4.0  # a yes that fits "không" by so much is none
_NO_NO = 0.0  # a no that fits "đúng" better is none
_IS_YES = 3.0  # whatever it was taken for
_IS_NO = -4.0  # of what was taken for neither
_FITS, _LEAST = -20.0, -4.75  # nepers; anything that fits worse is another word


def second_look(
    meaning: Interpretation, words: tuple[HeardWord, ...], expect: Expect
) -> Interpretation:
    """The meaning of an answer to a read-back, mended by how well each answer fits."""
    bare = meaning.intent is None and meaning.digits is None and meaning.correction is None
    if expect is not Expect.CONFIRM or not bare or len(words) != 1 or not words[0].alone:
        return meaning
    yes, no = words[0].alone
    lean = yes.whole - no.whole
    if meaning.yes_no is True:
        return meaning if lean > _NO_YES else _not_sure(meaning)
    if lean > _IS_YES and _fits(yes):
        return replace(meaning, yes_no=True, rejection=None)
    if meaning.yes_no is False:
        return _not_sure(meaning) if lean > _NO_NO and _fits(yes) else meaning
    if lean < _IS_NO and _fits(no):
        return replace(meaning, yes_no=False, rejection=None)
    return meaning


def _fits(answer: Fit) -> bool:
    return answer.whole > _FITS and answer.least > _LEAST


def _not_sure(meaning: Interpretation) -> Interpretation:
    return Interpretation(text=meaning.text, rejection=Rejection.LOW_CONFIDENCE)
