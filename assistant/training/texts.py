"""What synthetic callers say, and what the default grammar is counted from.

Codes and answers as callers speak them (``assistant.nlu.saying`` and the phrase tables), the
assistant's own prompts, sentences of the public text sets, and random syllables.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from assistant.asr.lexicon import UNKNOWN, pronunciations, text_phones
from assistant.nlu import phrases, vocabulary
from assistant.nlu.saying import Style, say_digits
from assistant.nlu.types import JOINT, Expect
from assistant.training.corpus import clean_text

LENGTHS = (1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 10, 10, 10, 10, 12)
STYLES = (
    *[Style.SINGLES] * 9, *[Style.PAIRS] * 3, *[Style.THREES] * 3, *[Style.PHONE] * 2,
    Style.REPEATS, *[Style.CARDINAL] * 4,
)  # fmt: skip

NUMBER_WORDS = (
    "không một mốt hai ba bốn tư năm lăm nhăm sáu bảy bẩy tám chín mười mươi chục trăm linh lẻ "
    "nghìn ngàn triệu tỷ"
).split()
TAKES_ROI = ("đúng", "sai", "phải", "nhầm")
ANSWERS = (
    *["đúng"] * 5, *["không"] * 3, "đúng vậy", "đúng thế", "đúng số đó", "sai", "phải", "nhầm",
    "không phải", "không đúng", "chính xác", "chưa đúng", "vâng", "dạ", "được", "đồng ý",
    "không còn", "không cần", "nhắc lại", "quên mật khẩu", "cấp lại mật khẩu",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Amounts:
    """How many synthetic utterances of each kind."""

    digits: int = 16_000
    phrases: int = 6_000
    short: int = 2_500
    sentences: int = 9_000
    syllables: int = 4_000


def digit_words(rng: random.Random) -> list[str]:
    """A code, a part of one or a number, in a random reading."""
    count = rng.choice(LENGTHS)
    style = rng.choice(STYLES)
    if style is Style.CARDINAL:
        count = rng.choice((2, 3, 4, 5, 6, 7, 8, 9, 9, 9))
    digits = "".join(rng.choice("0123456789") for _ in range(count))
    if style is Style.CARDINAL:
        digits = rng.choice("123456789") + digits[1:]
    return say_digits(digits, style, rng)


def answer(rng: random.Random) -> str:
    """A short answer as callers give it to "đúng không ạ?"."""
    before = rng.choice(("", "", "", "dạ ", "vâng ", "à "))
    core = rng.choice(ANSWERS)
    return before + core + rng.choice(("", "", "", " ạ", " rồi" if core in TAKES_ROI else ""))


def phrase_list() -> list[str]:
    """Every phrase of the tables that can be spelled out."""
    found = dict.fromkeys(p.replace(JOINT, " ") for e in Expect for p in phrases(e) if p != UNKNOWN)
    return [p for p in found if len(p.split()) <= 14 and text_phones(p)]


def prompt_lines(prompts: Path) -> list[str]:
    """The assistant's own sentences, cut at punctuation."""
    entries = yaml.safe_load((prompts / "prompts.yaml").read_text(encoding="utf-8"))["prompts"]
    lines: list[str] = []
    for entry in entries.values():
        text = str(entry.get("speak", entry["text"]))
        for mark in ".,;:?!–":
            text = text.replace(mark, "\n")
        lines += [clean_text(part) for part in text.split("\n")]
    return [line for line in dict.fromkeys(lines) if line and text_phones(line)]


def sentences(folder: Path | None, rng: random.Random) -> list[str]:
    """Stretches of 3-12 words of the public texts (``*.txt``); none without a folder."""
    found: list[str] = []
    for path in sorted(folder.glob("*.txt")) if folder else ():
        for line in path.read_text(encoding="utf-8").splitlines():
            words = clean_text(line).split()
            cut = (
                " ".join(words[at : at + rng.randrange(3, 13)]) for at in range(0, len(words), 12)
            )
            found += [part for part in cut if part and text_phones(part)]
    rng.shuffle(found)
    return found


def code_texts(count: int, rng: random.Random) -> list[str]:
    """What synthetic callers read out: codes and numbers, some with a lead ("mã số là")."""
    leads = [p.replace(JOINT, " ") for p in phrases(Expect.CODE) if p.endswith(" là")]
    lines = []
    for _ in range(count):
        lead = rng.choice(leads).split() if leads and rng.random() < 0.15 else []
        lines.append(" ".join(lead + digit_words(rng)))
    return [line for line in lines if text_phones(line)]


def speech_texts(
    amounts: Amounts, prompts: Path, text_folder: Path | None, rng: random.Random
) -> list[str]:
    """Everything else they say: phrases of the tables, short answers, sentences, syllables."""
    table = phrase_list() + prompt_lines(prompts)
    lines = [" ".join(rng.sample(table, rng.choice((1, 1, 2)))) for _ in range(amounts.phrases)]
    lines += [answer(rng) for _ in range(amounts.short)]
    public = sentences(text_folder, rng)
    lines += public[: amounts.sentences]
    known = sorted({w for line in (*public, *table) for w in line.split()})
    lines += [" ".join(rng.choices(known, k=rng.randrange(1, 7))) for _ in range(amounts.syllables)]
    return [line for line in lines if text_phones(line)]


def model_words(text_folder: Path | None, common: int = 1_200) -> list[str]:
    """The model's vocabulary: every word of the tables, the commonest ``common`` syllables of
    the public texts, and the filler."""
    counts = Counter(w for line in sentences(text_folder, random.Random(1)) for w in line.split())
    extra = [w for w, _ in counts.most_common(common)]
    words = dict.fromkeys([*vocabulary(), *extra])
    return [*sorted(w for w in words if pronunciations(w)), UNKNOWN]


def grammar_sentences(
    prompts: Path, text_folder: Path | None, rng: random.Random, codes: int = 6_000
) -> list[Sequence[str]]:
    """Text of the default grammar: codes, phrases of every state, a little of everything."""
    lines: list[Sequence[str]] = [digit_words(rng) for _ in range(codes)]
    lines += [p.split() for p in phrase_list() for _ in range(3)]
    lines += [line.split() for line in sentences(text_folder, rng)[:6_000]]
    return lines
