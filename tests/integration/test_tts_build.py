"""Rendering: only what changed, whole or not at all, recordings of people first."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from assistant.errors import PromptError
from assistant.settings import Voice
from assistant.tts import clips
from assistant.tts.build import BuildReport, build
from assistant.tts.catalogue import load_catalogue
from assistant.tts.check import Kind, check
from assistant.tts.loudness import CLIP_RATE, PHONE_RATE, loudness, to_rate, true_peak
from assistant.tts.synthesizers import cast_of
from tests.tts_tools import SENTENCES, ToneVoice, voiced, write_prompts

VOICE = Voice()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_prompts(tmp_path)
    return tmp_path


def rendered(folder: Path, tone: ToneVoice | None = None, voice: Voice = VOICE) -> BuildReport:
    return build(folder, load_catalogue(folder), (tone or ToneVoice()).cast, voice)


def problems(folder: Path, voice: Voice = VOICE) -> dict[str, Kind]:
    return {p.key: p.kind for p in check(folder, load_catalogue(folder), voice)}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "clips").iterdir()}


def test_built_clips_pass_the_check(folder: Path) -> None:
    assert set(problems(folder).values()) == {Kind.MISSING}
    report = rendered(folder)
    assert len(report.rendered) == 12
    assert problems(folder) == {}
    for path in (folder / "clips").glob("*.flac"):
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (16_000, 1, "PCM_16")


def test_espeak_round_trip(folder: Path) -> None:
    catalogue = load_catalogue(folder)
    report = build(folder, catalogue, cast_of("espeak", VOICE, catalogue), VOICE)
    assert len(report.rendered) == 12
    assert problems(folder) == {}
    again = build(folder, catalogue, cast_of("espeak", VOICE, catalogue), VOICE)
    assert again.rendered == ()


def test_only_what_changed_is_rendered_again(folder: Path) -> None:
    rendered(folder)
    before = contents(folder)
    tone = ToneVoice()
    assert rendered(folder, tone).kept == tuple(load_catalogue(folder).prompts)
    assert tone.asked == []
    write_prompts(folder, SENTENCES | {"greeting": "Xin chào quý khách."})
    assert problems(folder) == {"greeting": Kind.STALE}
    report = rendered(folder, tone)
    assert (report.rendered, tone.asked) == (("greeting",), ["Xin chào quý khách."])
    changed = {name for name, data in contents(folder).items() if data != before[name]}
    assert changed == {"greeting.flac", "manifest.json"}


def test_another_voice_or_level_changes_everything(folder: Path) -> None:
    rendered(folder)
    assert len(rendered(folder, ToneVoice(settings="tone=2")).rendered) == 12
    softer = Voice(target_lufs=-23)
    found = {problem.kind for problem in check(folder, load_catalogue(folder), softer)}
    assert found == {Kind.STALE, Kind.LOUDNESS}
    assert len(rendered(folder, ToneVoice(settings="tone=2"), softer).rendered) == 12
    assert problems(folder, softer) == {}


def test_lost_and_altered_clips_are_found_and_mended(folder: Path) -> None:
    rendered(folder)
    clips.clip_path(folder, "goodbye").unlink()
    other = clips.clip_path(folder, "digit_1").read_bytes()
    clips.clip_path(folder, "digit_2").write_bytes(other)  # "một" where "hai" belongs
    assert problems(folder) == {"goodbye": Kind.MISSING, "digit_2": Kind.ALTERED}
    assert rendered(folder).rendered == ("goodbye", "digit_2")
    assert problems(folder) == {}


def test_a_failing_engine_leaves_old_clips_and_goes_on_later(folder: Path) -> None:
    rendered(folder)
    before = contents(folder)
    write_prompts(folder, {"greeting": "Xin chào một.", "goodbye": "Xin chào hai."})
    with pytest.raises(RuntimeError):
        rendered(folder, ToneVoice(fail_on="Xin chào hai."))
    after = contents(folder)
    assert after["greeting.flac"] != before["greeting.flac"]
    assert after["goodbye.flac"] == before["goodbye.flac"]
    assert set(after) == set(before)
    assert rendered(folder).rendered == ("goodbye",)


def test_a_write_that_breaks_off_leaves_the_old_clip(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered(folder)
    before = contents(folder)
    write_prompts(folder, SENTENCES | {"greeting": "Câu mới."})

    def break_off(path: Path, *args: object, **kwargs: object) -> None:
        Path(path).write_bytes(b"fLaC half a file")
        raise OSError("disk full")

    monkeypatch.setattr(clips.soundfile, "write", break_off)
    with pytest.raises(OSError, match="disk full"):
        rendered(folder)
    assert contents(folder) == before


def test_recordings_come_first_and_survive(folder: Path) -> None:
    rendered(folder)
    studio = folder / "studio"
    studio.mkdir()
    recording = 0.3 * voiced(1.5, 44_100, 210) + np.float32(0.02)  # quiet, with an offset
    soundfile.write(studio / "greeting.wav", np.stack([recording] * 2, axis=1), 44_100)
    soundfile.write(studio / "digit_0.mp3", voiced(0.4, 16_000, 210), 16_000)
    assert problems(folder) == {"greeting": Kind.STALE, "digit_0": Kind.STALE}
    tone = ToneVoice()
    report = rendered(folder, tone)
    assert (report.studio, tone.asked) == (("greeting", "digit_0"), [])
    assert problems(folder) == {}
    mine = clips.clip_path(folder, "greeting").read_bytes()
    write_prompts(folder, {"greeting": "Chữ khác.", "goodbye": "Chữ khác nữa."})
    assert rendered(folder, ToneVoice(settings="tone=9")).studio == ()
    assert clips.clip_path(folder, "greeting").read_bytes() == mine
    (studio / "greeting.wav").unlink()
    assert problems(folder) == {"greeting": Kind.STALE}
    assert rendered(folder, ToneVoice(settings="tone=9")).rendered == ("greeting",)


def test_a_text_that_changed_after_its_recording_is_stale_until_somebody_says_otherwise(
    folder: Path,
) -> None:
    (folder / "studio").mkdir()
    recording = folder / "studio" / "goodbye.wav"
    soundfile.write(recording, voiced(1.2, 16_000, 180), 16_000)
    rendered(folder)
    assert problems(folder) == {}
    changed = SENTENCES | {"goodbye": "Chữ khác hẳn."}
    write_prompts(folder, changed)
    assert problems(folder) == {"goodbye": Kind.STALE}
    for voice, force in ((VOICE, False), (VOICE, True), (Voice(target_lufs=-23), False)):
        build(folder, load_catalogue(folder), ToneVoice().cast, voice, force=force)
        assert problems(folder, voice) == {"goodbye": Kind.STALE}, "making it anew accepts nothing"
    catalogue = load_catalogue(folder)
    report = build(folder, catalogue, ToneVoice().cast, VOICE, accept=["goodbye"])
    assert "goodbye" in report.studio
    assert problems(folder) == {}
    write_prompts(folder, SENTENCES)
    assert problems(folder) == {"goodbye": Kind.STALE}
    soundfile.write(recording, voiced(1.3, 16_000, 190), 16_000)
    rendered(folder)
    assert problems(folder) == {}


def test_only_a_recording_can_be_accepted(folder: Path) -> None:
    for key, code in (("goodbye", "studio-missing"), ("nobody", "prompt-unknown")):
        with pytest.raises(PromptError) as caught:
            build(folder, load_catalogue(folder), ToneVoice().cast, VOICE, accept=[key])
        assert caught.value.code == code


def test_a_manifest_from_before_recordings_had_texts_is_filled_up(folder: Path) -> None:
    (folder / "studio").mkdir()
    soundfile.write(folder / "studio" / "goodbye.wav", voiced(1.2, 16_000, 180), 16_000)
    rendered(folder)
    known = clips.read_manifest(folder)
    old = {key: replace(entry, recording="", text="") for key, entry in known.items()}
    clips.write_manifest(folder, old)
    assert '"text"' not in (folder / "clips" / "manifest.json").read_text("utf-8")
    assert problems(folder) == {}
    rendered(folder)
    assert clips.read_manifest(folder) == known


@pytest.mark.parametrize("suffix", clips.STUDIO_SUFFIXES)
def test_a_recording_of_any_kind_is_normalised(folder: Path, suffix: str) -> None:
    (folder / "studio").mkdir()
    path = folder / "studio" / f"greeting{suffix}"
    soundfile.write(path, 0.1 * voiced(1.2, 48_000, 180), 48_000)
    rendered(folder)
    frames, rate, _ = clips.read_clip(clips.clip_path(folder, "greeting"))
    for wanted in (CLIP_RATE, PHONE_RATE):
        samples = to_rate(frames[:, 0], rate, wanted)
        level, peak = loudness(samples, wanted), true_peak(samples, wanted)
        assert level == pytest.approx(VOICE.target_lufs, abs=0.7)
        assert peak is not None
        assert peak <= VOICE.true_peak + 0.01


def test_recordings_that_cannot_be_used_are_coded(folder: Path) -> None:
    studio = folder / "studio"
    studio.mkdir()
    cases = {"clip-broken": b"RIFF\0\0\0\0WAVE", "prompt-silent": None}
    for code, data in cases.items():
        if data is None:
            soundfile.write(studio / "greeting.wav", np.full(8_000, 0.1), 16_000)
        else:
            (studio / "greeting.wav").write_bytes(data)
        with pytest.raises(PromptError) as caught:
            rendered(folder)
        assert caught.value.code == code
    soundfile.write(studio / "greeting.flac", voiced(0.5, 16_000, 100), 16_000)
    with pytest.raises(PromptError) as caught:
        rendered(folder)
    assert caught.value.code == "studio-twice"


def test_the_check_hears_silence_clipping_level_and_format(folder: Path) -> None:
    rendered(folder)
    frames, rate, _ = clips.read_clip(clips.clip_path(folder, "greeting"))
    speech = frames[:, 0]
    spoiled = {
        "greeting": (np.zeros(8_000, np.float32), rate, Kind.SILENT),
        "digit_0": (np.clip(speech * 20, -1, 1), rate, Kind.CLIPPED),
        "digit_1": (speech * np.float32(0.5), rate, Kind.LOUDNESS),
        "digit_2": (speech, 8_000, Kind.FORMAT),
    }
    for key, (samples, hertz, _) in spoiled.items():
        clips.write_clip(clips.clip_path(folder, key), samples, hertz)
    clips.clip_path(folder, "digit_3").write_bytes(b"not a flac")
    clips.write_clip(clips.clip_path(folder, "old_prompt"), speech, rate)
    (folder / "studio").mkdir()
    soundfile.write(folder / "studio" / "nobody.wav", speech, rate)
    kinds: dict[str, set[Kind]] = {}
    for problem in check(folder, load_catalogue(folder), VOICE):
        kinds.setdefault(problem.key, set()).add(problem.kind)
    for key, (_, _, kind) in spoiled.items():
        assert kinds[key] >= {kind, Kind.ALTERED}
    assert kinds["digit_3"] >= {Kind.UNREADABLE}
    assert kinds["old_prompt"] == {Kind.ORPHAN}
    assert kinds["nobody"] == {Kind.STUDIO_UNKNOWN}
    assert len(kinds) == 7


def test_clips_of_dropped_prompts_go_but_strange_files_stay(folder: Path) -> None:
    rendered(folder)
    stranger = clips.clip_path(folder, "stranger")
    stranger.write_bytes(clips.clip_path(folder, "digit_0").read_bytes())
    write_prompts(folder, {"greeting": SENTENCES["greeting"]})
    assert problems(folder) == {"goodbye": Kind.ORPHAN, "stranger": Kind.ORPHAN}
    assert rendered(folder).removed == ("goodbye",)
    assert not clips.clip_path(folder, "goodbye").exists()
    assert stranger.exists()


def test_a_broken_manifest_is_coded(folder: Path) -> None:
    rendered(folder)
    (folder / "clips" / "manifest.json").write_text('{"greeting": 3}')
    with pytest.raises(PromptError) as caught:
        rendered(folder)
    assert caught.value.code == "manifest-broken"
