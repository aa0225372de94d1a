"""Keys, signatures, passwords and the masks."""

from __future__ import annotations

import base64
import random
import secrets
import stat
import threading
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from assistant.accounts.keys import FIRST_LINE, Keys, create_keys, read_keys
from assistant.accounts.passwords import Hasher, draw
from assistant.accounts.signing import Direction, sign, verify
from assistant.accounts.views import mask
from assistant.errors import AccountError
from assistant.settings import Security


def test_a_new_key_is_private_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "store.key"
    assert create_keys(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    keys = read_keys(path)
    assert not create_keys(path)
    assert read_keys(path) == keys
    assert [p.name for p in path.parent.iterdir()] == ["store.key"]


def test_every_use_has_its_own_key() -> None:
    keys = Keys.of(secrets.token_bytes(32))
    text = "0123456789"
    macs = {keys.phone_mac(text), keys.code_mac(text), keys.call_mac(text)}
    assert len(macs) == 3
    assert Keys.of(secrets.token_bytes(32)).code_mac(text) not in macs
    assert "b'" not in repr(keys)


def test_a_contact_belongs_to_its_account() -> None:
    keys = Keys.of(secrets.token_bytes(32))
    sealed = keys.seal("lan@example.vn", b"one")
    assert b"lan" not in sealed
    assert sealed != keys.seal("lan@example.vn", b"one")
    assert keys.unseal(sealed, b"one") == "lan@example.vn"
    assert keys.unseal(sealed, b"two") is None
    assert keys.unseal(sealed[:-1] + bytes([sealed[-1] ^ 1]), b"one") is None
    assert keys.unseal(b"", b"one") is None


@pytest.mark.parametrize(
    ("content", "mode", "code"),
    [
        (None, 0o600, "accounts-key-missing"),
        ("", 0o600, "accounts-key-invalid"),
        ("something else\n", 0o600, "accounts-key-invalid"),
        (f"{FIRST_LINE}\n", 0o600, "accounts-key-invalid"),
        (f"{FIRST_LINE}\n!!!\n", 0o600, "accounts-key-invalid"),
        (f"{FIRST_LINE}\n{base64.b64encode(b'short').decode()}\n", 0o600, "accounts-key-invalid"),
        ("khoá", 0o600, "accounts-key-unreadable"),
        (f"{FIRST_LINE}\n", 0o644, "accounts-key-open"),
    ],
)
def test_key_files_that_cannot_be_used(
    tmp_path: Path, content: str | None, mode: int, code: str
) -> None:
    path = tmp_path / "store.key"
    if content is not None:
        path.write_text(content, encoding="utf-8")
        path.chmod(mode)
    with pytest.raises(AccountError) as caught:
        read_keys(path)
    assert caught.value.code == code


def test_a_key_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AccountError) as caught:
        create_keys(tmp_path / "file" / "store.key")
    assert caught.value.code == "accounts-key-unwritable"


def test_signatures_bind_everything() -> None:
    secret, body, now = secrets.token_bytes(32), b'{"a": 1}', 1_790_000_000.0
    stamp = str(int(now))
    good = sign(secret, Direction.RESPONSE, stamp, "key", body)

    def accepted(
        secret: bytes = secret,
        direction: Direction = Direction.RESPONSE,
        stamp: str = stamp,
        key: str = "key",
        body: bytes = body,
        signature: str = good,
        now: float = now,
    ) -> bool:
        return verify(secret, direction, stamp, key, body, signature, now, 300)

    assert accepted()
    assert accepted(now=now + 300)
    assert not accepted(now=now + 301)
    assert not accepted(now=now - 301)
    assert not accepted(secret=b"x" * 32)
    assert not accepted(direction=Direction.REQUEST)
    assert not accepted(stamp=str(int(now) + 1))
    assert not accepted(key="other")
    assert not accepted(body=body + b" ")
    for odd in ("", "v1=", good[:-1], good.upper(), "é" * 67):
        assert not accepted(signature=odd)
    for odd in ("", "-1", "1e9", "١٢", "9" * 40):
        assert not accepted(stamp=odd)


def test_passwords_are_random_digits() -> None:
    drawn = {draw(6, secrets.randbelow) for _ in range(200)}
    assert all(len(p) == 6 and p.isdigit() for p in drawn)
    assert len(drawn) > 190
    assert {p[0] for p in drawn} == set("0123456789")
    assert draw(6, random.Random(1).randrange) == draw(6, random.Random(1).randrange)


def test_hash_parameters_are_those_of_the_settings() -> None:
    hasher, password = Hasher(Security()), draw(6, secrets.randbelow)
    stored = hasher.hash(password)
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert password not in stored
    assert hasher.verify(stored, password)
    assert not hasher.verify(stored, password[::-1] + "0")
    assert not hasher.verify("not a hash", password)


def test_only_so_many_hashes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded: as many as allowed do run together, never one more."""
    hasher = Hasher(Security(argon2_concurrency=3))
    together, most = 0, 0
    lock, full = threading.Lock(), threading.Barrier(3)

    def slow(_: PasswordHasher, password: str) -> str:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        full.wait(10)  # passes only when three are inside
        with lock:
            together -= 1
        return password

    monkeypatch.setattr(PasswordHasher, "hash", slow)
    threads = [threading.Thread(target=hasher.hash, args=("0",)) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 3


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("0123456789", "••••••••89"),
        ("+84912345678", "+•••••••••78"),
        ("1.23E+09", "•.•••+09"),
        ("12345", "•••••"),
        ("lan@example.vn", "l•••@example.vn"),
        ("", ""),
    ],
)
def test_masks(value: str, masked: str) -> None:
    assert mask(value) == masked
