"""From a path to scenarios: ``*.scenario.yaml`` files, and folders of recordings with
``labels.csv``. Entries come one at a time, so a set of any size costs no memory."""

from __future__ import annotations

import csv
import hashlib
import re
import unicodedata
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import yaml
from pydantic import ValidationError

from assistant.batch.places import below, join, open_text, walk
from assistant.batch.scenario import Scenario, ScenarioFile
from assistant.errors import UsageError
from assistant.nlu.types import Expect

SUFFIX = ".scenario.yaml"
LABELS = "labels.csv"
_NEEDED = {"path", "text"}
_LIKE_NUMBERED = re.compile(r"#\d+$")  # a path that looks like a numbered one is numbered too


@dataclass(frozen=True, slots=True)
class Clip:
    """One labelled recording. ``listen``: the state that hears it, None: judged by its text."""

    path: str  # a file or a URL
    text: str = field(repr=False)
    listen: Expect | None = None
    speaker: str = ""
    invented: bool = False  # nobody's number: it may be shown whole


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to run. ``id``: its own in a run, and the same in the next run of the same place.
    ``base``: what relative paths inside it start from."""

    id: str
    source: str
    base: str
    scenario: Scenario | None = None
    clip: Clip | None = None

    @property
    def tags(self) -> tuple[str, ...]:
        return self.scenario.tags if self.scenario else ("clip",)


def read_entries(place: str, text_filter: str = "") -> Iterator[Entry]:
    """Every entry under ``place`` (a file, a folder, an fsspec URL), in a fixed order.

    ``text_filter``: words that must all be in an entry's id or tags; ``-word`` must not."""
    found = kept = False
    for source in _sources(place):
        labels = source.endswith(LABELS)
        for entry in _read_labels(source) if labels else _read_scenarios(source, place):
            found = True
            if wanted(entry, text_filter):
                kept = True
                yield entry
    if found and not kept:
        raise UsageError(
            "batch-filter",
            f"Không có kịch bản nào hợp với --filter {text_filter!r}.",
            "Lọc theo từ trong tên tệp, tên kịch bản hay nhãn; mọi từ đều phải có.",
        )
    if not found:
        raise UsageError(
            "batch-empty",
            f"Không có kịch bản nào ở {place}.",
            f"Cần tệp *{SUFFIX} hoặc thư mục có {LABELS}; tạo mẫu: assistant batch init THƯ_MỤC.",
        )


def wanted(entry: Entry, text_filter: str) -> bool:
    haystack = " ".join((entry.id, *entry.tags)).casefold()
    for word in unicodedata.normalize("NFC", text_filter).casefold().split():
        banned = word.startswith("-") and len(word) > 1
        if (word.removeprefix("-") in haystack) == banned:
            return False
    return True


def _sources(place: str) -> Iterator[str]:
    if place.endswith((SUFFIX, ".yaml", ".yml", ".csv")):
        yield place
        return
    yield from walk(place, lambda name: name.endswith(SUFFIX) or name == LABELS)


# --- labels.csv -----------------------------------------------------------------------


def _read_labels(source: str) -> Iterator[Entry]:
    folder = source.replace("\\", "/").rpartition("/")[0] or "."
    numbered = _Numbered(source)
    with open_text(source) as file:
        rows = csv.DictReader(file)
        if not set(rows.fieldnames or ()) >= _NEEDED:
            raise UsageError(
                "labels-columns",
                f"{source} thiếu cột: {', '.join(sorted(_NEEDED - set(rows.fieldnames or ())))}.",
                f"Cần ít nhất path,text; có thể thêm listen ({', '.join(Expect)}), "
                "invented (1: số bịa, được hiện).",
            )
        for row in rows:
            text = unicodedata.normalize("NFC", (row["text"] or "").strip().lower())
            clip = Clip(
                join(folder, row["path"]),
                text,
                _listen(row, source),
                row.get("speaker") or "",
                (row.get("invented") or "").strip() == "1",
            )
            yield Entry(f"{folder}/{numbered(row['path'])}", source, folder, clip=clip)


