"""Capturing: nothing without a yes, nothing with digits, nothing readable, not for ever."""

from __future__ import annotations

import csv
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assistant.asr.types import EndReason, Word
from assistant.batch.captures import Captured, Captures
from assistant.call.capture import CapturingModel, Utterance
from assistant.call.consent import PROMPT, ConsentTalk
from assistant.call.record import Turn
from assistant.cli.label import label_of
from assistant.dialogue.types import (
    Ask,
    CallStarted,
    EndOfCall,
    Event,
    Finish,
    Heard,
    HungUp,
    Keyed,
    Reply,
    Say,
    Silence,
)
from assistant.errors import AccountError, UsageError
from assistant.nlu.types import DigitSpan, Expect, Intent, Interpretation, Rejection
from assistant.settings import Capture, Settings
from tests.call_tools import FakeModel, ScriptedTalk, silence, spoken

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MENU = Ask(Reply((Say("greeting"),)), Expect.MENU)
CODE = Ask(Reply((Say("code_ask_both"),)), Expect.CODE)
BYE = Finish(Reply((Say("goodbye"),)), EndOfCall.DONE)


def heard(**meaning: object) -> Heard:
    return Heard(Interpretation(**meaning))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "given"),
    [
        (heard(yes_no=True), True),
        (Keyed("1"), True),
        (heard(yes_no=False), False),
        (heard(yes_no=True, rejection=Rejection.LOW_CONFIDENCE), False),
        (heard(), False),
        (Keyed("2"), False),
        (Keyed("8"), False),
        (Silence(), False),
    ],
)
def test_only_an_unmistakable_yes_is_consent(answer: Event, given: bool) -> None:
    found: list[bool] = []
    talk = ConsentTalk(ScriptedTalk([MENU, CODE, BYE]), found.append)
    first = talk.next(CallStarted())
    assert isinstance(first, Ask)
    assert first.reply.parts == (Say(PROMPT),)
    talk.next(answer)
    for _ in range(2):
        talk.next(HungUp())
    assert found == [given]


def test_a_caller_who_does_not_answer_is_served_at_once() -> None:
    for event in (Keyed("8"), heard(intent=Intent.RESET), heard(digits=DigitSpan("12345"))):
        inner = ScriptedTalk([MENU, CODE])
        talk = ConsentTalk(inner, lambda _: None)
        talk.next(CallStarted())
        assert talk.next(event) is CODE
        assert inner.events == [CallStarted(), event]


def test_hanging_up_on_the_question_is_no_consent() -> None:
    found: list[bool] = []
    talk = ConsentTalk(ScriptedTalk([BYE]), found.append)
    talk.next(CallStarted())
    talk.next(HungUp())
    assert found == [False]


def turn(words: tuple[Word, ...], expect: Expect, **meaning: object) -> Turn:
    interpretation = Interpretation(**meaning)  # type: ignore[arg-type]
    return Turn(expect, "", 0.0, 0.1, 1.0, words=words, heard=interpretation)


def test_turns_with_digits_are_not_kept_unless_invented() -> None:
    model = CapturingModel(FakeModel())
    recognizer = model.recognizer()
    spans = []
    for text in ("quên", "một hai", "đúng"):
        recognizer.begin(None, 8000)
        frames = [*spoken(text), *silence(0.1)]
        for frame in frames:
            recognizer.feed(frame)
        spans.append((recognizer.end(EndReason.SILENCE).words, b"".join(frames)))
    turns = [
        turn(spans[0][0], Expect.MENU, intent=Intent.RESET),
        turn(spans[1][0], Expect.CODE, digits=DigitSpan("12")),
        turn(spans[2][0], Expect.CONFIRM, yes_no=True),
    ]
    kept = list(model.utterances(turns, invented=False))
    assert [(one.heard, one.expect) for one in kept] == [
        ("quên", Expect.MENU),
        ("đúng", Expect.CONFIRM),
    ]
    assert kept[0].pcm == spans[0][1]
    assert len(list(model.utterances(turns, invented=True))) == 3


# --- at rest --------------------------------------------------------------------------


def store(folder: Path, days: int = 30) -> Captures:
    return Captures(Capture(folder=folder / "captures", days=days))


