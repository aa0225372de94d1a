"""Results as Parquet, a part file every so many rows: tables for notebooks and warehouses.

A folder here, or an fsspec URL. Needs pyarrow (extra ``ray``)."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from assistant.batch.play import Record
from assistant.errors import DependencyError

_ROWS = 256  # of a part
_COLUMNS = ("ordinal", "id", "source", "kind", "status", "round", "outcome", "resets", "seconds",
            "elapsed", "expected", "heard")  # fmt: skip


class ParquetSink:
    """Appends records; parts of an earlier run in the same folder stay."""

    def __init__(self, place: str) -> None:
        self._arrow, self._parquet = _pyarrow()
        self._place = place
        self._rows: list[dict[str, Any]] = []
        self._name = uuid.uuid4().hex[:8]
        self._parts = 0

    def add(self, record: Record) -> None:
        row = {name: record.get(name) for name in _COLUMNS}
        row["failures"] = json.dumps(record["failures"], ensure_ascii=False)
        row["record"] = json.dumps(record, ensure_ascii=False)
        self._rows.append(row)
        if len(self._rows) >= _ROWS:
            self._write()

    def close(self) -> None:
        """Write what is left."""
        self._write()

    def _write(self) -> None:
        if not self._rows:
            return
        table = self._arrow.Table.from_pylist(self._rows, schema=self._schema())
        name = f"part-{self._name}-{self._parts:05}.parquet"
        if "://" in self._place:
            from assistant.batch.places import open_binary

            with open_binary(f"{self._place}/{name}") as file:
                self._parquet.write_table(table, file)
        else:
            folder = Path(self._place)
            folder.mkdir(parents=True, exist_ok=True)
            self._parquet.write_table(table, folder / name)
        self._rows.clear()
        self._parts += 1

    def _schema(self) -> Any:
        arrow = self._arrow
        kinds = {"ordinal": arrow.int64(), "round": arrow.int32(), "resets": arrow.int32(),
                 "seconds": arrow.float64(), "elapsed": arrow.float64()}  # fmt: skip
        names = (*_COLUMNS, "failures", "record")
        return arrow.schema([(name, kinds.get(name, arrow.string())) for name in names])


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise DependencyError(
            "parquet-missing",
            "Ghi Parquet cần pyarrow.",
            "Cài: pip install 'vssid-voice-assistant[ray]'",
        ) from None
    return pyarrow, pyarrow.parquet
