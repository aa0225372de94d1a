"""JUnit XML, as CI systems read it: one test case a result, written as a stream."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from assistant.batch.checking import sentence
from assistant.batch.diff import why_of
from assistant.batch.journal import keep_private
from assistant.batch.play import Record
from assistant.batch.summary import Summary
from assistant.batch.work import Job, Status
from assistant.errors import UsageError

_NOT_RUN = "chưa chạy: lượt chạy bị dừng (not run: the run was stopped)"
_BAD_CHARACTERS = dict.fromkeys([*range(9), 11, 12, *range(14, 32)])  # not allowed in XML 1.0


def write_junit(
    path: Path, summary: Summary, records: Iterable[Record], left: Iterable[Job] = ()
) -> None:
    """``left``: jobs of a run that was stopped; they are told as skipped, so that nobody takes
    the run for whole. Raises UsageError ``batch-write``."""
    skipped = summary.statuses[Status.KNOWN] + summary.not_run
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not summary.invented:
            keep_private(path)
        with path.open("w", encoding="utf-8") as file:
            file.write('<?xml version="1.0" encoding="utf-8"?>\n')
            file.write(
                f'<testsuite name="assistant" tests="{summary.total + summary.not_run}" '
                f'failures="{summary.statuses[Status.FAILED]}" '
                f'errors="{summary.statuses[Status.ERROR]}" '
                f'skipped="{skipped}" time="{summary.elapsed:.3f}">\n'
            )
            for record in records:
                file.write(_case(record, _inside(record), record.get("elapsed", 0.0)))
            for job in left:
                named = {"id": job.entry.id, "source": job.entry.source, "round": job.round}
                file.write(_case(named, f"<skipped message={_attribute(_NOT_RUN)}/>"))
            file.write("</testsuite>\n")
    except OSError as error:
        raise UsageError(
            "batch-write", f"Không ghi được {path}: {error.strerror}.", "Chọn chỗ khác."
        ) from None


def _case(named: Record, inside: str, elapsed: float = 0.0) -> str:
    name = named["id"] + (f" [{named['round'] + 1}]" if named["round"] else "")
    head = (
        f"<testcase classname={_attribute(named['source'])} name={_attribute(name)} "
        f'time="{elapsed:.3f}"'
    )
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
