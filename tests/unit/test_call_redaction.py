"""Nothing that is written holds a code: words, keys, and sound."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from assistant.asr.types import EndReason, Word
from assistant.call import Turn, redact_words
from assistant.call.recording import caller_spans, mix, redact_assistant, redact_caller
from assistant.call.redaction import carries_digits, redact_keys, reveal_digits
from assistant.dialogue.types import Reply, Say, SayDigits
from assistant.nlu import tables
from assistant.nlu.types import Correction, DigitSpan, Expect, Intent, Interpretation

RATE = 8_000
NOTHING = Interpretation()


@pytest.mark.parametrize(
    ("expect", "words", "heard", "masked"),
    [
        (Expect.CODE, "mã của tôi là không một hai", NOTHING, "mã của tôi là • • •"),
        (Expect.CODE, "hai mươi lăm", NOTHING, "• • •"),
        (Expect.CODE, "một trăm linh năm", NOTHING, "• • • •"),
        (Expect.CODE, "hay ba", NOTHING, "• •"),
        (Expect.SECRET, "bốn tám", NOTHING, "• •"),
        (Expect.MENU, "tôi quên mật khẩu", NOTHING, "tôi quên mật khẩu"),
        (
            Expect.MENU,
            "cho hỏi một chút",
            Interpretation(intent=Intent.FAQ_FEE),
            "cho hỏi một chút",
        ),
        (Expect.MORE, "bảy [unk] ba [unk] một", NOTHING, "• [unk] • [unk] •"),
        (Expect.MENU, "quên rồi chín tám", Interpretation(intent=Intent.RESET), "quên rồi • •"),
        (Expect.MENU, "mã là chín tám bảy", NOTHING, "mã là • • •"),
        (Expect.CONFIRM, "không", Interpretation(yes_no=False), "không"),
        (
            Expect.CONFIRM,
            "số cuối là bảy",
            Interpretation(correction=Correction(position=-1, digits="7")),
            "số cuối là •",
        ),
        (Expect.MENU, "không", Interpretation(digits=DigitSpan("0")), "•"),
        (Expect.MENU, "gọi 0912345678", NOTHING, "gọi •"),
    ],
)
def test_words(expect: Expect, words: str, heard: Interpretation, masked: str) -> None:
    assert " ".join(redact_words(words.split(), expect, heard)) == masked


@pytest.mark.parametrize(
    ("keys", "masked"), [("8", "8"), ("0123#", "••••#"), ("01*2", "••*•"), ("", "")]
)
def test_keys(keys: str, masked: str) -> None:
    assert redact_keys(keys) == masked


def test_a_reply_is_revealed_in_order() -> None:
    reply = Reply(
        (
            Say("readback"),
            SayDigits("0123456789", (4, 3, 3)),
            SayDigits("482915", (3, 3), secret=True),
            SayDigits("482915", (3, 3), secret=True),
        )
    )
    masked = "Mã: •••• ••• ••• mới •••••• lại ••••••."
    assert reveal_digits(masked, reply) == "Mã: 0123 456 789 mới 482 915 lại 482 915."


def test_in_doubt_a_turn_carries_digits() -> None:
    assert carries_digits(Expect.MENU, NOTHING)
    assert carries_digits(Expect.CODE, Interpretation(intent=Intent.REPEAT))
    assert carries_digits(Expect.SECRET, Interpretation(intent=Intent.REPEAT))
    assert carries_digits(Expect.MENU, Interpretation(digits=DigitSpan("12")))
    assert not carries_digits(Expect.MENU, Interpretation(intent=Intent.RESET))
    assert not carries_digits(Expect.CONFIRM, Interpretation(yes_no=True))


def turn(expect: Expect, said: str, heard: Interpretation, listened: float, ended: float) -> Turn:
    words = tuple(Word(text, 0.0, 0.1, 0.9) for text in said.split())
    return Turn(
        expect=expect,
        prompt="",
        asked=0.0,
        listened=listened,
        ended=ended,
        end_reason=EndReason.SILENCE,
        words=words,
        heard=heard,
    )


def test_no_digit_of_a_turn_is_written_unless_revealed() -> None:
    rng = random.Random(4)
    usual = [words[0] for words in tables.numbers().words.values()]
    said = " ".join(rng.choices(usual, k=10))
    record = turn(Expect.CODE, said, Interpretation(digits=DigitSpan("1" * 10)), 0, 1)
    written = json.dumps(record.as_dict(reveal=False), ensure_ascii=False) + repr(record)
    assert not any(f" {word} " in f" {record.said(False)} " for word in usual)
    assert said not in written
    assert "1111111111" not in written
    assert record.said(True) == said


def test_repr_of_a_turn_of_keys_hides_them() -> None:
    record = Turn(Expect.CODE, "", 0.0, keys="9123456780")
    assert "9123456780" not in repr(record)
    assert "9123456780" not in json.dumps(record.as_dict(reveal=False))


def ramp(seconds: float) -> bytes:
    """Samples that are all different from zero and from each other's neighbours."""
    return (np.arange(round(seconds * RATE)) % 999 + 1000).astype("<i2").tobytes()


def test_only_understood_turns_without_digits_keep_their_sound() -> None:
    turns = [
        turn(Expect.MENU, "quên mật khẩu", Interpretation(intent=Intent.RESET), 1.0, 2.0),
        turn(Expect.CODE, "một hai", Interpretation(digits=DigitSpan("12")), 3.0, 4.0),
        turn(Expect.MENU, "gì đó", Interpretation(), 5.0, 6.0),
        Turn(Expect.CONFIRM, "", 6.0, listened=7.0, ended=8.0),  # silence: nobody knows
        Turn(Expect.CONFIRM, "", 8.0, listened=9.0),  # hung up in mid-turn
    ]
    keep, tone = caller_spans(turns, pre_roll=0.4)
    assert keep == [(0.6, 2.0)]
    assert tone == [(2.6, 4.0), (4.6, 6.0), (8.6, float("inf"))]
    original = np.frombuffer(ramp(10), "<i2")
    redacted = np.frombuffer(redact_caller(ramp(10), RATE, keep, tone), "<i2")
    assert np.array_equal(redacted[5_000:16_000], original[5_000:16_000])
    assert not redacted[: round(0.6 * RATE) - 1].any()
    assert not redacted[round(6.1 * RATE) : round(8.5 * RATE)].any()
    for start, end in ((2.6, 4.0), (4.6, 6.0), (8.6, 10.0)):
        part = slice(round(start * RATE), round(end * RATE))
        assert np.mean(redacted[part] == original[part]) < 0.01
        assert np.abs(redacted[part]).max() > 1_000, "a tone, so that it is heard as covered"


def test_the_assistants_digits_become_a_tone() -> None:
    original = np.frombuffer(ramp(3), "<i2")
    redacted = np.frombuffer(redact_assistant(ramp(3), RATE, [(1.0, 2.0)]), "<i2")
    inside = slice(round(1.0 * RATE), round(2.0 * RATE))
    assert np.mean(redacted[inside] == original[inside]) < 0.01
    assert np.array_equal(redacted[: round(0.97 * RATE)], original[: round(0.97 * RATE)])
    assert np.array_equal(redacted[round(2.03 * RATE) :], original[round(2.03 * RATE) :])


def test_mixing_limits_and_keeps_the_longer_side() -> None:
    one, other = np.array([30_000, 1, -30_000], "<i2"), np.array([30_000, 2], "<i2")
    mixed = np.frombuffer(mix(one.tobytes(), other.tobytes()), "<i2")
    assert mixed.tolist() == [32_767, 3, -30_000]
