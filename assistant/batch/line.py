"""A telephone line for scenarios: noise that never stops, and the codec all of it goes through.

The codecs are the real ones of libsndfile (GSM 06.10, G.711, G.721, Opus), not imitations.
"""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import soundfile

from assistant.batch.codecs import to_pcm
from assistant.batch.noises import coloured
from assistant.batch.scenario import Line

Samples = npt.NDArray[np.float32]
_BED_SECONDS = 20.0
_HISS = -62.0  # dBFS; what a quiet line has
_PACKET = 0.02  # s
_FAINT = 0.008  # of the hiss under mains hum, whose first harmonic is 1
_CODECS = {
    "mulaw": ("WAV", "ULAW"),
    "alaw": ("WAV", "ALAW"),
    "gsm": ("WAV", "GSM610"),
    "adpcm": ("AU", "G721_32"),
    "opus": ("OGG", "OPUS"),
}
_CROWD = (
    "hôm nay trời mưa to quá đi đâu cũng ướt hết cả rồi",
    "cho hai cà phê sữa đá mang về nhé chị ơi",
    "xe buýt số này có đi qua chợ không anh",
    "mai con bé nhà tôi thi học kỳ xong là nghỉ hè",
)


class LineSound:
    """What a caller's line sounds like, between words and under them; one a scenario."""

    def __init__(self, line: Line, rate: int, seed: int) -> None:
        self._line, self._rate = line, rate
        self._rng = np.random.default_rng(seed)
        level = _HISS if line.noise == "quiet" else line.level - line.snr
        self._bed = _bed(line.noise, rate, seed) * np.float32(10 ** (level / 20))
        self._coded = to_pcm(self._through(self._bed))

    def between(self, at: int, count: int) -> bytes:
        """``count`` samples of the line with nobody speaking, ``at`` samples into the call."""
        start = at % (len(self._bed) - count)
        return self._coded[2 * start : 2 * (start + count)]

    def carry(self, speech: Samples, at: int) -> bytes:
        """Speech as it arrives, noise under it, 16-bit PCM."""
        speech = _to_level(speech, self._line.level)
        places = (at + np.arange(len(speech))) % len(self._bed)
        return to_pcm(self._through(speech + self._bed[places]))

    def _through(self, sound: Samples) -> Samples:
        coded = _code(sound, self._line.codec, self._rate)
        return self._lose(coded) if self._line.loss else coded

    def _lose(self, sound: Samples) -> Samples:
        """Packets that never came: silence, or the one before again, as decoders conceal them."""
        packet = round(_PACKET * self._rate)
        out = sound.copy()
        for start in range(packet, len(out) - packet, packet):
            if self._rng.random() < self._line.loss:
                again = self._rng.random() < 0.5
                out[start : start + packet] = out[start - packet : start] if again else 0
        return out


def _to_level(speech: Samples, level: float) -> Samples:
    """Scaled so that its active part (louder than 5 % of the peak) has an RMS of ``level`` dBFS."""
    loud = speech[np.abs(speech) > 0.05 * np.max(np.abs(speech), initial=1e-9)]
    if not len(loud):
        return speech
    gain = 10 ** (level / 20) / float(np.sqrt(np.mean(loud**2)))
    return np.asarray(speech * np.float32(min(gain, 0.95 / float(np.abs(speech).max()))))


def _code(sound: Samples, codec: str, rate: int) -> Samples:
    if codec == "none" or not len(sound):
        return sound
    container, subtype = _CODECS[codec]
    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(sound, -1, 1), rate, format=container, subtype=subtype)
    buffer.seek(0)
    back, _ = soundfile.read(buffer, dtype="float32")
    heard: Samples = np.zeros(len(sound), np.float32)
    count = min(len(back), len(heard))  # GSM fills its last block up
    heard[:count] = back[:count]
    return heard


@lru_cache(maxsize=16)
def _bed(noise: str, rate: int, seed: int) -> Samples:
    """``_BED_SECONDS`` of noise, unit RMS."""
    rng = np.random.default_rng((seed, len(noise)))
    count = round(_BED_SECONDS * rate)
    makers = {"street": _street, "babble": _babble, "hum": _hum}
    sound = makers[noise](count, rate, rng) if noise in makers else coloured(count, 0.5, rng)
    return np.asarray(sound / (np.std(sound) + 1e-9), np.float32)


def _street(count: int, rate: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Rumble that swells with each passing motorbike, and now and then a horn."""
    t = np.arange(count) / rate
    sound = coloured(count, 1.3, rng) * (1.0 + 0.7 * np.sin(2 * np.pi * 0.25 * t))
    for _ in range(5):
        start, pitch = rng.uniform(0, t[-1]), rng.uniform(350, 480)
        blown = (t > start) & (t < start + rng.uniform(0.15, 0.6))
        sound = sound + blown * sum(np.sin(2 * np.pi * pitch * k * t) / k for k in (1, 2, 3))
    return np.asarray(sound)


def _babble(count: int, rate: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Four people talking about other things."""
    from assistant.batch.speaking import speak_plain

    sound = np.zeros(count)
    for number, text in enumerate(_CROWD):
        voice = np.resize(speak_plain(text, number, rate), count)
        sound += np.roll(voice, int(rng.integers(count)))
    return sound


def _hum(count: int, rate: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """50 Hz mains and its harmonics over hiss."""
    t = np.arange(count) / rate
    mains = sum(np.sin(2 * np.pi * 50 * k * t) / k for k in (1, 2, 3, 5, 7))
    return np.asarray(mains + _FAINT * coloured(count, 0.5, rng))
