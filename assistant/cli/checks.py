"""What ``assistant doctor`` looks at: each check is one function, none changes anything."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from assistant.accounts.engine import open_engine, sqlite_path
from assistant.accounts.open import open_accounts
from assistant.asr.engines import open_model
from assistant.audio.card import sound_card
from assistant.errors import AssistantError, DependencyError
from assistant.settings import Settings
from assistant.tts.renderer import Renderer

_PIP = "pip install 'vssid-voice-assistant[{}]'"
_RATE = 8_000


@dataclass(frozen=True, slots=True)
class Finding:
    """``required``: calls do not work without it; ``hint``: what to do when not ``works``."""

    name: str
    works: bool
    detail: str
    hint: str = ""
    required: bool = True


# Modules of the optional extras, and what they are for.
_EXTRAS = {
    "voice": (("espeakng_loader", "pyloudnorm"), "dựng câu thoại, đọc kịch bản"),
    "piper": (("piper",), "dựng câu thoại bằng Piper"),
    "sherpa": (("sherpa_onnx",), "nghe bằng mô hình sherpa-onnx"),
    "serve": (("fastapi", "uvicorn", "prometheus_client"), "nhận cuộc gọi trực tiếp qua mạng"),
    "sip": (("aiosipua", "aiortp"), "nhận cuộc gọi SIP"),
    "train": (("torch", "kaldi_native_fbank", "scipy"), "huấn luyện lại mô hình"),
}


def run_checks(settings: Settings) -> list[Finding]:
    """Every finding, in the order in which a call needs the parts."""
    required: tuple[tuple[str, Callable[[Settings], str]], ...] = (
        ("Mô hình nhận dạng", _model),
        ("Câu thoại", _prompts),
        ("Cơ sở dữ liệu", _database),
    )
    return [
        _python(),
        *(_required(name, check, settings) for name, check in required),
        *(_extra(extra) for extra in _EXTRAS),
        _sound_card(),
    ]


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    works = sys.version_info >= (3, 11)
    return Finding("Python", works, version, "Cài Python 3.11 trở lên.")


def _required(name: str, check: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(name, True, check(settings))
    except AssistantError as error:
        return Finding(name, False, f"[{error.code}] {error.message}", error.hint)


def _model(settings: Settings) -> str:
    folder = open_model(settings.model, settings.asr).folder
    return f"{folder.name} {folder.version or ''}, {folder.rate} Hz".replace(" ,", ",")


def _prompts(settings: Settings) -> str:
    voice = Renderer.open(settings.prompts, _RATE, settings.voice)
    return f"{len(voice.catalogue.prompts)} câu"


def _database(settings: Settings) -> str:
    """A database that does not exist yet is not created: only whether it could be."""
    if settings.remote.url is not None:
        with closing(open_accounts(settings)):
            return "hệ thống tài khoản ở xa, cấu hình đọc được"
    engine = open_engine(settings.database_url, settings.security.lock_wait)
    path = sqlite_path(engine)
    engine.dispose()
    if path is not None and not path.exists():
        return _could_create(path)
    try:
        with closing(open_accounts(settings)):
            return "mở và ghi được"
    except SQLAlchemyError:
        raise _not_writable() from None


def _could_create(path: Path) -> str:
    place = path.absolute().parent
    while not place.exists():
        place = place.parent
    if not os.access(place, os.W_OK):
        raise _not_writable()
    return "chưa có, sẽ được tạo ở cuộc gọi đầu tiên"


def _not_writable() -> AssistantError:
    return AssistantError(
        "accounts-not-writable",
        "Không ghi được vào nơi đặt cơ sở dữ liệu.",
        "Kiểm tra quyền ghi, hoặc đặt ASSISTANT_DATABASE_URL.",
    )


def _extra(extra: str) -> Finding:
    modules, purpose = _EXTRAS[extra]
    missing = [module for module in modules if find_spec(module) is None]
    detail = f"thiếu {', '.join(missing)}" if missing else "có"
    return Finding(
        f"Phần thêm [{extra}]: {purpose}",
        not missing,
        detail,
        _PIP.format(extra),
        required=False,
    )


def _sound_card() -> Finding:
    """Microphone and loudspeaker."""
    name = "Micro và loa (PortAudio)"
    try:
        devices = sound_card("").query_devices()
    except DependencyError as error:
        return Finding(name, False, error.message, error.hint, required=False)
    works = len(devices) > 0
    return Finding(name, works, f"{len(devices)} thiết bị", "Cắm thiết bị âm thanh.", False)
