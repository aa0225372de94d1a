"""From a path to scenarios: ``*.scenario.yaml`` (or ``.yml``) files, and folders of recordings with
``labels.csv``. Entries come one at a time, so a set of any size costs no memory."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import unicodedata
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import yaml
from pydantic import ValidationError

from assistant.batch.places import below, join, open_text, walk
from assistant.batch.scenario import Scenario, ScenarioFile
from assistant.batch.scenario_faults import (
    file_faults,
    invalid,
    model_faults,
    repeated_keys,
    syntax_fault,
    told,
)
from assistant.batch.scenario_schema import prompt_keys
from assistant.errors import UsageError
from assistant.nlu.types import Expect

SUFFIX = ".scenario.yaml"
SUFFIXES = (SUFFIX, ".scenario.yml")
LABELS = "labels.csv"
PromptKeys = Callable[[], Sequence[str]]
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
    if place.endswith((".yaml", ".yml", ".csv")):
        yield place
        return
    yield from walk(place, lambda name: name.endswith(SUFFIXES) or name == LABELS)


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
    try:
        with open_text(source) as file:
            text = file.read()
    except UnicodeDecodeError:
        raise invalid(
            source, [(1, "tệp không phải là chữ UTF-8; hãy lưu lại bằng UTF-8")]
        ) from None
    folder = source.replace("\\", "/").rpartition("/")[0] or "."
    # "a.scenario.yml" is "a.yml", and not what "a.scenario.yaml" beside it is.
    short = below(source, place).removesuffix(SUFFIX).replace(".scenario.", ".")
    for scenario in parse(text, source).scenarios:
        yield Entry(f"{short}/{scenario.name}", source, folder, scenario=scenario)


def parse(text: str, source: str, prompts: PromptKeys = prompt_keys) -> ScenarioFile:
    """A scenario file's text; UsageError ``scenario-invalid`` names every mistake with its line.

    ``prompts``: gives the keys that the assistant can say; asked where a file names one."""
    root, raw = _yaml(text, source)
    if not isinstance(raw, dict):
        raise invalid(source, [(1, "cần trường “scenarios” với danh sách kịch bản")])
    whole = _with_defaults(raw)
    faults = [*file_faults(whole)]
    try:
        # JSON, where a list is a tuple but "0.5" is no number: what the schema says, too.
        parsed = ScenarioFile.model_validate_json(
            json.dumps(whole, default=str), strict=True, context={"prompts": prompts}
        )
    except ValidationError as error:
        faults += model_faults(error, whole)
    if faults:
        raise invalid(source, told(faults, root, whole))
    return parsed


def _yaml(text: str, source: str) -> tuple[yaml.Node | None, Any]:
    """The file as nodes, which know their lines, and as data."""
    loader = None
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        repeated = list(repeated_keys(root))
        raw = loader.construct_document(root) if root else None  # merges ``<<`` in root, too
    except yaml.YAMLError as error:
        raise invalid(source, [syntax_fault(error)]) from None
    finally:
        if loader is not None:
            loader.dispose()
    if repeated:
        raise invalid(source, repeated)
    return root, raw


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


def fingerprint(place: str) -> str:
    """Changes when the files that name the entries change; names a run that can be resumed."""
    digest = hashlib.sha256()
    for source in _sources(place):
        digest.update(source.encode())
        with open_text(source) as file:
            for line in file:
                digest.update(line.encode())
    return digest.hexdigest()[:16]
