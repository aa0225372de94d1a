"""One tree of errors: a stable code, what went wrong, and what to do next.

The command line prints them as one sentence (or as JSON with ``--json``); nobody sees a
traceback for a mistake of their own. ``message`` and ``hint`` are Vietnamese, ``code`` is a
stable English slug such as ``audio-empty``. Never put personal data (phone, code, password,
names) in either.
"""

from __future__ import annotations


class AssistantError(Exception):
    """Base of every error a user can cause or cure."""

    exit_code = 1

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"[{self.code}] {self.message}" + (f" {self.hint}" if self.hint else "")

    def __reduce__(self) -> tuple[type[AssistantError], tuple[str, str, str]]:
        """Crosses to another process as what it is."""
        return type(self), (self.code, self.message, self.hint)

    def as_dict(self) -> dict[str, str]:
        """The form that ``--json`` prints under the key ``error``."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class UsageError(AssistantError):
    """The command was called with arguments that do not fit."""

    exit_code = 2


class Interrupted(AssistantError):
    """Whoever started it stopped it (Ctrl-C)."""

    exit_code = 130  # 128 + SIGINT, as shells have it

    def __init__(
        self, code: str = "interrupted", message: str = "Bị dừng.", hint: str = ""
    ) -> None:
        super().__init__(code, message, hint)


class SettingsError(AssistantError):
    """An environment variable or settings file has a value that does not fit."""

    exit_code = 2


class AudioError(AssistantError):
    """Audio that cannot be read or is outside the limits."""


class ModelError(AssistantError):
    """A recognition model that is missing, broken or cannot be had."""


class PromptError(AssistantError):
    """A prompt that is missing, stale or cannot be rendered."""


class AccountError(AssistantError):
    """The account store cannot be used, or an import file has bad rows."""


class DependencyError(AssistantError):
    """An optional extra or a system library is missing; the hint is the install line."""
