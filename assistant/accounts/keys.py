"""The secret beside the database: look-up HMACs, the audit chain and the contact cipher.

One master key of 32 random bytes lies in a file of its own (mode 0600). Every use has its
own sub-key (HKDF-SHA256, RFC 5869), so that a value of one column says nothing about another.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from assistant.errors import AccountError

KEY_BYTES = 32
NONCE_BYTES = 12  # AES-GCM, NIST SP 800-38D
FIRST_LINE = "vssid-voice-assistant key 1"
SETTING = "ASSISTANT_SECURITY__KEY_FILE"  # where the accounts' key lies; others have their own


@dataclass(frozen=True, slots=True)
class Keys:
    """Sub-keys of one master key."""

    phone: bytes = field(repr=False)
    code: bytes = field(repr=False)
    call: bytes = field(repr=False)
    audit: bytes = field(repr=False)
    contact: bytes = field(repr=False)
    check: str = field(repr=False)

    @classmethod
    def of(cls, master: bytes) -> Keys:
        """Derive every sub-key from ``KEY_BYTES`` bytes."""
        sub = {n: _derive(master, n) for n in ("phone", "code", "call", "audit", "contact")}
        return cls(**sub, check=_derive(master, "check").hex())

    def phone_mac(self, e164: str | None) -> bytes:
        """Look-up value of a phone. Withheld and foreign numbers share one that no account has."""
        return _mac(self.phone, e164 or "none")

    def code_mac(self, code: str) -> bytes:
        """Look-up value of an insurance code or citizen id."""
        return _mac(self.code, code)

    def call_mac(self, call_id: str) -> bytes:
        """Look-up value of a call: the channel chose the id, it may contain anything."""
        return _mac(self.call, call_id)

    def seal(self, contact: str, owner: bytes) -> bytes:
        """Encrypt a contact with AES-256-GCM, bound to its account (the code's look-up value)."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self.contact).encrypt(nonce, contact.encode(), owner)

    def unseal(self, sealed: bytes, owner: bytes) -> str | None:
        """The contact, or None when the bytes were changed or moved from another account."""
        nonce, text = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return AESGCM(self.contact).decrypt(nonce, text, owner).decode()
        except (InvalidTag, ValueError):
            return None


def _derive(master: bytes, name: str) -> bytes:
    info = f"vssid-voice-assistant/1/{name}".encode()
    return HKDFExpand(algorithm=SHA256(), length=KEY_BYTES, info=info).derive(master)


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(errors="surrogatepass"), hashlib.sha256).digest()


def read_keys(path: Path, setting: str = SETTING) -> Keys:
    """Keys of an existing file, which ``setting`` names.

    Errors: accounts-key-missing, -unreadable, -open, -invalid."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise AccountError(
            "accounts-key-missing",
            f"Không thấy tệp khoá {path} của cơ sở dữ liệu này.",
            f"Chép lại tệp khoá từ bản sao lưu, hoặc chỉ đường dẫn đúng bằng biến {setting}.",
        ) from None
    except (OSError, UnicodeDecodeError):
        raise AccountError(
            "accounts-key-unreadable",
            f"Không đọc được tệp khoá {path}.",
            "Kiểm tra chủ sở hữu và quyền đọc của tệp.",
        ) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise AccountError(
            "accounts-key-open",
            f"Người khác trên máy có quyền với tệp khoá {path}.",
            f"Chạy: chmod 600 {path}",
        )
    return Keys.of(_parse(text, path, setting))


def _parse(text: str, path: Path, setting: str) -> bytes:
    lines = text.splitlines()
    try:
        master = base64.b64decode(lines[1], validate=True) if lines[:1] == [FIRST_LINE] else b""
    except (ValueError, IndexError):
        master = b""
    if len(master) != KEY_BYTES:
        raise AccountError(
            "accounts-key-invalid",
            f"Tệp {path} không phải là tệp khoá của chương trình này.",
            f"Chép lại tệp khoá từ bản sao lưu, hoặc chỉ đường dẫn đúng bằng biến {setting}.",
        )
    return master


def create_keys(path: Path, setting: str = SETTING) -> bool:
    """Write a new random key file, mode 0600; False when one was already there.

    Written aside and linked into place: two processes that start at once end up with the
    same key, and nobody ever reads half a file. Errors: accounts-key-unwritable.
    """
    master = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=".key-")  # mode 0600
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{FIRST_LINE}\n{master}\n")
            file.flush()
            os.fsync(file.fileno())
        return _link(Path(aside), path)
    except OSError:
        raise AccountError(
            "accounts-key-unwritable",
            f"Không tạo được tệp khoá {path}.",
            f"Kiểm tra quyền ghi của thư mục, hoặc đặt {setting}.",
        ) from None


def _link(aside: Path, path: Path) -> bool:
    try:
        path.hardlink_to(aside)
    except FileExistsError:
        return False
    finally:
        aside.unlink()
    return True
