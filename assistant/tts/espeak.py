"""espeak-ng through its C library: offline speech for prompts, training and test scenarios.

The library and its data come from the wheel ``espeakng-loader`` (extra ``voice``); nothing is
asked of the system. espeak-ng is GPL-3: it is loaded only to render, never during a call.
"""

from __future__ import annotations

import _ctypes
import ctypes
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.errors import DependencyError, PromptError

VOICES = ("vi", "vi-vn-x-south", "vi-vn-x-central")

# speak_lib.h
_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_PHONEMES = 0x100  # phonemes in the text, between [[ and ]]
_END_PAUSE = 0x1000
_PHONEMES_IPA = 0x02
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_LIMITS = {_RATE: (80, 450), _VOLUME: (0, 200), _PITCH: (0, 99), _RANGE: (0, 99)}
_SEED = 1
_PATH_LIMIT = 159  # N_PATH_HOME of espeak-ng on Linux, less the final NUL

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class _Engine:
    """espeak-ng, loaded for one utterance. It carries the phase of its oscillators over from one
    utterance to the next, and only a library that is loaded anew (4 ms) has forgotten it: without
    that, samples would depend on what the process said before. The breath of some voices is noise
    that is seeded here, and by the clock else."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._lib, data = _library()
        self._data = Path(data.decode())
        self._callback = _Callback(self._receive)  # kept: C holds only a bare pointer
        self.rate = int(self._lib.espeak_Initialize(_SYNCHRONOUS, 0, data, _DONT_EXIT))
        if self.rate <= 0:
            _unload(self._lib)
            raise DependencyError(
                "espeak-broken",
                "Không khởi động được espeak-ng.",
                "Cài lại: pip install --force-reinstall espeakng-loader.",
            )
        self._lib.espeak_ng_SetRandSeed(ctypes.c_long(_SEED))
        self._lib.espeak_SetSynthCallback(self._callback)

    def close(self) -> None:
        self._lib.espeak_Terminate()
        _unload(self._lib)

    def _receive(self, wav: Any, count: int, _events: int | None) -> int:
        if wav and count > 0:
            self._blocks.append(ctypes.string_at(wav, count * 2))
        return 0  # go on

    def _select(self, voice: str) -> None:
        variant = voice.partition("+")[2]
        if variant and not (self._data / "voices" / "!v" / variant).is_file():
            # espeak-ng itself would speak on in the plain voice and say nothing.
            raise _unknown(voice)
        if self._lib.espeak_SetVoiceByName(voice.encode()) != 0:
            raise _unknown(voice)

    def speak(
        self, text: str, voice: str, parameters: dict[int, int]
    ) -> tuple[npt.NDArray[np.int16], int]:
        raw = text.encode("utf-8")
        self._select(voice)
        for number, value in parameters.items():
            self._lib.espeak_SetParameter(number, value, 0)
        flags = _CHARS_UTF8 | _PHONEMES | _END_PAUSE
        status = self._lib.espeak_Synth(raw, len(raw) + 1, 0, 1, 0, flags, None, None)
        samples = np.frombuffer(b"".join(self._blocks), dtype="<i2").astype(np.int16)
        if status != 0 or not samples.any():
            raise PromptError(
                "espeak-silent",
                "espeak-ng không đọc được câu này.",
                "Kiểm tra câu có chữ để đọc (không chỉ dấu câu).",
            )
        return samples, self.rate

    def phonemes(self, text: str, voice: str) -> str:
        buffer = ctypes.create_string_buffer(text.encode("utf-8"))
        position = ctypes.c_void_p(ctypes.addressof(buffer))
        clauses: list[str] = []
        self._select(voice)
        while position.value:
            clause = self._lib.espeak_TextToPhonemes(
                ctypes.byref(position), _CHARS_UTF8, _PHONEMES_IPA
            )
            clauses.append((clause or b"").decode("utf-8"))
        return " | ".join(part.strip() for part in clauses if part.strip())


def _unknown(voice: str) -> PromptError:
    return PromptError(
        "voice-unknown",
        f"espeak-ng không có giọng {voice!r}.",
        f"Chọn một trong: {', '.join(VOICES)}; biến thể ví dụ f2, m3.",
    )


def _library() -> tuple[ctypes.CDLL, bytes]:
    """The loaded library and its data folder; raises DependencyError."""
    try:
        import espeakng_loader
    except ImportError:
        raise DependencyError(
            "espeak-missing",
            "Chưa cài giọng đọc espeak-ng.",
            "Cài: pip install 'vssid-voice-assistant[voice]'.",
        ) from None
    data = str(espeakng_loader.get_data_path()).encode()
    if len(data) > _PATH_LIMIT:
        raise DependencyError(
            "espeak-path",
            f"Đường dẫn dữ liệu espeak-ng dài quá {_PATH_LIMIT} byte.",
            "Đặt môi trường Python ở một thư mục có đường dẫn ngắn hơn.",
        )
    try:
        lib = ctypes.CDLL(espeakng_loader.get_library_path())
    except OSError:
        raise DependencyError(
            "espeak-broken",
            "Không nạp được thư viện espeak-ng.",
            "Cài lại: pip install --force-reinstall espeakng-loader.",
        ) from None
    _declare(lib)
    return lib, data


def _declare(lib: ctypes.CDLL) -> None:
    signatures: dict[str, tuple[Any, Sequence[Any]]] = {
        "espeak_Initialize": (
            ctypes.c_int,
            (ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int),
        ),
        "espeak_Terminate": (ctypes.c_int, ()),
        "espeak_SetSynthCallback": (None, (_Callback,)),
        "espeak_SetVoiceByName": (ctypes.c_int, (ctypes.c_char_p,)),
        "espeak_SetParameter": (ctypes.c_int, (ctypes.c_int,) * 3),
        "espeak_Synth": (
            ctypes.c_int,
            (
                ctypes.c_char_p,
                ctypes.c_size_t,
                ctypes.c_uint,
                ctypes.c_int,
                ctypes.c_uint,
                ctypes.c_uint,
                ctypes.c_void_p,
                ctypes.c_void_p,
            ),
        ),
        "espeak_TextToPhonemes": (
            ctypes.c_char_p,
            (ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_int),
        ),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, list(arguments)


def _unload(lib: ctypes.CDLL) -> None:
    close = getattr(_ctypes, "dlclose" if os.name == "posix" else "FreeLibrary")
    close(lib._handle)


_turn = threading.Lock()  # two that load one file would share its state


@contextmanager
def _engine() -> Iterator[_Engine]:
    with _turn, closing(_Engine()) as engine:
        yield engine


def require() -> None:
    """Raises DependencyError (see ``synthesize``) where espeak-ng cannot speak."""
    with _engine():
        pass


def synthesize(
    text: str,
    voice: str = "vi",
    rate_wpm: int = 150,
    pitch: int = 50,
    pitch_range: int = 50,
    volume: int = 100,
    variant: str | None = None,
) -> tuple[npt.NDArray[np.int16], int]:
    """Speak ``text``: 16-bit mono samples and their rate (22 050 Hz). Between ``[[`` and ``]]``
    the text is espeak-ng's own phonemes.

    ``voice``: one of ``VOICES``; ``variant``: an espeak-ng voice variant such as ``f2`` or
    ``m3``; ``rate_wpm``: 80-450 words a minute; ``pitch`` and ``pitch_range``: 0-99;
    ``volume``: 0-200. The same arguments give the same samples.
    Thread-safe (calls take turns), meant for many thousands of calls in one process.
    Raises PromptError (``voice-unknown``, ``voice-setting``, ``espeak-silent``) and
    DependencyError (``espeak-missing``, ``espeak-broken``, ``espeak-path``).
    """
    parameters = {_RATE: rate_wpm, _VOLUME: volume, _PITCH: pitch, _RANGE: pitch_range}
    for number, value in parameters.items():
        low, high = _LIMITS[number]
        if not low <= value <= high:
            raise PromptError(
                "voice-setting",
                f"Thông số giọng {value} nằm ngoài khoảng {low}-{high}.",
                "Tốc độ 80-450 từ/phút, cao độ 0-99, âm lượng 0-200.",
            )
    with _engine() as engine:
        return engine.speak(text, _name(voice, variant), parameters)


def phonemes(text: str, voice: str = "vi", variant: str | None = None) -> str:
    """What espeak-ng would say, in IPA; clauses are separated by " | "."""
    with _engine() as engine:
        return engine.phonemes(text, _name(voice, variant))


def _name(voice: str, variant: str | None) -> str:
    return f"{voice}+{variant}" if variant else voice