def utterance(text: str = "tôi quên mật khẩu") -> Utterance:
    return Utterance(b"\x01\x02" * 4000, 8000, Expect.MENU, text)


def test_at_rest_nothing_can_be_read_or_changed(tmp_path: Path) -> None:
    captures = store(tmp_path)
    kept = captures.add(utterance(), NOW)
    (path,) = (tmp_path / "captures").iterdir()
    content = path.read_bytes()
    assert "mật khẩu".encode() not in content
    assert b"\x01\x02" * 20 not in content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (back,) = store(tmp_path)
    assert (back.pcm, back.heard, back.rate, back.at) == (kept.pcm, kept.heard, 8000, NOW)
    for changed in (content[:-1] + bytes([content[-1] ^ 1]), content[:100], content[:5], b""):
        path.write_bytes(changed)
        with pytest.raises(UsageError, match="capture-unreadable"):
            list(captures)
    path.write_bytes(content)
    path.rename(path.with_name("20260301T120000Z-abc.capture"))
    with pytest.raises(UsageError, match=r"capture-unreadable.*ASSISTANT_CAPTURE__KEY_FILE"):
        list(captures)


def test_one_file_that_cannot_be_read_blocks_no_other(tmp_path: Path) -> None:
    captures = store(tmp_path)
    kept = [captures.add(utterance(text), NOW) for text in ("một", "hai", "ba")]
    bad = tmp_path / "captures" / f"{kept[1].id}.capture"
    bad.write_bytes(bad.read_bytes()[:50])
    assert [one.heard for one in captures] == ["một", "ba"]
    assert captures.unreadable == [bad.name]
    captures.label(kept[2], "ba")
    assert captures.export(tmp_path / "set") == 1
    assert captures.unreadable == [bad.name]
    assert captures.purge(NOW, everything=True) == 3
    assert list(captures) == []
    assert captures.unreadable == []


def test_a_damaged_key_names_the_captures_own_setting(tmp_path: Path) -> None:
    store(tmp_path)
    key = tmp_path / "captures.key"
    key.write_text("something else\n", encoding="ascii")
    with pytest.raises(AccountError, match="accounts-key-invalid") as caught:
        store(tmp_path)
    assert "ASSISTANT_CAPTURE__KEY_FILE" in caught.value.hint


def test_turns_of_a_call_stay_in_their_order(tmp_path: Path) -> None:
    """They are written all at once, when the call is over; older names had seconds alone."""
    captures = store(tmp_path)
    texts = [f"lượt {number}" for number in range(20)]
    for text in texts:
        captures.add(utterance(text), NOW)
    assert [one.heard for one in store(tmp_path)] == texts
    assert {one.at for one in store(tmp_path)} == {NOW}
    old = Captured("20260301T115959Z-0123456789ab", Expect.MENU, "cũ", 8000, b"")
    captures.write(old)
    assert next(iter(captures)) == old


def test_what_is_too_old_goes_when_something_new_comes(tmp_path: Path) -> None:
    captures = store(tmp_path, days=10)
    captures.add(utterance("cũ"), NOW)
    captures.add(utterance("mới"), NOW + timedelta(days=9))
    assert len(list(captures)) == 2
    captures.add(utterance("nữa"), NOW + timedelta(days=11))
    assert [one.heard for one in captures] == ["mới", "nữa"]
    assert captures.purge(NOW, everything=True) == 2


def test_labels_become_a_set_to_run(tmp_path: Path) -> None:
    captures = store(tmp_path)
    first = captures.add(utterance(), NOW)
    captures.add(utterance("chưa nghe"), NOW + timedelta(seconds=1))
    captures.label(first, "em quên mật khẩu")
    assert captures.export(tmp_path / "set") == 1
    with (tmp_path / "set" / "labels.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["text"], row["listen"], row["note"]) == ("em quên mật khẩu", "menu", "captured")
    assert stat.S_IMODE((tmp_path / "set" / row["path"]).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("answer", "label"),
    [("", "nghe thấy"), ("=", "nghe thấy"), ("!", ""), ("Tôi QUÊN ", "tôi quên")],
)
def test_what_an_answer_says(answer: str, label: str) -> None:
    assert label_of(answer, "nghe thấy") == label


def test_capturing_is_off_unless_switched_on() -> None:
    assert Settings().capture.enabled is False
