"""Spelling → phones. A Vietnamese syllable is initial + medial glide + toned nucleus + coda.

The tone rides on the nucleus ("a_6"), where most of its contour is heard. What large regions do
not tell apart is one phone: tr/ch, s/x, d/gi and the tones hỏi/ngã; no two words of a call
differ by it alone. r, v and the codas follow the spelling, and the network learns from its
speakers how likely each is to sound like another. Words that some regions say with another sound
altogether carry variants in ``VARIANTS``.
"""

from __future__ import annotations

import unicodedata
from itertools import chain, product

from assistant.nlu.types import JOINT

BLANK = "<blk>"  # CTC blank, and the only silence phone
UNKNOWN = "[unk]"

INITIALS = (
    ("ngh", "ng"), ("ng", "ng"), ("gh", "g"), ("gi", "d"), ("kh", "kh"), ("nh", "nh"),
    ("ph", "f"), ("th", "th"), ("tr", "ch"), ("ch", "ch"), ("qu", "k"), ("b", "b"), ("c", "k"),
    ("d", "d"), ("đ", "dd"), ("g", "g"), ("h", "h"), ("k", "k"), ("l", "l"), ("m", "m"),
    ("n", "n"), ("p", "p"), ("r", "r"), ("s", "s"), ("t", "t"), ("v", "v"), ("x", "s"),
)  # fmt: skip
CODAS = (
    ("ngh", "C:ng"), ("ng", "C:ng"), ("nh", "C:nh"), ("ch", "C:ch"), ("c", "C:k"), ("k", "C:k"),
    ("m", "C:m"), ("n", "C:n"), ("p", "C:p"), ("t", "C:t"), ("i", "C:j"), ("y", "C:j"),
    ("o", "C:w"), ("u", "C:w"),
)  # fmt: skip
NUCLEI = {
    "a": "a", "ă": "aw", "â": "aa", "e": "e", "ê": "ee", "i": "i", "y": "i", "o": "o",
    "ô": "oo", "ơ": "ow", "u": "u", "ư": "uw", "iê": "ie", "yê": "ie", "ia": "ie", "ya": "ie",
    "uô": "uo", "ua": "uo", "ươ": "uow", "ưa": "uow", "oo": "o", "ôô": "oo",
}  # fmt: skip
TONES = {"": "1", "\u0300": "2", "\u0309": "3", "\u0303": "3", "\u0301": "5", "\u0323": "6"}
MEDIAL = "w"

VARIANTS: dict[str, tuple[str, ...]] = {  # word → other spellings of how it is said
    "không": ("hông",),
    "một": ("mộc",),
    "vâng": ("dâng",),
    "mật": ("mậc",),
    "mươi": ("mơi",),
    "bốn": ("bống",),
    "chín": ("chính",),
    "nhắc": ("nhắt",),
    "được": ("đượt", "đưọc"),
}
SPOKEN_FORMS = {"vssid": "vê ét ét ai đi", "ok": "ô kê", "okay": "ô kê"}


def split_tone(syllable: str) -> tuple[str, str]:
    """("mật") → ("mât", "6"): the letters without the tone mark, and the tone
    (1 ngang, 2 huyền, 3 hỏi or ngã, 5 sắc, 6 nặng)."""
    tone = "1"
    letters = []
    for char in unicodedata.normalize("NFD", syllable):
        if char in TONES and char:
            tone = TONES[char]
        else:
            letters.append(char)
    return unicodedata.normalize("NFC", "".join(letters)), tone


def _take(text: str, table: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    for letters, phone in table:
        if text.startswith(letters):
            return letters, phone
    return "", ""


def _rime(rime: str, rounded: bool) -> tuple[list[str], str, str] | None:
    """Split a rime into (medial, nucleus, coda) or None when it is no Vietnamese rime."""
    medials: list[str] = [MEDIAL] if rounded else []
    candidates = [(medials, rime)]
    if not rounded and len(rime) > 1 and rime[0] in "ou" and rime[1] in "aăâeêiyơ":
        glide = (rime[0] == "o" and rime[1] in "aăe") or (rime[0] == "u" and rime[1] in "âeêyơ")
        if glide:
            candidates.insert(0, ([MEDIAL], rime[1:]))
    for medial, rest in candidates:
        for length in (2, 1):
            nucleus = NUCLEI.get(rest[:length])
            if nucleus is None or len(rest) < length:
                continue
            tail = rest[length:]
            if not tail:
                return medial, nucleus, ""
            letters, coda = _take(tail, CODAS)
            if letters == tail:
                if rest[:length] == "a" and tail in ("y", "u"):  # "tay", "tau": short a
                    return medial, "aw", coda
                return medial, nucleus, coda
    return None


def syllable_phones(syllable: str) -> tuple[str, ...] | None:
    """Phones of one syllable, or None when the spelling is not Vietnamese."""
    base, tone = split_tone(syllable.lower())
    letters, initial = _take(base, INITIALS)
    rest = base[len(letters) :]
    if letters == "gi" and (not rest or _rime(rest, False) is None):  # "gì", "gìn", "giêng"
        rest = "i" + rest
    rounded = letters == "qu"
    if not rest:
        return None
    parts = _rime(rest, rounded)
    if parts is None:
        return None
    medial, nucleus, coda = parts
    phones = [initial] if initial else []
    phones += medial
    phones.append(f"{nucleus}_{tone}")
    if coda:
        phones.append(coda)
    return tuple(phones)


def pronunciations(word: str) -> tuple[tuple[str, ...], ...]:
    """Every pronunciation of a word of the vocabulary ("tổng_đài_viên": of its syllables, one after
    the other); empty when it cannot be spelled out."""
    ways = [_ways(part) for part in word.split(JOINT)]
    return tuple(tuple(chain.from_iterable(parts)) for parts in product(*ways))


def _ways(word: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for spelling in (SPOKEN_FORMS.get(word, word), *VARIANTS.get(word, ())):
        parts = [syllable_phones(s) for s in spelling.split()]
        if all(p is not None for p in parts) and parts:
            phones = tuple(ph for p in parts if p is not None for ph in p)
            if phones not in found:
                found.append(phones)
    return found


def phone_table() -> tuple[str, ...]:
    """All phones in a fixed order; the index is the network's output, 0 is the blank."""
    initials = sorted({p for _, p in INITIALS})
    codas = sorted({p for _, p in CODAS})
    nuclei = sorted(set(NUCLEI.values()))
    toned = [f"{n}_{t}" for n in nuclei for t in sorted(set(TONES.values()))]
    return (BLANK, *initials, MEDIAL, *toned, *codas)


def text_phones(text: str) -> tuple[str, ...] | None:
    """Phones of a sentence for training, first variant of each word; None if a word fails."""
    phones: list[str] = []
    for word in text.split():
        found = pronunciations(word)
        if not found:
            return None
        phones.extend(found[0])
    return tuple(phones) or None
