"""sherpa-onnx on models of our own making that hear tones: what is decoded is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sherpa_onnx", reason="needs the extra sherpa")
pytest.importorskip("onnx", reason="needs the extra toys, which makes the models")

from assistant.accounts.types import Outcome
from assistant.asr.engines import load_model, open_model
from assistant.asr.registry import probe
from assistant.asr.sherpa_adapter import SherpaModel
from assistant.asr.types import EndReason, Transcript
from assistant.audio import resample, write_wav
from assistant.batch.hearing import hear as hear_scenario
from assistant.channels.wav import WavCaller, read_turns
from assistant.cli.wiring import new_call, open_parts, open_stage
from assistant.dialogue.types import ResetDone
from assistant.errors import ModelError
from assistant.nlu.types import Expect
from assistant.settings import Asr, load_settings
from tests.batch_tools import write_set
from tests.cli_tools import run
from tests.sherpa_tools import RATE, WORDS, ctc_folder, icefall_tone, sound, transducer_folder

pytestmark = pytest.mark.full
SPOKEN = (7, 9, 3, 1, 0, 2, 5, 8, 4, 6, 6)
PAIRS = ("không", "khôn", "hai", "hay")  # two words a tone


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ctc_folder(tmp_path_factory.mktemp("models") / "tones", version="1")


@pytest.fixture(scope="module")
def model(folder: Path) -> SherpaModel:
    """Hears every level as it comes: a leveller takes the toys' steady tones for no speech."""
    opened = open_model(folder, Asr(level=None))
    assert isinstance(opened, SherpaModel)
    return opened


@pytest.fixture(scope="module")
def transducer(tmp_path_factory: pytest.TempPathFactory) -> SherpaModel:
    opened = load_model(transducer_folder(tmp_path_factory.mktemp("models") / "pairs", PAIRS))
    assert isinstance(opened, SherpaModel)
    return opened


def hear(
    model: SherpaModel,
    pcm: bytes,
    phrases: tuple[str, ...] | None = None,
    rate: int = RATE,
    step: int = 640,
) -> Transcript:
    recognizer = model.recognizer()
    recognizer.begin(phrases, rate)
    for at in range(0, len(pcm), step):
        recognizer.feed(pcm[at : at + step])
    return recognizer.end(EndReason.SILENCE)


def said(words: tuple[int, ...]) -> str:
    return " ".join(WORDS[word] for word in words)


def test_it_hears_the_words_at_their_times(model: SherpaModel) -> None:
    heard = hear(model, sound(SPOKEN))
    assert heard.text == said(SPOKEN)
    assert heard.end_reason is EndReason.SILENCE
    for number, word in enumerate(heard.words):
        begins = 0.15 + 0.35 * number  # sound: a gap of 0.15 s, then 0.2 s of tone
        assert abs(word.start - begins) <= 0.06
        assert word.start < word.end <= word.start + 0.36
        assert word.confidence is None  # a CTC model gives none


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000])
def test_any_rate_is_heard_alike(model: SherpaModel, rate: int) -> None:
    assert hear(model, resample(sound(SPOKEN), RATE, rate), rate=rate).text == said(SPOKEN)


@pytest.mark.parametrize("step", [1, 319, 4_001, 1 << 20])
def test_how_the_sound_is_cut_does_not_matter(model: SherpaModel, step: int) -> None:
    assert hear(model, sound(SPOKEN[:3]), step=step) == hear(model, sound(SPOKEN[:3]))


def test_the_partial_grows_into_the_final_result(model: SherpaModel) -> None:
    recognizer, pcm = model.recognizer(), sound(SPOKEN)
    recognizer.begin(None, RATE)
    partials = [recognizer.feed(pcm[at : at + 640]).text for at in range(0, len(pcm), 640)]
    final = recognizer.end(EndReason.COMPLETE).text
    assert all(final.startswith(partial) for partial in partials)
    lengths = [len(partial.split()) for partial in partials]
    assert lengths == sorted(lengths)
    assert len(set(lengths)) >= len(SPOKEN) - 2


def test_the_second_utterance_is_heard_like_the_first(model: SherpaModel) -> None:
    recognizer = model.recognizer()
    heard = []
    for words in (SPOKEN, (3, 3, 3), SPOKEN):
        recognizer.begin(None, RATE)
        recognizer.feed(sound(words))
        heard.append(recognizer.end(EndReason.SILENCE))
    assert heard[0] == heard[2] != heard[1]


def test_silence_is_nothing(model: SherpaModel) -> None:
    assert hear(model, bytes(RATE)).words == ()
    assert hear(model, b"").words == ()


def test_one_model_serves_many_threads(model: SherpaModel) -> None:
    with ThreadPoolExecutor(4) as pool:
        texts = pool.map(lambda shift: hear(model, sound((shift, 9, shift))).text, range(8))
        assert list(texts) == [said((shift, 9, shift)) for shift in range(8)]


@pytest.mark.parametrize("calls", ["f", "e", "bb", "bef", "bee"])
def test_the_wrong_order_is_an_error(model: SherpaModel, calls: str) -> None:
    recognizer = model.recognizer()
    steps: dict[str, Callable[[], object]] = {
        "b": lambda: recognizer.begin(None, RATE),
        "f": lambda: recognizer.feed(bytes(320)),
        "e": lambda: recognizer.end(EndReason.SILENCE),
    }
    for call in calls[:-1]:
        steps[call]()
    with pytest.raises(ModelError) as error:
        steps[calls[-1]]()
    assert error.value.code == "asr-order"


def test_a_rate_out_of_range_is_an_error(model: SherpaModel) -> None:
    recognizer = model.recognizer()
    with pytest.raises(ModelError) as error:
        recognizer.begin(None, 0)
    assert error.value.code == "asr-rate"
    recognizer.begin(None, RATE)
    assert recognizer.end(EndReason.NO_INPUT).words == ()


