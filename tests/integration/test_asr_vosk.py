"""The Vosk adapter on the embedded model: it hears, and nothing can crash it."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from assistant.asr import registry
from assistant.asr.confidence import RAW
from assistant.asr.engines import open_model
from assistant.asr.registry import probe
from assistant.asr.types import EndReason, Transcript
from assistant.asr.vosk_adapter import VoskModel, VoskRecognizer, syllables
from assistant.audio import read_audio, resample
from assistant.errors import ModelError
from assistant.nlu import phrases, prior
from assistant.nlu.types import Expect, Prior
from assistant.settings import Asr, load_settings

DEMO = Path(__file__).parents[2] / "examples" / "demo"
DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")


@cache
def model() -> VoskModel:
    return VoskModel.open(load_settings().model)


@cache
def spoken(name: str = "2-ma-so.wav") -> tuple[bytes, int]:
    """A caller's turn of the demo: PCM and its rate."""
    audio = read_audio(DEMO / name, load_settings().audio).audio
    return audio.pcm, audio.rate


def hear(
    recognizer: VoskRecognizer,
    pcm: bytes,
    rate: int,
    grammar: tuple[str, ...] | None,
    step: int = 320,
    likely: Prior | None = None,
) -> Transcript:
    recognizer.begin(grammar, rate, likely)
    for at in range(0, len(pcm), step):
        recognizer.feed(pcm[at : at + step])
    return recognizer.end(EndReason.SILENCE)


def noise(seconds: float, rate: int = 8_000, seed: int = 0) -> bytes:
    samples = np.random.default_rng(seed).standard_normal(round(seconds * rate)) * 500
    return samples.astype("<i2").tobytes()


# --- it hears -----------------------------------------------------------------------------


