"""The network computed outside Vosk: it is the one that Vosk runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.asr import vosk_adapter
from assistant.asr.evidence import Sound, evidence
from assistant.asr.lexicon import phone_table, pronunciations
from assistant.asr.network import RATE, Network, fbank
from assistant.asr.types import EndReason, Word
from assistant.asr.vosk_adapter import VoskModel
from assistant.audio import read_audio, resample
from assistant.batch.speech_sets import DIGIT_WORDS
from assistant.nlu import phrases, prior
from assistant.nlu.types import Expect, Prior
from assistant.settings import load_settings

DEMO = Path(__file__).parents[2] / "examples" / "demo"
MODEL = load_settings().model


def turn(name: str) -> bytes:
    audio = read_audio(DEMO / name, load_settings().audio).audio
    return resample(audio.pcm, audio.rate, RATE)


@pytest.fixture(scope="module")
def network() -> Network:
    found = Network.read(MODEL / "am" / "final.mdl")
    assert found is not None
    return found


def test_outputs_are_probabilities_of_every_phone_every_30_ms(network: Network) -> None:
    pcm = turn("3-dung-roi.wav")
    found = network.outputs(pcm)
    frames = 1 + (len(pcm) // 2 - 200) // 80
    assert found.shape == (-(-frames // 3), len(phone_table()))
    assert np.exp(found).sum(axis=1) == pytest.approx(1, abs=1e-3)
    assert network.outputs(b"\0\0" * 199).shape == (0, len(phone_table()))


def test_it_hears_the_phones_of_what_was_said(network: Network) -> None:
    """Without lexicon or grammar: most of the phones of "đúng rồi" among those heard."""
    best = network.outputs(turn("3-dung-roi.wav")).argmax(axis=1).tolist()
    heard = [phone_table()[phone] for phone, _ in groupby(best) if phone]
    said = [phone for word in ("đúng", "rồi") for phone in pronunciations(word)[0]]
    assert len(set(said) & set(heard)) >= len(set(said)) - 2


def test_what_was_said_is_surer_than_anything_else(network: Network) -> None:
    found = network.outputs(turn("3-dung-roi.wav"))
    (right, *_), (wrong, *_) = (
        evidence([word, "rồi"], [0.9, 0.9], Sound(found)) for word in ("đúng", "tám")
    )
    assert right is not None
    assert wrong is not None
    assert right.least > wrong.least + 1


def test_other_networks_are_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "final.mdl"
    for content in (b"", b"\0B<TransitionModel> ", (MODEL / "am" / "final.mdl").read_bytes()[:999]):
        other.write_bytes(content)
        assert Network.read(other) is None


def test_features_are_those_that_it_was_taught_on() -> None:
    pytest.importorskip("kaldi_native_fbank")
    from assistant.training import features

    samples = np.random.default_rng(8).normal(0, 3_000, 4_321).astype(np.float32)
    ours, theirs = fbank(samples), features.fbank(samples / 32768)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 0.01


def test_outputs_are_those_of_the_trainer(network: Network) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("kaldi_native_fbank")
    from assistant.training.reading import read_networks

    pcm = turn("3-dung-roi.wav")
    net = read_networks(MODEL / "am" / "final.mdl")[0].eval()
    with torch.no_grad():
        theirs = net(torch.from_numpy(fbank(np.frombuffer(pcm, "<i2").astype(np.float32)))[None])
    assert np.abs(network.outputs(pcm) - theirs[0].numpy()).max() < 0.01


def test_a_model_that_asks_for_it_has_its_network_beside_it() -> None:
    ears = VoskModel.open(MODEL)
    assert (ears.beside is not None) == ears.folder.confidence.weigh
    assert ears.uncalibrated().beside is not None


def test_a_code_heard_with_a_word_amidst_it_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real sound, the second utterance of a decoder too: what the search made of it has a stray
    word and lacks a digit, and the code comes back with its times."""
    ears = VoskModel.open(MODEL)
    recognizer, pcm = ears.recognizer(), turn("2-ma-so.wav")

    def heard() -> list[Word]:
        recognizer.begin(phrases(Expect.CODE), RATE, prior(Expect.CODE))
        recognizer.feed(pcm)
        return list(recognizer.end(EndReason.SILENCE).words)

    right = [word for word in heard() if word.text in DIGIT_WORDS]
    assert len(right) == 10
    found = vosk_adapter.weighed

    def spoilt(readings: Sequence[Mapping[str, Any]], likely: Prior) -> list[dict[str, Any]]:
        words = [w for w in found(readings, likely) if w["word"] in DIGIT_WORDS]
        return [*words[:3], {**words[3], "word": "ngàn"}, *words[4:8], *words[9:]]

    monkeypatch.setattr(vosk_adapter, "weighed", spoilt)
    for _ in range(2):
        anew = heard()
        assert [word.text for word in anew] == [word.text for word in right]
        for one, other in zip(anew, right, strict=True):
            assert other.start - 0.15 < one.start < one.end < other.end + 0.15
            assert one.evidence is not None
