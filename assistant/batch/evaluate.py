"""The recognizer measured: every trial of every set under every condition, on all cores.

A figure here goes the product's own way: recognizer with the grammar of the state that would
listen, then understanding. Only the word error of connected numbers is of bare words.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import local

from assistant.asr.types import EndReason, Recognizer, RecognizerModel, Transcript
from assistant.batch.conditions import CONDITIONS, Condition, Heard
from assistant.batch.outcomes import Outcome, outcome
from assistant.batch.speech_sets import find_sets
from assistant.batch.trials import NOISE_SET, SetTrials, Trial, noise_trials, plan
from assistant.errors import AudioError
from assistant.nlu import phrases, prior
from assistant.nlu.types import Expect

Progress = Callable[[str, int, int], None]  # (set, done, of)
_AHEAD = 8  # trials a thread that wait for it


def quiet(name: str, done: int, of: int) -> None:
    """No progress to show."""


class Listener:
    """Plays clips to recognizers as the call would: one recognizer a thread, since vosk decodes
    without Python's lock."""

    def __init__(self, model: RecognizerModel) -> None:
        self._model = model
        self._own = local()

    def hear(self, sound: Heard, state: Expect) -> Transcript:
        recognizer: Recognizer | None = getattr(self._own, "recognizer", None)
        if recognizer is None:
            recognizer = self._own.recognizer = self._model.recognizer()
        recognizer.begin(phrases(state), sound.rate, prior(state))
        recognizer.feed(sound.pcm)
        return recognizer.end(EndReason.SILENCE)

    def judge(self, trial: Trial, condition: Condition, among: SetTrials) -> Outcome:
        sound = heard_under(trial, condition, among)
        transcripts = [self.hear(sound, state) for state in trial.states]
        return outcome(trial, condition.name, transcripts)


def heard_under(trial: Trial, condition: Condition, among: SetTrials) -> Heard:
    """The very samples that were judged, as often as one likes."""
    return condition.apply(trial.clip.samples, trial.clip.path, among.others(trial))


def planned(folder: Path, strings: int, limit: int | None) -> Iterator[SetTrials]:
    """The trials of every set of a folder, one set in memory at a time; then the noises, when
    the folder holds more than one set or speech to be refused. Raises AudioError, where no set
    has anything to measure ``speech-nothing``."""
    sets = find_sets(folder)
    refusing = len(sets) > 1
    count = 0
    for path in sets:
        found = plan(path, strings, limit)
        count += len(found.trials)
        refusing = refusing or any(trial.measure == "other" for trial in found.trials)
        yield found
    if not count:
        raise AudioError(
            "speech-nothing",
            f"Không có gì để đo trong {folder}: không dòng nào trong labels.csv có lời đo được.",
            "Điền cột text (và note); có words.csv thì mỗi chữ số cần start, end nằm trong clip.",
        )
    if refusing:
        yield noise_trials(limit)


def evaluate(
    folder: Path,
    model: RecognizerModel,
    conditions: Sequence[str] = ("clean",),
    strings: int = 100,
    limit: int | None = None,
    threads: int = 1,
    progress: Progress = quiet,
) -> Iterator[Outcome]:
    """Outcomes of every set as they come, in the same order whatever the threads."""
    listener = Listener(model)
    with ThreadPoolExecutor(threads) as pool:
        for among in planned(folder, strings, limit):
            names = conditions[:1] if among.name == NOISE_SET else conditions
            jobs = [(t, CONDITIONS[name]) for name in names for t in among.trials]
            futures = _submitted(pool, listener, jobs, among, threads * _AHEAD)
            for done, found in enumerate(futures, 1):
                progress(among.name, done, len(jobs))
                yield found


def _submitted(
    pool: ThreadPoolExecutor,
    listener: Listener,
    jobs: Iterable[tuple[Trial, Condition]],
    among: SetTrials,
    ahead: int,
) -> Iterator[Outcome]:
    """Results in the order of the jobs, a bounded number of them waiting."""
    waiting: deque[Future[Outcome]] = deque()
    for trial, condition in jobs:
        waiting.append(pool.submit(listener.judge, trial, condition, among))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
