"""Sets at addresses: what is found keeps its scheme, its host and its chain, and can be read."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from assistant.batch.places import below, join, local_file, open_text, walk
from assistant.batch.pool import Pool
from assistant.batch.run import Plan, Stop
from assistant.batch.scenario_files import fingerprint, read_entries
from assistant.batch.work import Job, Status, do
from assistant.errors import UsageError
from tests.unit.test_batch_runs import clips, fragile_stage

fsspec = pytest.importorskip("fsspec")
pytestmark = pytest.mark.full  # comes with the extra `ray`

SCENARIOS = "scenarios:\n  - {name: một, turns: [{keys: '8'}], expect: {outcome: done}}\n"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A set: two recordings, the list of them, a scenario in a folder of its own."""
    folder = clips(tmp_path / "set", [1, 1])
    (folder / "sub").mkdir()
    (folder / "sub" / "x.scenario.yaml").write_text(SCENARIOS, "utf-8")
    return folder


def check(place: str) -> list[str]:
    """Every entry of the set at ``place`` can be read and heard; their ids."""
    entries = list(read_entries(place))
    assert [one.scenario is None for one in entries] == [True, True, False]
    for number, one in enumerate(entries[:2]):
        assert do(fragile_stage(), Job(number, one, 0)).record["status"] == Status.PASSED
    assert fingerprint(place)
    assert entries[2].scenario is not None
    with local_file(join(entries[2].base, "x.scenario.yaml")) as path:
        assert path.read_text("utf-8") == SCENARIOS
    return [one.id for one in entries]


@pytest.mark.parametrize("scheme", ["file", "local"])
@pytest.mark.parametrize("end", ["", "/"])
def test_files_of_this_machine(kept: Path, scheme: str, end: str) -> None:
    place = f"{scheme}://{kept}"
    found = list(walk(place + end, lambda name: name == "labels.csv"))
    assert found == [f"{place}/labels.csv"]
    assert check(place + end) == [f"{place}/000.wav", f"{place}/001.wav", "sub/x/một"]


@pytest.mark.parametrize("start", ["zip:///", "zip://", "zip://sub"])
def test_an_archive_in_a_chain(kept: Path, tmp_path: Path, start: str) -> None:
    archive = tmp_path / "z.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in kept.rglob("*"):
            file.write(path, path.relative_to(kept))
    place = f"{start}::{archive}"
    if start == "zip://sub":
        (entry,) = read_entries(place)
        assert (entry.id, entry.base) == ("sub/x/một", f"{place}!/sub")
        return
    assert check(place)[2] == "sub/x/một"
    (one,) = read_entries(f"zip://sub/x.scenario.yaml::{archive}")
    assert one.scenario is not None


def test_a_chain_that_keeps_copies(kept: Path) -> None:
    assert check(f"simplecache::file://{kept}")[2].endswith("sub/x/một")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_web_server(kept: Path) -> None:
    pytest.importorskip("aiohttp")
    with served(kept.parent) as host:
        for place in (f"{host}/set", f"{host}/set/"):
            assert check(place) == [f"{host}/set/000.wav", f"{host}/set/001.wav", "sub/x/một"]
        with pytest.raises(UsageError, match="batch-missing"):
            list(read_entries(f"{host}/nowhere/"))
    with pytest.raises(UsageError, match="place-unreadable"):
        list(read_entries(f"{host}/set/"))


def test_what_the_address_says_of_its_host_is_kept(kept: Path) -> None:
    """As of sftp: the paths of such a file system say nothing of the host."""

    class Hosted(fsspec.get_filesystem_class("file")):  # type: ignore[misc]
        protocol = "hosted"

        @classmethod
        def _strip_protocol(cls, path: str) -> str:
            return "/" + path.partition("://")[2].partition("/")[2] if "://" in path else path

        @staticmethod
        def _get_kwargs_from_urls(path: str) -> dict[str, str]:
            return {"host": path.partition("://")[2].partition("/")[0]}

    fsspec.register_implementation("hosted", Hosted, clobber=True)
    place = f"hosted://me@far:22{kept}"
    assert check(place) == [f"{place}/000.wav", f"{place}/001.wav", "sub/x/một"]


def test_memory_is_of_one_process(kept: Path) -> None:
    files = fsspec.filesystem("memory")
    for path in kept.rglob("*.*"):
        files.pipe_file(f"/kept/{path.relative_to(kept)}", path.read_bytes())
    assert check("memory://kept")[:2] == ["memory://kept/000.wav", "memory://kept/001.wav"]
    pool = Pool(fragile_stage, 1, "none", Stop())
    jobs = Plan("memory://kept", "clip").jobs(lambda _: False)
    records = [done.record for done in pool.run(jobs)]
    pool.close()
    assert [one["error"] for one in records] == ["place-in-memory"] * 2


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("zip:///::{}/none.zip", "batch-missing"),
        ("zip:///::{}/labels.csv", "place-unreadable"),  # no archive
        ("file://{}/none.csv", "batch-missing"),
        ("memory://{}", "place-in-memory"),
        ("nosuch://{}", "fsspec-scheme"),
    ],
)
def test_what_cannot_be_read_is_said_with_a_code(kept: Path, place: str, code: str) -> None:
    with pytest.raises(Exception, match=code):
        list(read_entries(place.format(kept)))


def test_names_below_a_chain() -> None:
    assert below("zip://::/z.zip!/a/x.yaml", "zip://::/z.zip") == "a/x.yaml"
    assert join("zip://::/z.zip!", "a.wav") == "zip://::/z.zip!/a.wav"


def test_a_mark_at_the_start_of_a_list_is_no_column(kept: Path) -> None:
    labels = kept / "labels.csv"
    labels.write_bytes(b"\xef\xbb\xbf" + labels.read_bytes())
    with open_text(f"file://{labels}") as file:
        assert file.readline().startswith("path")
    assert len(list(read_entries(f"file://{kept}"))) == 3