def test_words_have_times_and_confidences() -> None:
    pcm, rate = spoken()
    heard = hear(model().recognizer(), pcm, rate, phrases(Expect.CODE))
    assert heard.end_reason is EndReason.SILENCE
    assert len(heard.words) >= 8
    times = [time for word in heard.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= len(pcm) / 2 / rate + 0.1
    assert all(w.confidence is not None and 0 <= w.confidence <= 1 for w in heard.words)


def test_a_joined_word_is_one_to_the_model_and_two_to_everybody_else() -> None:
    ears = model()
    joined = next(w for line in phrases(Expect.CODE) for w in line.split() if "_" in w)
    first, second = joined.split("_")
    assert ears.knows(joined)
    assert ears.grammar((joined, f"{second}_{first}")) == json.dumps(
        [joined, f"{second} {first}", "[unk]"], ensure_ascii=False
    )
    entry = {"word": "nhân_viên", "start": 1.0, "end": 1.5, "conf": 0.9}
    heard = list(syllables(entry, 0.5, RAW, None))
    assert [(w.text, w.start, w.end) for w in heard] == [("nhân", 0.5, 0.75), ("viên", 0.75, 1.0)]
    assert {w.confidence for w in heard} == {0.9}


def test_the_second_utterance_is_heard_like_the_first_and_its_times_begin_at_zero() -> None:
    pcm, rate = spoken()
    recognizer = model().recognizer()
    grammar = phrases(Expect.CODE)
    first = hear(recognizer, pcm, rate, grammar)
    hear(recognizer, *spoken("3-dung-roi.wav"), phrases(Expect.CONFIRM))
    assert hear(recognizer, pcm, rate, grammar) == first


def test_a_word_with_nothing_before_it_is_heard_and_timed_from_the_first_sample() -> None:
    pcm, rate = spoken()
    samples = np.frombuffer(pcm, "<i2")
    grammar = phrases(Expect.CODE)
    usual = hear(model().recognizer(), pcm, rate, grammar)
    begin = round(usual.words[0].start * rate)
    cut = hear(model().recognizer(), samples[begin:].tobytes(), rate, grammar)
    assert cut.text == usual.text
    for one, other in zip(usual.words, cut.words, strict=True):
        assert other.end == pytest.approx(one.end - usual.words[0].start, abs=0.1)


def test_readings_are_weighed_where_something_is_likely_and_only_there() -> None:
    pcm, rate = spoken()
    recognizer, grammar = model().recognizer(), phrases(Expect.CODE)
    plain = hear(recognizer, pcm, rate, grammar)
    weighed = hear(recognizer, pcm, rate, grammar, likely=prior(Expect.CODE))
    assert [w.text for w in weighed.words] == [w.text for w in plain.words]
    assert all(w.confidence is not None and 0 <= w.confidence <= 1 for w in weighed.words)
    for one, other in zip(plain.words, weighed.words, strict=True):
        assert (one.start, one.end) == pytest.approx((other.start, other.end), abs=0.1)
    asked: list[list[str]] = []

    def shorter(words: Sequence[str]) -> float:
        asked.append(list(words))
        return -10.0 * len(words)

    noisy = bytes(noise(3.0, rate))
    shortest = hear(recognizer, pcm[: len(pcm) // 2] + noisy, rate, grammar, likely=Prior(shorter))
    assert len(shortest.words) == min(map(len, asked))
    assert hear(recognizer, pcm, rate, grammar) == plain  # the decoder is the same


@pytest.mark.parametrize("step", [2, 319, 320, 4_001, 1 << 20])
def test_how_the_sound_is_cut_does_not_matter(step: int) -> None:
    """Odd lengths included: half a sample waits for its other half."""
    pcm, rate = spoken("3-dung-roi.wav")
    grammar = phrases(Expect.CONFIRM)
    usual = hear(model().recognizer(), pcm, rate, grammar)
    other = hear(model().recognizer(), pcm, rate, grammar, step)
    assert other.text == usual.text


def test_the_partial_grows_into_the_final_result() -> None:
    pcm, rate = spoken()
    recognizer = model().recognizer()
    recognizer.begin(phrases(Expect.CODE), rate)
    lengths = [len(recognizer.feed(pcm[at : at + 320]).words) for at in range(0, len(pcm), 320)]
    final = recognizer.end(EndReason.SILENCE)
    assert lengths[0] == 0
    assert max(lengths) >= len(final.words) - 2
    assert lengths[len(lengths) // 2] < len(final.words)


@pytest.mark.parametrize("rate", [11_025, 16_000, 44_100, 48_000])
def test_any_rate_is_heard_alike(rate: int) -> None:
    pcm, own = spoken()
    usual = hear(model().recognizer(), pcm, own, phrases(Expect.CODE))
    other = hear(model().recognizer(), resample(pcm, own, rate), rate, phrases(Expect.CODE))
    same = sum(a.text == b.text for a, b in zip(usual.words, other.words, strict=False))
    assert same >= len(usual.words) - 2


def test_a_grammar_narrows_what_can_be_heard() -> None:
    pcm, rate = spoken()
    heard = hear(model().recognizer(), pcm, rate, ("đúng", "không"))
    assert {word.text for word in heard.words} <= {"đúng", "không", "[unk]"}


def test_one_model_serves_many_threads() -> None:
    pcm, rate = spoken("3-dung-roi.wav")

    def work(_: int) -> str:
        return hear(model().recognizer(), pcm, rate, phrases(Expect.CONFIRM)).text

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(work, range(12)))) == 1


@pytest.mark.parametrize("expect", [None, *Expect])
@pytest.mark.parametrize("sound", ["zeros", "noise", "loud noise", "constant", "square"])
def test_silence_and_noise_are_no_digits(expect: Expect | None, sound: str) -> None:
    made = {
        "zeros": bytes(2 * 8_000 * 2),
        "noise": noise(2),
        "loud noise": noise(2, seed=1) * 1,
        "constant": np.full(16_000, 12_000, "<i2").tobytes(),
        "square": np.where(np.arange(16_000) // 40 % 2, 32_767, -32_768).astype("<i2").tobytes(),
    }[sound]
    grammar = phrases(expect) if expect else None
    heard = hear(model().recognizer(), made, 8_000, grammar)
    assert sum(word.text in DIGITS for word in heard.words) < 3


# --- and nothing can crash it ----------------------------------------------------------------


@pytest.mark.parametrize("calls", ["f", "e", "bb", "be e", "be f", "bee", "bef"])
def test_the_wrong_order_is_an_error(calls: str) -> None:
    recognizer = model().recognizer()
    steps = {
        "b": lambda: recognizer.begin(None, 8_000),
        "f": lambda: recognizer.feed(bytes(320)),
        "e": lambda: recognizer.end(EndReason.SILENCE),
    }
    *before, last = calls.replace(" ", "")
    for call in before:
        steps[call]()
    with pytest.raises(ModelError) as error:
        steps[last]()
    assert error.value.code == "asr-order"


@pytest.mark.parametrize("rate", [-8_000, 0, 1, 3_999, 192_001, 1 << 40])
def test_a_rate_out_of_range_is_an_error(rate: int) -> None:
    recognizer = model().recognizer()
    with pytest.raises(ModelError) as error:
        recognizer.begin(None, rate)
    assert error.value.code == "asr-rate"
    recognizer.begin(None, 8_000)  # and it can still be used
    recognizer.end(EndReason.SILENCE)


HOSTILE: tuple[tuple[str, ...], ...] = (
    (),
    ("",),
    ("   ",),
    ("{}",),
    ("[]",),
    ('"',),
    ('"]', "\\"),
    ("\0",),
    ("không\0",),
    ("\ud800",),
    ("zzzz qqqq",),
    ("<eps>",),
    ("#0", "<s>", "</s>"),
    ("!SIL",),
    ("[unk]",),
    ("không",) * 1_000,
    ("không một " * 500,),
    ("\u202e\u0000\uffff",),
    ("KHÔNG MỘT",),
)


@pytest.mark.parametrize("grammar", HOSTILE, ids=range(len(HOSTILE)))
def test_no_grammar_breaks_it(grammar: tuple[str, ...]) -> None:
    recognizer = model().recognizer()
    pcm, rate = spoken("3-dung-roi.wav")
    assert hear(recognizer, pcm, rate, grammar).end_reason is EndReason.SILENCE
    assert hear(recognizer, pcm, rate, None).end_reason is EndReason.SILENCE


def test_a_grammar_without_a_known_word_falls_back_to_the_open_vocabulary() -> None:
    assert model().grammar(("zzzz", "qqqq")) is None
    assert model().grammar(("không zzzz một",)) in ('["không một", "[unk]"]', '["không một"]')


@pytest.mark.parametrize("feeds", [[], [b""], [b"\1"], [b"\1", b"", b"\1"], [bytes(1)] * 9])
def test_next_to_nothing_is_an_empty_transcript(feeds: list[bytes]) -> None:
    recognizer = model().recognizer()
    recognizer.begin(None, 8_000)
    for pcm in feeds:
        recognizer.feed(pcm)
    assert recognizer.end(EndReason.NO_INPUT) == Transcript((), EndReason.NO_INPUT)


def test_abandoned_recognizers_do_no_harm() -> None:
    for _ in range(20):
        recognizer = model().recognizer()
        recognizer.begin(phrases(Expect.MENU), 8_000)
        recognizer.feed(noise(0.3))
        del recognizer
    assert hear(model().recognizer(), *spoken("3-dung-roi.wav"), None).end_reason


def test_idle_decoders_are_bounded() -> None:
    small = model().with_settings(Asr(recognizers=2))
    recognizers = [small.recognizer() for _ in range(5)]
    for recognizer in recognizers:
        recognizer.begin(None, 8_000)
    for recognizer in recognizers:
        recognizer.end(EndReason.SILENCE)
    assert len(small._idle) == 2


def test_without_the_noise_floor_it_works_too() -> None:
    plain = model().with_settings(Asr(noise_floor=None))
    heard = hear(plain.recognizer(), bytes(16_000), 8_000, phrases(Expect.CODE))
    assert heard.end_reason is EndReason.SILENCE


def test_the_embedded_model_passes_its_probe() -> None:
    probe(load_settings().model)


def test_kaldi_is_silent() -> None:
    """Its warnings on standard error would mix with the program's own output."""
    code = (
        "from pathlib import Path; from assistant.asr.vosk_adapter import VoskModel;"
        "from assistant.asr.types import EndReason;"
        f"r = VoskModel.open(Path({str(load_settings().model)!r})).recognizer();"
        "r.begin(('không zzzz', 'một'), 8000); r.feed(bytes(9999)); r.end(EndReason.SILENCE)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b""
    assert done.stderr == b""


def test_no_model_is_a_coded_error_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        VoskModel.open(tmp_path / "none")
    assert error.value.code == "model-missing"


# --- a model without checksums is tried before it is trusted --------------------------------


def _junk(name: str, after: int, count: int, seed: int) -> Callable[[Path], None]:
    """Random bytes written over a part of a file."""

    def spoil(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        draw = random.Random(seed)
        for _ in range(count):
            content[draw.randrange(after, len(content))] = draw.randrange(256)
        (folder / name).write_bytes(content)

    return spoil


def _cut(folder: Path) -> None:
    (folder / "graph/Gr.fst").write_bytes((folder / "graph/Gr.fst").read_bytes()[:1000])


def _other_encoding(folder: Path) -> None:
    words = folder / "graph/words.txt"
    words.write_bytes(words.read_text("utf-8").encode("cp1258", errors="replace"))


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """The embedded model as somebody else's: no card, so nothing vouches for it."""
    folder = tmp_path / "strange"
    shutil.copytree(load_settings().model, folder)
    (folder / "model.json").unlink()
    return folder


@pytest.mark.parametrize(
    "spoil",
    [
        _junk("graph/Gr.fst", 60, 200, 2),
        _junk("graph/HCLr.fst", 100, 20_000, 2),
        _junk("am/final.mdl", 3_000, 200_000, 9),
        _cut,
        _other_encoding,
    ],
)
def test_a_broken_stranger_costs_a_probe_not_the_process(
    strange: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(strange)
    with pytest.raises(ModelError) as error:
        open_model(strange)
    assert error.value.code == "model-broken"


def test_a_good_stranger_is_tried_once_until_it_changes(
    strange: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []
    monkeypatch.setattr(registry, "probe", lambda path: tried.append(path))
    for _ in range(2):
        assert open_model(strange).recognizer()
    assert tried == [strange]
    (strange / "conf/model.conf").touch()
    open_model(strange)
    assert len(tried) == 2


def test_a_good_stranger_passes_and_the_embedded_model_needs_no_trial(
    strange: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe(strange)
    monkeypatch.setattr(registry, "probe", lambda path: pytest.fail(f"{path} was tried"))
    open_model(load_settings().model)


def test_a_card_that_leaves_a_file_out_vouches_for_nothing(
    strange: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = json.loads((load_settings().model / "model.json").read_text("utf-8"))
    del card["sha256"]["graph/Gr.fst"]
    (strange / "model.json").write_text(json.dumps(card), "utf-8")
    tried = []
    monkeypatch.setattr(registry, "probe", lambda path: tried.append(path))
    open_model(strange)
    assert tried == [strange]
