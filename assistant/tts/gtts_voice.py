"""Google Translate's voice through gTTS: better sounding than espeak-ng, needs the network.

It speaks texts of the catalogue and nothing else: a caller's code or a new password never
leaves this machine.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import soundfile

from assistant.errors import PromptError

_TIMEOUT = 15.0  # s for each request


@dataclass(frozen=True, slots=True)
class GttsSynthesizer:
    """``texts``: everything it may ever send; ``tld``: translate.google.<tld>."""

    texts: frozenset[str] = field(repr=False)
    tld: str = "com"
    name: str = "gtts"

    @property
    def settings(self) -> str:
        return f"lang=vi tld={self.tld}"

    def speak(self, text: str) -> tuple[npt.NDArray[np.float32], int]:
        """Raises PromptError: ``gtts-not-catalogue``, ``gtts-unreachable``, ``gtts-refused``,
        ``mp3-broken``. No message repeats the text: it may hold a caller's digits."""
        if text not in self.texts:
            raise PromptError(
                "gtts-not-catalogue",
                "gTTS chỉ được đọc các câu có trong prompts.yaml.",
                "Số của người gọi và mật khẩu phải ghép từ các tệp chữ số có sẵn.",
            )
        # A long text comes as several MP3 files: the header of the first would hide the rest.
        parts = [decode_mp3(data) for data in self._fetch(text)]
        if len({rate for _, rate in parts}) != 1:
            raise _broken()
        return np.concatenate([samples for samples, _ in parts]), parts[0][1]

    def _fetch(self, text: str) -> list[bytes]:
        from gtts import gTTS, gTTSError  # here: it imports requests, which calls never need

        # lang_check only warns about codes that gtts does not know; "vi" it does.
        request = gTTS(text, lang="vi", tld=self.tld, lang_check=False, timeout=_TIMEOUT)
        try:
            return list(request.stream())
        except gTTSError as error:
            raise _failure(error) from None


def _failure(error: Exception) -> PromptError:
    response = getattr(error, "rsp", None)
    if response is None:
        return PromptError(
            "gtts-unreachable",
            "Không kết nối được dịch vụ đọc của Google.",
            "Kiểm tra mạng, hoặc dùng giọng ngoại tuyến: assistant prompts build --engine espeak.",
        )
    return PromptError(
        "gtts-refused",
        f"Dịch vụ đọc của Google trả lời không dùng được (HTTP {response.status_code}).",
        "Chờ vài phút rồi chạy lại (các câu đã xong được giữ), hoặc dùng --engine espeak.",
    )


def decode_mp3(data: bytes) -> tuple[npt.NDArray[np.float32], int]:
    """Mono samples and rate of an MP3, by libsndfile (no ffmpeg); raises PromptError
    (``mp3-broken``)."""
    try:
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError):
        samples, rate = np.zeros((0, 1), np.float32), 0
    if not len(samples):
        raise _broken()
    return samples.mean(axis=1, dtype=np.float32), int(rate)


def _broken() -> PromptError:
    return PromptError(
        "mp3-broken",
        "Không giải mã được âm thanh MP3 nhận về.",
        "Chạy lại sau, hoặc dùng --engine espeak.",
    )
