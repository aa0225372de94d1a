"""What reaches an engine: whole samples at the model's rate, in blocks, at one level, with less of
the line's noise, over the noise floor and after a little quiet."""

from __future__ import annotations

from assistant.asr.denoise import Denoiser
from assistant.asr.leveller import Leveller
from assistant.asr.noise import NoiseFloor
from assistant.audio.resampling import Resampler
from assistant.audio.types import SAMPLE_BYTES
from assistant.errors import ModelError
from assistant.settings import Asr

_LOWEST_RATE, _HIGHEST_RATE = 4_000, 192_000


class Intake:
    """One utterance after another; every adapter has one for each of its recognizers."""

    def __init__(self, model_rate: int, settings: Asr) -> None:
        self._model_rate = model_rate
        self._partial_every = settings.partial_every
        self._noise = (
            None if settings.noise_floor is None else NoiseFloor(settings.noise_floor, model_rate)
        )
        self._denoiser = Denoiser(settings.denoise, model_rate) if settings.denoise else None
        self._level = settings.level
        self._leveller: Leveller | None = None
        self._resampler = Resampler(model_rate, model_rate)
        self._pending = bytearray()
        self._block = 0  # bytes at the caller's rate between two decodings
        self._quiet = bytes(round(settings.lead * model_rate) * SAMPLE_BYTES)
        self._lead = b""  # quiet that is still to come before the first sample

    @property
    def lead(self) -> float:
        """Seconds that an engine hears before the utterance's first sample."""
        return len(self._quiet) / (SAMPLE_BYTES * self._model_rate)

    def begin(self, rate: int) -> None:
        """Start an utterance of PCM at ``rate``; ``check_rate`` came before."""
        self._resampler = Resampler(rate, self._model_rate)
        self._pending.clear()
        self._lead = self._quiet
        self._block = round(rate * self._partial_every) * SAMPLE_BYTES
        self._leveller = None if self._level is None else Leveller(self._level, rate)
        if self._denoiser is not None:
            self._denoiser.restart()
        if self._noise is not None:
            self._noise.restart()

    def add(self, pcm: bytes) -> bool:
        """Keep PCM of any length; whether there is enough for a decoding."""
        self._pending += pcm
        return len(self._pending) >= self._block

    def take(self, last: bool) -> bytes:
        """What is pending; half a sample waits for its other half, or is dropped."""
        whole = len(self._pending) & ~1
        pcm = bytes(self._pending[:whole])
        del self._pending[:whole]
        if self._leveller is not None:
            pcm = self._leveller.feed(pcm, last)
        pcm = self._resampler.feed(pcm, last)
        if self._denoiser is not None:
            pcm = self._denoiser.feed(pcm, last)
        if pcm:
            pcm, self._lead = self._lead + pcm, b""
        return pcm if self._noise is None or not pcm else self._noise.mix(pcm)


def check_rate(rate: int) -> None:
    """Raises ModelError ``asr-rate``."""
    if not _LOWEST_RATE <= rate <= _HIGHEST_RATE:
        raise ModelError(
            "asr-rate",
            f"Không nhận dạng được âm thanh {rate} Hz.",
            f"Dùng tần số lấy mẫu từ {_LOWEST_RATE} đến {_HIGHEST_RATE} Hz.",
        )


def wrong_order(what: str) -> ModelError:
    """A recognizer called out of turn: ``begin``, then ``feed`` as often as you like, ``end``."""
    return ModelError(
        "asr-order",
        f"Bộ nhận dạng bị gọi sai thứ tự ({what}).",
        "Đây là lỗi của chương trình; xin báo lại.",
    )


def failed() -> ModelError:
    """An engine that gave up in the middle of an utterance."""
    return ModelError(
        "asr-failed",
        "Bộ nhận dạng không xử lý được âm thanh.",
        "Kiểm tra mô hình: assistant models verify.",
    )