# --- a transducer prefers what is expected -----------------------------------------------------


@pytest.mark.parametrize(
    ("phrases", "expected"),
    [
        (None, "không hai không"),
        (("khôn",), "khôn hai khôn"),
        (("hay hai", "hay"), "không hay không"),
        (("khôn", "hay"), "khôn hay khôn"),
        (("ba", ":x", "", "[unk]", "a/b", "\0", "\ud800"), "không hai không"),
    ],
)
def test_the_expected_of_two_words_that_sound_alike_is_heard(
    transducer: SherpaModel, phrases: tuple[str, ...] | None, expected: str
) -> None:
    heard = hear(transducer, sound((0, 1, 0), icefall_tone), phrases)
    assert heard.text == expected
    assert all(w.confidence is not None and 0 < w.confidence < 1 for w in heard.words)


def test_what_is_not_expected_is_still_heard(transducer: SherpaModel) -> None:
    assert hear(transducer, sound((0,), icefall_tone), ("hai",)).text == "không"


# --- nothing in a folder takes the process down ------------------------------------------------


def broken(path: Path, name: str, content: bytes) -> Path:
    ctc_folder(path)
    (path / name).write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.onnx", b"junk" * 100),
        ("tokens.txt", b"x"),
        ("tokens.txt", "một 0\n".encode()),  # no blank: the engine calls exit
        ("tokens.txt", b"\xff\xfe\x00"),
    ],
)
def test_a_broken_file_costs_a_probe_not_the_process(
    tmp_path: Path, name: str, content: bytes
) -> None:
    path = broken(tmp_path / "bad", name, content)
    for attempt in (open_model, probe):
        with pytest.raises(ModelError) as error:
            attempt(path)
        assert error.value.code == "model-broken"


def test_a_model_of_another_kind_costs_a_probe(tmp_path: Path) -> None:
    path = ctc_folder(tmp_path / "bad")
    card = json.loads((path / "model.json").read_text())
    (path / "model.json").write_text(json.dumps(card | {"kind": "zipformer2-ctc"}))
    with pytest.raises(ModelError) as error:
        open_model(path)
    assert error.value.code == "model-broken"


def test_a_file_that_is_not_what_the_card_says_is_not_loaded(tmp_path: Path) -> None:
    path = ctc_folder(tmp_path / "changed", sha256={"model.onnx": "0" * 64})
    with pytest.raises(ModelError) as error:
        load_model(path)
    assert error.value.code == "model-checksum"


# --- as the ears of the program ----------------------------------------------------------------


def test_the_folder_picks_the_engine(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ASSISTANT_MODEL", str(folder))
    write_wav(tmp_path / "tones.wav", sound(SPOKEN), RATE)
    assert run(monkeypatch, "transcribe", "--json", str(tmp_path / "tones.wav")) == 0
    heard = json.loads(capsys.readouterr().out)["files"][0]["utterances"]
    assert " ".join(utterance["text"] for utterance in heard) == said(SPOKEN)
    assert run(monkeypatch, "models", "verify", "--json") == 0
    assert json.loads(capsys.readouterr().out)["model"] == "tones"
    assert run(monkeypatch, "models", "list", "--json") == 0
    assert json.loads(capsys.readouterr().out)["models"][0]["name"] == "tones"


def test_the_measuring_stick_measures_it(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every digit a clip of its own, the last one labelled as another; what it costs beside it.
    Exact zeros around: such simple ears take the hiss of a line for words."""
    monkeypatch.setenv("ASSISTANT_MODEL", str(folder))
    digits = [(word, "A", "digit") for word in (*WORDS[:9], WORDS[0])]
    clips = [np.frombuffer(sound((n,)), "<i2").astype(np.float32) / 32768 for n in range(10)]
    place = str(write_set(tmp_path / "tones", digits, clips))
    asked = ("asr", "eval", place, "-c", "zeros", "--strings", "0", "--bars", "--json")
    assert run(monkeypatch, *asked) == 0
    found = json.loads(capsys.readouterr().out)
    (line,) = [one for one in found["scores"] if one["measure"] == "digit"]
    assert (line["hits"], line["total"]) == (9, 10)
    assert found["cost"]["rtf"] > 0
    assert found["setup"]["model"] == str(folder)


def test_scenarios_hear_with_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSISTANT_MODEL", str(folder))
    stage = open_stage(load_settings())
    assert hear_scenario(stage, sound(SPOKEN), Expect.CODE).text == said(SPOKEN)


class Trap:
    """Accounts that remember what they were asked."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    def verify_and_reset(self, phone: str | None, code: str, call_id: str) -> Outcome:
        self.codes.append(code)
        return ResetDone("482915")


def test_a_whole_call_with_a_spoken_code(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Key 8, ten tones, key 1: the account system is asked for exactly the code of the tones."""
    monkeypatch.setenv("ASSISTANT_MODEL", str(folder))
    monkeypatch.setenv("ASSISTANT_DATABASE_URL", f"sqlite:///{tmp_path}/a.sqlite3")
    settings = load_settings()
    write_wav(tmp_path / "code.wav", sound((7, 9, 3, 1, 0, 2, 5, 8, 4, 6)), RATE)
    wired = open_parts(settings)
    trap = Trap()
    with closing(wired):
        wired = replace(wired, parts=replace(wired.parts, accounts=trap))
        call = new_call(wired, settings, "0501234567")
        turns = read_turns(["keys:8", str(tmp_path / "code.wav"), "keys:1"])
        WavCaller(call, turns, settings.audio, settings.turns, settings.vad).run()
    assert trap.codes == ["7931025846"]
