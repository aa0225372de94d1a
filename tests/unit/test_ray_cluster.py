"""Joining a Ray cluster that is not there, is none, or wants a token. Ray itself is a double."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from assistant.batch.ray_cluster import check_address, connect
from assistant.errors import DependencyError, UsageError

TRIES = "RAY_gcs_server_port_wait_time_s"  # Ray spells it so


class Ray:
    """Does on ``init`` what it is told to."""

    exceptions = SimpleNamespace(RayError=type("RayError", (Exception,), {}))

    def __init__(self, error: Exception | None = None, log: bytes = b"") -> None:
        self.error, self.log = error, log
        self.inits: list[dict[str, Any]] = []
        self.tries: str | None = None

    def init(self, **options: Any) -> None:
        self.inits.append(options)
        self.tries = os.environ.get(TRIES)
        os.write(2, self.log)
        if self.error is not None:
            raise self.error


@pytest.fixture
def listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def code_of(ray: Ray, address: str) -> DependencyError:
    with pytest.raises(DependencyError) as caught:
        connect(ray, address, 2)
    return caught.value


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_an_address_where_nobody_is_never_reaches_ray(listening: str, scheme: str) -> None:
    ray = Ray()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert code_of(ray, f"{scheme}127.0.0.1:{port}").code == "ray-address"
    assert ray.inits == []
    for address in (scheme + listening, "auto", "anyscale://somewhere"):
        connect(ray, address, 2)
        assert ray.inits[-1]["address"] == address


@pytest.mark.parametrize("address", ["may-chu", "", "may-chu:cong", "127.0.0.1:99999999", "a" * 99])
def test_what_is_no_address(address: str) -> None:
    assert code_of(Ray(), address).code == "ray-address"


@pytest.mark.parametrize(
    ("error", "log", "code", "told"),
    [
        (ConnectionError("x"), b"W RPC error: InvalidAuthToken: missing\n", "ray-token", "RAY_"),
        (Ray.exceptions.RayError("no authentication token was found"), b"", "ray-token", "RAY_"),
        (ConnectionError("Failed to connect"), b"W TimedOut\n", "ray-address", "may-chu:6379"),
        (RuntimeError("Version mismatch: Ray 2, Ray 1"), b"", "ray-address", "phiên bản"),
        (ValueError("requires pip package `ray[client]`"), b"", "ray-client", "ray[client]"),
    ],
)  # fmt: skip
def test_why_ray_refused_is_told_without_its_log(
    listening: str,
    error: Exception,
    log: bytes,
    code: str,
    told: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    ray = Ray(error, log)
    found = code_of(ray, listening)
    assert found.code == code
    assert told in found.hint
    assert capfd.readouterr().err == ""
    os.write(2, b"later")
    assert capfd.readouterr().err == "later"


def test_ray_tries_once_and_the_environment_stays(
    listening: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = Ray()
    connect(ray, listening, 2)
    assert ray.tries == "1"
    assert TRIES not in os.environ
    monkeypatch.setenv(TRIES, "7")
    connect(ray, listening, 2)
    assert ray.tries == "7"


def test_without_an_address_it_is_a_cluster_of_this_run() -> None:
    """Not the one that ``ray start`` left on this machine: that one takes no ``num_cpus``."""
    ray = Ray()
    connect(ray, None, 2)
    assert (ray.inits[0]["address"], ray.inits[0]["num_cpus"]) == ("local", 2)


def test_an_address_that_no_engine_looks_at() -> None:
    with pytest.raises(UsageError, match="--engine ray"):
        check_address("local", "127.0.0.1:6379")
    check_address("local", None)
    check_address("ray", None)
    check_address("ray", "127.0.0.1:6379")