class _Numbered:
    """Names for the rows of one ``labels.csv``: the path, and from the second row on that names
    it a number (``a.wav#2``). Holds counts of what is repeated, not the names of a million rows."""

    def __init__(self, source: str) -> None:
        with open_text(source) as file:
            marks = array("q", (hash(row.get("path")) for row in csv.DictReader(file)))
        ordered = np.frombuffer(marks, np.int64)
        ordered.sort()
        self._counts = dict.fromkeys(ordered[1:][ordered[1:] == ordered[:-1]].tolist(), 0)

    def __call__(self, path: str) -> str:
        mark, number = hash(path), 1
        if mark in self._counts:
            number = self._counts[mark] = self._counts[mark] + 1
        return f"{path}#{number}" if number > 1 or _LIKE_NUMBERED.search(path) else path


def _listen(row: Mapping[str, str], source: str) -> Expect | None:
    value = (row.get("listen") or "").strip()
    if value and value not in list(Expect):
        raise UsageError(
            "labels-listen",
            f"{source}: không có trạng thái {value!r}.",
            f"Cột listen là một trong: {', '.join(Expect)}.",
        )
    return Expect(value) if value else None


# --- scenario files -------------------------------------------------------------------


def _read_scenarios(source: str, place: str) -> Iterator[Entry]:
    with open_text(source) as file:
        text = file.read()
    folder = source.replace("\\", "/").rpartition("/")[0] or "."
    short = below(source, place).removesuffix(SUFFIX)
    for scenario in parse(text, source).scenarios:
        yield Entry(f"{short}/{scenario.name}", source, folder, scenario=scenario)


def parse(text: str, source: str) -> ScenarioFile:
    """A scenario file's text; UsageError ``scenario-invalid`` names the line."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise _invalid(source, line, str(getattr(error, "problem", error))) from None
    if not isinstance(raw, dict):
        raise _invalid(source, 1, "a mapping with the key 'scenarios' is needed")
    try:
        parsed = ScenarioFile.model_validate(_with_defaults(raw))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        line = _line_of(text, first["loc"])
        raise _invalid(source, line, f"{where}: {first['msg']}") from None
    names = [scenario.name for scenario in parsed.scenarios]
    again = next((name for name in names if names.count(name) > 1), None)
    if again is not None:
        raise _invalid(source, 1, f"two scenarios are named {again!r}")
    return parsed


def _invalid(source: str, line: int, why: str) -> UsageError:
    return UsageError(
        "scenario-invalid",
        f"{source}, dòng {line}: {why}.",
        "Xem các trường được phép: assistant batch schema.",
    )


def _with_defaults(raw: dict[str, Any]) -> dict[str, Any]:
    defaults, scenarios = raw.get("defaults"), raw.get("scenarios")
    if not isinstance(defaults, dict) or not isinstance(scenarios, list):
        return raw
    merged = [_merge(defaults, s) if isinstance(s, dict) else s for s in scenarios]
    return {**raw, "scenarios": merged}


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """``above`` over ``below``, mapping by mapping; tags add up, other lists replace."""
    out = dict(below)
    for key, value in above.items():
        old = out.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            value = _merge(old, value)
        elif key == "tags" and isinstance(old, list) and isinstance(value, list):
            value = [*old, *value]
        out[key] = value
    return out


def _line_of(text: str, loc: tuple[int | str, ...]) -> int:
    """The line of the deepest node of ``loc`` that the text has."""
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    line = 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            node = next((v for k, v in node.value if k.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part] if part < len(node.value) else None
        else:
            node = None
        if node is None:
            break
        line = node.start_mark.line + 1
    return line


def fingerprint(place: str) -> str:
    """Changes when the files that name the entries change; names a run that can be resumed."""
    digest = hashlib.sha256()
    for source in _sources(place):
        digest.update(source.encode())
        with open_text(source) as file:
            for line in file:
                digest.update(line.encode())
    return digest.hexdigest()[:16]
