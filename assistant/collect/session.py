"""One sitting: line after line is recorded, checked, and kept or asked for again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from assistant.audio import AudioChunk
from assistant.collect.level import Flaw, Measured, flaw, measure
from assistant.collect.script import Line
from assistant.collect.store import Collection
from assistant.errors import AudioError
from assistant.settings import Collect

_REASONS = {
    Flaw.QUIET: "Nhỏ quá: tiếng nói {found.level:.0f} dBFS, cần từ {limits.quietest:.0f} dBFS. "
    "Nói to hơn hoặc lại gần micro.",
    Flaw.CLIPPED: "Bị vỡ tiếng: {share:.2f} % số mẫu chạm trần, cho phép {most:.2f} %. "
    "Nói nhỏ hơn, ra xa micro, hoặc giảm mức thu.",
    Flaw.NOISY: "Ồn quá: tiếng nói hơn tiếng nền {found.snr:.0f} dB, cần từ "
    "{limits.least_snr:.0f} dB. Tìm chỗ yên hơn; để im một chút trước và sau câu đọc.",
    Flaw.SHORT: "Ngắn quá: nghe được {found.speech:.2f} giây tiếng nói, câu này cần từ "
    "{least:.2f} giây. Đọc đủ cả câu.",
    Flaw.LONG: "Dài quá: nghe được {found.speech:.1f} giây tiếng nói, câu này nhiều nhất "
    "{longest:.1f} giây. Mỗi bản ghi chỉ một câu.",
}


class Next(Enum):
    """What to do with a line."""

    KEEP = auto()
    AGAIN = auto()
    SKIP = auto()
    STOP = auto()


@dataclass(frozen=True, slots=True)
class Problem:
    """A recording that was not kept. ``code``: a Flaw's or an error's."""

    number: int
    code: str
    message: str


@dataclass(slots=True)
class Outcome:
    """``kept``: numbers of lines; ``problems``: of those that are still to be read."""

    kept: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, and the side of the screen. ``record``: a line, or SKIP or STOP; ``judge``: what
    to do with a recording, given what is wrong with it, if anything."""

    speaker: str
    seed: int
    record: Callable[[int, Line], AudioChunk | Next]
    judge: Callable[[int, AudioChunk, Problem | None], Next]


def sit(collection: Collection, lines: Sequence[Line], reader: Reader, limits: Collect) -> Outcome:
    """All lines that are not recorded yet, in order. Raises AssistantError when nothing more can
    be kept; what was kept before stays."""
    outcome = Outcome()
    done = collection.done(reader.speaker, reader.seed)
    for number, line in enumerate(lines, 1):
        if number not in done and _read(collection, number, line, reader, limits, outcome):
            break
    return outcome


def _read(
    collection: Collection,
    number: int,
    line: Line,
    reader: Reader,
    limits: Collect,
    outcome: Outcome,
) -> bool:
    """One line until it is kept or given up; whether the sitting is over."""
    while True:
        try:
            audio = reader.record(number, line)
        except AudioError as error:
            outcome.problems.append(Problem(number, error.code, error.message))
            return False
        if isinstance(audio, Next):
            return audio is Next.STOP
        problem = check(number, line, audio, limits)
        step = reader.judge(number, audio, problem)
        if step is Next.KEEP and problem is None:
            collection.add(reader.speaker, reader.seed, number, line, audio)
            outcome.kept.append(number)
        elif step is Next.AGAIN:
            continue
        elif problem is not None:
            outcome.problems.append(problem)
        return step is Next.STOP


def check(number: int, line: Line, audio: AudioChunk, limits: Collect) -> Problem | None:
    """What is wrong with a recording, with the figure that says so."""
    found, syllables = measure(audio), len(line.text.split())
    wrong = flaw(found, syllables, limits)
    return (
        None if wrong is None else Problem(number, wrong, _reason(wrong, found, syllables, limits))
    )


def _reason(wrong: Flaw, found: Measured, syllables: int, limits: Collect) -> str:
    return _REASONS[wrong].format(
        found=found,
        limits=limits,
        share=100 * found.clipped,
        most=100 * limits.clipped,
        least=limits.syllable * syllables,
        longest=limits.slowest * syllables,
    )
