"""Was all that was said after a read-back "đúng" or "không", whatever it was taken for?

On the telephone a "không" becomes a "sáu", a "đúng" a "đâu" or "số đúng". How likely either is to
be all of the utterance, by its sound, tells more than the words that the search found.
"""

from __future__ import annotations

from dataclasses import replace

from assistant.nlu.normal import UNKNOWN_WORD
from assistant.nlu.types import Expect, HeardWord, Interpretation, Rejection

ANSWERS = (("đúng",), ("không", "hông"))
LOOKED_AT = frozenset({Expect.CONFIRM, Expect.CONFIRM_OR_MORE})

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
    if expect not in LOOKED_AT or not words or not words[0].alone or not bare:
        return meaning
    yes, no = words[0].alone
    if yes > max(_YES, no):
        return replace(meaning, yes_no=True, rejection=None)
    if no > max(_NO, yes):
        return replace(meaning, yes_no=False, rejection=None)
    heard = {True: yes, False: no, None: 1.0}[meaning.yes_no]
    if len(words) == 1 and words[0].text in _FORMS and heard < _NEITHER:
        return Interpretation(text=meaning.text, rejection=Rejection.LOW_CONFIDENCE)
    return meaning
