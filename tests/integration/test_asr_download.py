"""Downloading models from a server that cuts, lies and changes, and unpacking hostile zips."""

from __future__ import annotations

import hashlib
import io
import json
import random
import socket
import stat
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from assistant.asr import download
from assistant.asr.download import Source, check_url, fetch
from assistant.asr.folder import inspect_folder, require_intact, verify_folder
from assistant.asr.registry import KNOWN, probe, source_of
from assistant.asr.unpack import install_zip
from assistant.errors import Interrupted, ModelError

CONTENT = random.Random(5).randbytes(300_000)


class Server(ThreadingHTTPServer):
    """Serves CONTENT. ``cut_after``: bytes sent before the line breaks, one entry a request;
    ``ranges``: whether it can resume; ``status``: answer this instead."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.etag: str | None = '"one"'
        self.cut_after: list[int] = []
        self.ranges = True
        self.status: int | None = None
        self.location: str | None = None
        self.claims: int | None = None
        self.requests: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/model.zip"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        server = self.server
        wanted = self.headers.get("Range")
        server.requests.append(wanted)
        if server.status is not None:
            self.send_response(server.status)
            if server.location:
                self.send_header("Location", server.location)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        resumes = wanted and server.ranges and self.headers.get("If-Range") == server.etag
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and resumes else 0
        body = server.content[start:]
        self.send_response(206 if resumes else 200)
        if resumes:
            size = len(server.content)
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        if server.etag:
            self.send_header("ETag", server.etag)
        self.send_header("Content-Length", str(server.claims or len(body)))
        self.end_headers()
        cut = server.cut_after.pop(0) if server.cut_after else len(body)
        self.wfile.write(body[:cut])
        self.close_connection = True


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(download, "_PAUSE", 0.0)
    running = Server()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


def code_of(error: pytest.ExceptionInfo[ModelError]) -> str:
    assert error.value.hint
    return error.value.code


def test_a_whole_download(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    digest = hashlib.sha256(CONTENT).hexdigest()
    fetch(Source(server.url, digest), tmp_path / "new" / "m.zip", lambda n, a: seen.append((n, a)))
    assert (tmp_path / "new" / "m.zip").read_bytes() == CONTENT
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["m.zip"]
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_a_cut_line_is_resumed_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.cut_after = [100_000, 50_000]
    fetch(Source(server.url), tmp_path / "m.zip")
    assert (tmp_path / "m.zip").read_bytes() == CONTENT
    assert server.requests == [None, "bytes=100000-", "bytes=150000-"]


def test_a_line_that_stays_dead_leaves_what_was_had_for_the_next_time(
    server: Server, tmp_path: Path
) -> None:
    server.cut_after = [70_000] + [0] * 20
    with pytest.raises(ModelError) as error:
        fetch(Source(server.url), tmp_path / "m.zip")
    assert code_of(error) == "download-cut"
    assert not (tmp_path / "m.zip").exists()
    server.cut_after = []
    server.requests.clear()
    fetch(Source(server.url), tmp_path / "m.zip")
    assert server.requests == ["bytes=70000-"]
    assert (tmp_path / "m.zip").read_bytes() == CONTENT


@pytest.mark.usefixtures("server")  # no pauses between tries
def test_a_server_that_never_answers_left_nothing_to_keep(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/m.zip"
        with pytest.raises(ModelError) as error:
            fetch(Source(url), tmp_path / "m.zip")
    assert code_of(error) == "download-unreachable"
    assert "127.0.0.1" in error.value.message
    assert list(tmp_path.iterdir()) == []


def test_a_download_that_is_stopped_says_whether_its_part_is_kept(
    server: Server, tmp_path: Path
) -> None:
    def stop(_done: int, _total: int | None) -> None:
        raise KeyboardInterrupt

    for etag, kept in (('"one"', True), (None, False)):
        server.etag = etag
        with pytest.raises(Interrupted) as error:
            fetch(Source(server.url), tmp_path / f"{kept}.zip", stop)
        assert ("được giữ lại" in error.value.hint) is kept
        assert error.value.exit_code == 130


def test_a_file_that_changed_meanwhile_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    server.cut_after = [100_000] + [0] * 20
    with pytest.raises(ModelError):
        fetch(Source(server.url), tmp_path / "m.zip")
    server.cut_after = []
    server.content, server.etag = CONTENT[::-1], '"two"'
    fetch(Source(server.url), tmp_path / "m.zip")
    assert (tmp_path / "m.zip").read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_validator_nothing_is_resumed(
    server: Server, tmp_path: Path, etag: str | None
) -> None:
    server.etag = etag
    server.cut_after = [100_000]
    fetch(Source(server.url), tmp_path / "m.zip")
    assert server.requests == [None, None]
    assert (tmp_path / "m.zip").read_bytes() == CONTENT


def test_a_server_without_ranges(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    server.cut_after = [100_000]
    fetch(Source(server.url), tmp_path / "m.zip")
    assert (tmp_path / "m.zip").read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        fetch(Source(server.url, "0" * 64), tmp_path / "m.zip")
    assert code_of(error) == "download-checksum"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_refusal(server: Server, tmp_path: Path, status: int) -> None:
    server.status = status
    with pytest.raises(ModelError) as error:
        fetch(Source(server.url), tmp_path / "m.zip")
    assert code_of(error) == "download-refused"


def test_a_file_too_big_is_refused_before_it_is_fetched(server: Server, tmp_path: Path) -> None:
    server.claims = 1 << 40
    with pytest.raises(ModelError) as error:
        fetch(Source(server.url), tmp_path / "m.zip")
    assert code_of(error) == "download-size"


def test_no_redirect_to_plain_http(server: Server, tmp_path: Path) -> None:
    server.status, server.location = 302, "http://localhost.invalid/model.zip"
    with pytest.raises(ModelError) as error:
        fetch(Source(server.url), tmp_path / "m.zip")
    assert code_of(error) in ("download-url", "download-unreachable")


def test_a_place_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelError) as error:
        fetch(Source(server.url), tmp_path / "file" / "m.zip")
    assert code_of(error) == "download-write"


@pytest.mark.parametrize(
    "url", ["http://example.com/a.zip", "ftp://example.com/a.zip", "file:///etc/passwd", "", "a b"]
)
def test_urls_that_are_not_fetched(url: str) -> None:
    with pytest.raises(ModelError) as error:
        check_url(url)
    assert code_of(error) == "download-url"


def test_names() -> None:
    for name in KNOWN:
        title, source = source_of(name, None)
        check_url(source.url)
        assert title == name
    assert source_of("https://example.com/x/my-model.zip?v=1", "ab")[0] == "my-model"
    for bad in ("nothing", "https://example.com/", "https://example.com/..zip", "../../etc"):
        with pytest.raises(ModelError) as error:
            source_of(bad, None)
        assert code_of(error) == "model-unknown"


# --- unpacking ----------------------------------------------------------------------------

FILES = {
    "am/final.mdl": b"model",
    "conf/mfcc.conf": b"--sample-frequency=8000\n",
    "conf/model.conf": b"--max-active=3000\n",
    "graph/HCLr.fst": b"graph",
    "graph/Gr.fst": b"grammar",
    "graph/disambig_tid.int": b"1\n",
}


def zipped(files: dict[str, bytes], top: str = "some-model/") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(top + name, content)
    return out.getvalue()


def put(folder: Path, content: bytes) -> Path:
    (folder / "m.zip").write_bytes(content)
    return folder / "m.zip"


@pytest.mark.parametrize("top", ["some-model/", ""])
def test_unpacking_a_model(tmp_path: Path, top: str) -> None:
    target = tmp_path / "models" / "mine"
    folder = install_zip(put(tmp_path, zipped(FILES, top)), target)
    assert (folder.rate, folder.narrows, folder.path) == (8_000, True, target)
    assert target.stat().st_mode == target.parent.stat().st_mode  # others may read it too
    assert (target / "am/final.mdl").read_bytes() == b"model"
    assert [path.name for path in target.parent.iterdir()] == ["mine"]


def link_entry() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in FILES.items():
            archive.writestr("m/" + name, content)
        entry = zipfile.ZipInfo("m/link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    return out.getvalue()


HOSTILE = {
    "up": (lambda: zipped(FILES | {"../../outside": b"x"}), "unpack-unsafe"),
    "absolute": (lambda: zipped({"/tmp/outside": b"x"}, ""), "unpack-unsafe"),
    "backslash": (lambda: zipped(FILES | {"a\\..\\b": b"x"}), "unpack-unsafe"),
    "drive": (lambda: zipped({"C:/outside": b"x"}, ""), "unpack-unsafe"),
    "link": (link_entry, "unpack-unsafe"),
    "bomb": (lambda: zipped(FILES | {"big": bytes(70 << 20)}), "unpack-size"),
    "many": (lambda: zipped({f"f{i}": b"" for i in range(2_001)}), "unpack-size"),
    "not a zip": (lambda: b"<html>not found</html>", "unpack-broken"),
    "truncated": (lambda: zipped(FILES)[:-30], "unpack-broken"),
    "no model": (lambda: zipped({"readme": b"x"}), "model-incomplete"),
    "no graph": (
        lambda: zipped({k: v for k, v in FILES.items() if "Gr" not in k}),
        "model-incomplete",
    ),
    "twice": (lambda: twice(), "unpack-write"),
}


def twice() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("m/a", b"one")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("m/a", b"two")
    return out.getvalue()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_leave_nothing(tmp_path: Path, name: str) -> None:
    make, code = HOSTILE[name]
    archive = put(tmp_path, make())
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ModelError) as error:
        install_zip(archive, tmp_path / "mine")
    assert code_of(error) == code
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("top", ["docs/", ""])
def test_a_zip_without_a_model_is_named(tmp_path: Path, top: str) -> None:
    with pytest.raises(ModelError) as error:
        install_zip(put(tmp_path, zipped({"readme": b"x"}, top)), tmp_path / "mine")
    assert "m.zip" in error.value.message
    assert ".unpack" not in error.value.message


def test_a_flipped_bit_is_noticed(tmp_path: Path) -> None:
    content = bytearray(zipped({"am/final.mdl": random.Random(1).randbytes(5_000)} | FILES))
    content[200] ^= 1
    with pytest.raises(ModelError) as error:
        install_zip(put(tmp_path, bytes(content)), tmp_path / "mine")
    assert code_of(error) == "unpack-broken"


def test_a_model_is_replaced_only_when_asked_and_only_by_a_good_one(tmp_path: Path) -> None:
    archive, target = put(tmp_path, zipped(FILES)), tmp_path / "mine"
    install_zip(archive, target)
    with pytest.raises(ModelError) as error:
        install_zip(archive, target)
    assert code_of(error) == "model-exists"
    new = put(tmp_path, zipped(FILES | {"am/final.mdl": b"new"}))

    def refuse(_: Path) -> None:
        raise ModelError("model-broken", "no", "no")

    with pytest.raises(ModelError):
        install_zip(new, target, replace=True, accept=refuse)
    assert (target / "am/final.mdl").read_bytes() == b"model"
    install_zip(new, target, replace=True)
    assert (target / "am/final.mdl").read_bytes() == b"new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.zip", "mine"]


# --- a folder before Vosk sees it ----------------------------------------------------------


def model_folder(place: Path, files: dict[str, bytes] = FILES, **card: object) -> Path:
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    if card:
        (place / "model.json").write_text(json.dumps(card), encoding="utf-8")
    return place


@pytest.mark.parametrize("missing", [name for name in FILES if name != "conf/model.conf"])
def test_a_missing_or_empty_file_is_named(tmp_path: Path, missing: str) -> None:
    model_folder(tmp_path)

    def empty(path: Path) -> None:
        path.write_bytes(b"")

    # A graph may have no disambiguation symbols: that list alone may be empty.
    spoilers = [Path.unlink] if missing.endswith("disambig_tid.int") else [empty, Path.unlink]
    for spoil in spoilers:
        spoil(tmp_path / missing)
        with pytest.raises(ModelError) as error:
            inspect_folder(tmp_path)
        assert code_of(error) == "model-incomplete"


def test_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "none", tmp_path / "file", tmp_path / ("x" * 300)):
        with pytest.raises(ModelError) as error:
            inspect_folder(path)
        assert code_of(error) in ("model-missing", "model-unreadable")


def test_the_card(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"model").hexdigest()
    model_folder(
        tmp_path, name="vi", version="1.2", sample_rate=16_000, sha256={"am/final.mdl": digest}
    )
    folder = inspect_folder(tmp_path)
    assert (folder.name, folder.version, folder.rate) == ("vi", "1.2", 16_000)
    require_intact(folder)
    (tmp_path / "am/final.mdl").write_bytes(b"modem")
    assert verify_folder(folder) == ("am/final.mdl",)
    with pytest.raises(ModelError) as error:
        require_intact(folder)
    assert code_of(error) == "model-checksum"
    assert str(tmp_path) in error.value.message  # copies have one name


@pytest.mark.parametrize("card", [b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_broken_card(tmp_path: Path, card: bytes) -> None:
    (model_folder(tmp_path) / "model.json").write_bytes(card)
    with pytest.raises(ModelError) as error:
        inspect_folder(tmp_path)
    assert code_of(error) in ("model-card", "model-unreadable")


def test_a_card_cannot_point_out_of_its_folder(tmp_path: Path) -> None:
    model_folder(tmp_path, sha256={"../../etc/passwd": "0" * 64, "/etc/passwd": "0" * 64})
    assert verify_folder(inspect_folder(tmp_path)) == ()


def test_right_names_with_wrong_contents_cost_a_probe_not_the_process(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        probe(model_folder(tmp_path / "junk"))
    assert code_of(error) == "model-broken"
