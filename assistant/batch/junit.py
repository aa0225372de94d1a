"""JUnit XML, as CI systems read it: one test case a result, written as a stream."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from assistant.batch.checking import sentence
from assistant.batch.diff import why_of
from assistant.batch.play import Record
from assistant.batch.summary import Summary
from assistant.batch.work import Status
from assistant.errors import UsageError

_BAD_CHARACTERS = dict.fromkeys([*range(9), 11, 12, *range(14, 32)])  # not allowed in XML 1.0


def write_junit(path: Path, summary: Summary, records: Iterable[Record]) -> None:
    """Raises UsageError ``batch-write``."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            file.write('<?xml version="1.0" encoding="utf-8"?>\n')
            file.write(
                f'<testsuite name="assistant" tests="{summary.total}" '
                f'failures="{summary.statuses[Status.FAILED]}" '
                f'errors="{summary.statuses[Status.ERROR]}" '
                f'skipped="{summary.statuses[Status.KNOWN]}" time="{summary.elapsed:.3f}">\n'
            )
            for record in records:
                file.write(_case(record))
            file.write("</testsuite>\n")
    except OSError as error:
        raise UsageError(
            "batch-write", f"Không ghi được {path}: {error.strerror}.", "Chọn chỗ khác."
        ) from None


def _case(record: Record) -> str:
    name = record["id"] + (f" [{record['round'] + 1}]" if record["round"] else "")
    head = (
        f"<testcase classname={_attribute(record['source'])} name={_attribute(name)} "
        f'time="{record.get("elapsed", 0.0):.3f}"'
    )
    inside = _inside(record)
    return f"{head}>{inside}</testcase>\n" if inside else f"{head}/>\n"


def _inside(record: Record) -> str:
    if record["status"] == Status.KNOWN:
        return f"<skipped message={_attribute('known failure: ' + record['known_failure'])}/>"
    if record["status"] not in Status.BAD:
        return ""
    tag = "error" if record["status"] == Status.ERROR else "failure"
    lines = [sentence(one) for one in record["failures"]]
    return (
        f"<{tag} message={_attribute(why_of(record))}>{escape(_clean(chr(10).join(lines)))}</{tag}>"
    )


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))


def _clean(text: str) -> str:
    return text.translate(_BAD_CHARACTERS)
