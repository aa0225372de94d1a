"""µ-law, resampling and writing: the arithmetic of samples."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from assistant.audio import Resampler, mulaw_decode, mulaw_encode, resample, write_wav
from assistant.errors import AudioError

# ITU-T G.711, table 2a: the ends of the segments on the 16-bit scale.
KNOWN = {0xFF: 0, 0x7F: 0, 0x80: 32124, 0x00: -32124, 0xF0: 120, 0xE0: 372, 0x8F: 16764}


def tone(rate: int, hertz: float, seconds: float = 1.0, level: float = 0.5) -> bytes:
    t = np.arange(round(rate * seconds)) / rate
    return np.rint(np.sin(2 * np.pi * hertz * t) * level * 32767).astype("<i2").tobytes()


def power(pcm: bytes) -> float:
    samples = np.frombuffer(pcm, "<i2").astype(float)
    return float(np.sqrt(np.mean(samples**2)))


def test_mulaw_known_values() -> None:
    decoded = np.frombuffer(mulaw_decode(bytes(KNOWN)), "<i2")
    assert dict(zip(KNOWN, decoded.tolist(), strict=True)) == KNOWN


def test_mulaw_codes_survive_a_round_trip() -> None:
    codes = bytes(range(256))
    again = mulaw_encode(mulaw_decode(codes))
    assert [c for c in range(256) if again[c] != c] == [0x7F]  # -0 becomes +0


def test_mulaw_error_is_within_a_step() -> None:
    samples = np.arange(-32768, 32768, dtype=np.int32)
    pcm = samples.astype("<i2").tobytes()
    decoded = np.frombuffer(mulaw_decode(mulaw_encode(pcm)), "<i2").astype(np.int32)
    limited = np.clip(samples, -32124, 32124)
    half_a_step = (np.abs(limited) + 132) / 32
    assert np.all(np.abs(decoded - limited) <= half_a_step)


def test_mulaw_ignores_half_a_sample() -> None:
    assert mulaw_encode(b"\0\0\1") == b"\xff"


@pytest.mark.parametrize("rate_in", [4_000, 11_025, 44_100, 192_000])
def test_stream_equals_duration_and_keeps_the_tone(rate_in: int) -> None:
    stream = Resampler(rate_in, 8_000)
    pcm, out = tone(rate_in, 1_000), b""
    for at in range(0, len(pcm), 626):
        out += stream.feed(pcm[at : at + 626])
    out += stream.feed(b"", last=True)
    assert abs(len(out) / 2 - 8_000) <= 2
    assert power(out) == pytest.approx(power(pcm), rel=0.02)


def test_what_the_target_cannot_carry_is_filtered_out() -> None:
    stream = Resampler(48_000, 8_000)
    pcm = tone(48_000, 6_000)
    out = stream.feed(pcm) + stream.feed(b"", last=True)
    assert power(out) < 0.01 * power(pcm)
    assert power(resample(pcm, 48_000, 8_000)) < 0.01 * power(pcm)


def test_equal_rates_pass_untouched() -> None:
    pcm = tone(8_000, 440)
    assert Resampler(8_000, 8_000).feed(pcm, last=True) == pcm
    assert resample(pcm, 8_000, 8_000) == pcm


def test_resampling_never_wraps_around() -> None:
    square = np.where(np.arange(44_100) // 100 % 2, 32767, -32768).astype("<i2").tobytes()
    out = np.frombuffer(resample(square, 44_100, 8_000), "<i2").astype(int)
    middle = out[200:-200]
    assert np.all(np.abs(np.diff(middle))[np.abs(middle[:-1]) > 32_000] < 65_000)
    assert np.mean(np.abs(middle) > 20_000) > 0.9


def test_written_files_are_whole(tmp_path: Path) -> None:
    pcm = tone(8_000, 440, 0.1)
    write_wav(tmp_path / "new" / "a.wav", pcm, 8_000)
    with wave.open(str(tmp_path / "new" / "a.wav")) as file:
        assert (file.getframerate(), file.getnchannels()) == (8_000, 1)
        assert file.readframes(10**6) == pcm
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.wav"]


def test_a_folder_that_cannot_be_written_has_a_code(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(AudioError) as caught:
        write_wav(tmp_path / "file" / "a.wav", b"\0\0", 8_000)
    assert caught.value.code == "audio-write"
