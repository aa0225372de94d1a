"""Was a word after a read-back "đúng" or "không", whatever it was taken for?

On the telephone a "không" becomes a "sáu", a "đúng" a "đâu" or a "bốn". How likely either is by the
sound of the whole utterance tells more than the word that the search found. Two words that
are not understood may be one "không" too, but no "đúng": a "không đúng" sounds like a "đúng" with
something before it. What asks ("đúng không") is neither.
"""

from __future__ import annotations

from dataclasses import replace

from assistant.nlu.answers import asks
from assistant.nlu.normal import UNKNOWN_WORD
from assistant.nlu.types import FEW_WORDS, Expect, HeardWord, Interpretation, Rejection

ANSWERS = (("đúng",), ("không", "hông"))

# Chances, as if "đúng", "không" and anything else were said equally often; chosen on the telephone
# words of ../shared/speech/dev. A false yes costs more than a false no.
_YES, _NO = 0.5, 0.4
_NEITHER = 0.3  # an answer that was heard and is less likely is none
_FORMS = frozenset({UNKNOWN_WORD}).union(*ANSWERS)


def second_look(
    meaning: Interpretation, words: tuple[HeardWord, ...], expect: Expect
) -> Interpretation:
    """The meaning of an answer to a read-back, mended by how likely each answer is."""
    bare = meaning.intent is None and meaning.digits is None and meaning.correction is None
    if expect is not Expect.CONFIRM or not bare or not words or not words[0].chances:
        return meaning
    lone = len(words) == 1
    if not lone and (
        len(words) > FEW_WORDS or meaning.yes_no is not None or asks([word.text for word in words])
    ):
        return meaning
    yes, no = words[0].chances
    if no > max(_NO, yes):
        return replace(meaning, yes_no=False, rejection=None)
    if lone and yes > max(_YES, no):
        return replace(meaning, yes_no=True, rejection=None)
    heard = {True: yes, False: no, None: 1.0}[meaning.yes_no]
    if lone and words[0].text in _FORMS and heard < _NEITHER:
        return Interpretation(text=meaning.text, rejection=Rejection.LOW_CONFIDENCE)
    return meaning
