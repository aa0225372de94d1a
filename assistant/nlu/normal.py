"""Normal forms of Vietnamese text: one spelling per word, and looser forms to compare with."""

from __future__ import annotations

import re
import unicodedata

UNKNOWN_WORD = "[unk]"

_TONES = {"\u0300": "2", "\u0301": "1", "\u0309": "3", "\u0303": "4", "\u0323": "5"}
_OLD_TONES = {
    first + unicodedata.normalize("NFC", second + tone): unicodedata.normalize(
        "NFC", first + tone + second
    )
    for first, second in (("o", "a"), ("o", "e"), ("u", "y"))
    for tone in _TONES
}
_WORD = re.compile(r"\[unk\]|\d+/[^\W\d_]+-[^\W\d_]+|\w+-\w+|\w+", re.UNICODE)


def clean(text: str) -> str:
    """Lower-case NFC words separated by single spaces, punctuation dropped."""
    return " ".join(words_of(text))


def words_of(text: str) -> list[str]:
    """The words of a text, lower-case NFC; "[unk]" stays one word, "0123.456" two."""
    found: list[str] = []
    for word in _WORD.findall(unicodedata.normalize("NFC", text).lower()):
        found += [word] if _is_one_word(word) else re.split(r"[-/]", word)
    return [_respell(word) for word in found if word]


def _respell(word: str) -> str:
    """One spelling for the two places of a tone: "hoà" and "huỷ" become "hòa" and "hủy"."""
    if word[-2:] in _OLD_TONES and not word.startswith("qu"):
        return word[:-2] + _OLD_TONES[word[-2:]]
    return word


def _is_one_word(word: str) -> bool:
    """A form number such as "tk1-ts" stays whole; "dê-rô" and "0123-456" are two words."""
    return word == UNKNOWN_WORD or (
        any(c.isdigit() for c in word) and any(c.isalpha() for c in word)
    )


def toned(word: str) -> str:
    """The word with its tone as a trailing digit, so that "hoà" and "hòa" are one: "hoa2"."""
    base, tone = _split_tone(word)
    return base + tone


def toneless(word: str) -> str:
    """The word without its tone but with its vowel quality: "khẩu" → "khâu"."""
    return _split_tone(word)[0]


def bare(word: str) -> str:
    """The word in plain letters: "đổi" → "doi"; what people type without diacritics."""
    marks = unicodedata.normalize("NFD", word.replace("đ", "d"))
    return "".join(c for c in marks if not unicodedata.combining(c))


def _split_tone(word: str) -> tuple[str, str]:
    tone, kept = "", []
    for c in unicodedata.normalize("NFD", word):
        if c in _TONES:
            tone = _TONES[c]
        else:
            kept.append(c)
    return unicodedata.normalize("NFC", "".join(kept)), tone
