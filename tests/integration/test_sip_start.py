"""What keeps the server from an address or a certificate is told before any address is printed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from assistant.errors import SettingsError
from assistant.server.run import bind, certified
from assistant.server.sip_addresses import check, read_peers
from assistant.settings import Serve, Telephone
from tests.cli_tools import PROGRAM
from tests.serve_tools import ROOT, free_udp_port, udp


def refused(folder: Path, **env: str) -> dict[str, str]:
    ours = {"DATABASE_URL": f"sqlite:///{folder}/a.sqlite3", "SERVE__CALLS": f"{folder}/calls"}
    done = subprocess.run(
        [*PROGRAM, "serve", "--port", "0", "--json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {f"ASSISTANT_{name}": value for name, value in (ours | env).items()},
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert '"url"' not in done.stdout
    told: dict[str, str] = json.loads(done.stdout or done.stderr)["error"]
    return told


def test_a_sip_port_that_is_taken(tmp_path: Path) -> None:
    with udp() as taken:
        port = str(taken.getsockname()[1])
        told = refused(tmp_path, TELEPHONE__SIP_PORT=port)
    assert told["code"] == "sip-address"
    assert port in told["message"]
    assert "ASSISTANT_TELEPHONE__SIP_PORT" in told["hint"]


def test_a_certificate_that_is_not_there(tmp_path: Path) -> None:
    assert refused(tmp_path, SERVE__CERTIFICATE="no.pem")["code"] == "serve-certificate"


@pytest.mark.parametrize("host", ["192.0.2.1", "0.0.0.0", "no such host", "::", "::ffff:192.0.2.1"])
def test_a_sip_host_that_is_not_ours(host: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check(Telephone(sip_host=host, sip_port=free_udp_port()))
    assert caught.value.code == "sip-address"


def test_a_line_that_can_listen() -> None:
    check(Telephone(sip_port=free_udp_port()))


@pytest.mark.parametrize(
    "given", [{"sip_trunks": ("trunk.example",)}, {"sip_media": ("10.0.0.1/8",)}]
)
def test_peers_that_are_no_addresses(given: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(SettingsError) as caught:
        read_peers(Telephone.model_validate(given))
    assert caught.value.code == "sip-peers"


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70_000), ("a" * 70, 0)])
def test_no_address_to_serve_at(host: str, port: int) -> None:
    with pytest.raises(SettingsError) as caught:
        bind(host, port)
    assert caught.value.code == "serve-address"


def test_a_port_of_the_pages_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SettingsError) as caught:
        bind("127.0.0.1", taken.getsockname()[1])
    assert caught.value.code == "serve-address"


CERTIFICATE = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-subj", "/CN=x", "-days", "2"]


def test_certificates(tmp_path: Path) -> None:
    """A real one is taken; no PEM, another's key, a key with a password, a key alone are not."""
    for name, password in (("a", "-nodes"), ("b", "-nodes"), ("c", "-passout=pass:1234")):
        keys = ["-keyout", f"{name}.key", "-out", f"{name}.pem", *password.split("=")]
        subprocess.run([*CERTIFICATE, *keys], cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "text").write_text("no PEM")

    def serve(certificate: str | None, key: str | None) -> Serve:
        return Serve.model_validate(
            {
                "certificate": certificate and tmp_path / certificate,
                "certificate_key": key and tmp_path / key,
            }
        )

    assert not certified(serve(None, None))
    assert certified(serve("a.pem", "a.key"))
    wrong = [("a.pem", None), ("text", None), ("a.pem", "b.key"), ("c.pem", "c.key")]
    for certificate, key in [*wrong, ("no.pem", "a.key"), (None, "a.key"), (".", "a.key")]:
        with pytest.raises(SettingsError) as caught:
            certified(serve(certificate, key))
        assert caught.value.code == "serve-certificate"
