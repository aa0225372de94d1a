"""Run one entry: a whole call on a throw-away database, or one recording, to a record.

A record is plain data (JSON): what was expected, what was heard, and how long it took."""

from __future__ import annotations

import random
import tempfile
import time
import uuid
import zlib
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from assistant.accounts.local import LocalAccounts
from assistant.accounts.open import open_local
from assistant.batch.caller import Prepared, ScenarioCaller, Tape
from assistant.batch.checking import NOTHING, Facts, Failure, check_call
from assistant.batch.hearing import Stage, hear, understood
from assistant.batch.line import LineSound
from assistant.batch.places import join, local_file
from assistant.batch.rows import counts, password_state
from assistant.batch.scenario import Scenario, Turn
from assistant.batch.scenario_files import Entry
from assistant.batch.speaking import recorded, speak
from assistant.batch.templates import Fixture, Templates, caller_phone, draw_fixtures
from assistant.batch.turns import turn_records
from assistant.batch.watching import WatchedAccounts, WatchedModel, WatchedTalk, WatchedVoice
from assistant.call import Call, CallParts
from assistant.errors import AssistantError, UsageError
from assistant.nlu.types import Expect
from assistant.settings import Settings

Record = dict[str, Any]
_SLOWER, _SLOWEST = 0.85, 80  # of the words per minute, whenever a caller says something again


@dataclass(frozen=True, slots=True)
class Played:
    """A finished call. ``tape`` None: it never began."""

    record: Record
    tape: Tape | None
    call: Call | None


def play_scenario(stage: Stage, entry: Entry, seed: int = 0) -> Played:
    """The call of ``entry``; every account, number, password and voice is a function of (entry,
    seed)."""
    assert entry.scenario is not None
    scenario = entry.scenario
    own = zlib.crc32(f"{entry.id}:{seed}".encode())
    rng = random.Random(own)  # noqa: S311
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="assistant-scenario-") as folder:
        settings = _settings(stage.settings, scenario, Path(folder))
        try:
            with closing(_throw_away(settings, own)) as accounts:
                played = _Play(stage, settings, entry, rng, accounts).run()
        except AssistantError as error:
            record = _failed_to_begin(scenario, error)
            played = Played(record, None, None)
    played.record["elapsed"] = round(time.perf_counter() - started, 4)
    return played


class _Play:
    """One call, with watchers around its parts."""

    def __init__(
        self,
        stage: Stage,
        settings: Settings,
        entry: Entry,
        rng: random.Random,
        accounts: LocalAccounts,
    ) -> None:
        assert entry.scenario is not None
        self._stage, self._settings, self._entry = stage, settings, entry
        self._scenario: Scenario = entry.scenario
        self._rng, self._accounts = rng, accounts
        self._fixtures = draw_fixtures(self._scenario.accounts, rng)
        self._phone = caller_phone(self._scenario, self._fixtures, rng)
        self._templates = Templates(self._fixtures, rng)
        self._lines: dict[object, LineSound] = {}
        self._line_seed = rng.getrandbits(16)
        self._voice = WatchedVoice(stage.voice)
        self._model = WatchedModel(stage.model)

    def run(self) -> Played:
        scenario, stage = self._scenario, self._stage
        self._set_up()
        before = counts(self._settings)
        accounts = WatchedAccounts(self._accounts, scenario.accounts_down)
        parts = CallParts(
            model=self._model,
            understand=stage.understand,
            phrases=stage.phrases,
            prior=stage.prior,
            voice=self._voice,
            accounts=accounts,
            turns=self._settings.turns,
            vad=self._settings.vad,
            limits=self._settings.dialogue,
            invented=self._accounts.is_invented,
        )
        verifications = self._settings.security.verifications_per_call
        talk = WatchedTalk(self._settings.dialogue, verifications, phone=self._phone)
        call_id = uuid.UUID(int=self._rng.getrandbits(128)).hex
        call = Call(parts, talk, self._phone, call_id, stage.rate)
        # Files are read before the call begins: one that cannot be read must not cost a call.
        recordings = {turn.wav: self._read(turn.wav) for turn in scenario.turns if turn.wav}
        caller = ScenarioCaller(
            call, scenario.turns, partial(self._prepare, recordings), self._line,
            self._settings.turns.frame, scenario.caller.patience,
        )  # fmt: skip
        tape = caller.run()
        after = counts(self._settings)
        facts = Facts(
            ended=call.ended,
            resets=call.resets,
            path=talk.path,
            verified=tuple(accounts.codes),
            rows={name: after[name] - before[name] for name in after},
            password=password_state(self._accounts, self._fixtures, self._voice.password),
            seconds=call.now,
            misread=self._listen_back() if scenario.expect.listen_back else (),
            turns=turn_records(call, self._voice.said, self._model, tape.owners),
        )
        return Played(self._record(call, facts), tape, call)

    def _record(self, call: Call, facts: Facts) -> Record:
        invented = all(fixture.invented for fixture in self._fixtures)
        failures = check_call(self._scenario, facts, self._templates)
        if failures and call.error is not None:  # what all the others come of
            failures.insert(0, Failure("error", NOTHING, call.error))
        self._templates.password = self._voice.password
        return {
            "kind": "call",
            "invented": invented,
            "failures": [failure.as_dict(invented) for failure in failures],
            **facts.as_dict(self._scenario, self._templates, invented),
        }

    def _listen_back(self) -> tuple[tuple[str, str], ...]:
        """(meant, heard) of the digits that did not come out of the assistant as they should."""
        found = []
        for meant, pcm in self._voice.digits:
            heard = understood(hear(self._stage, pcm, Expect.CODE), Expect.CODE)
            digits = heard.digits.digits if heard.digits else ""
            if digits != meant:
                found.append((meant, digits))
        return tuple(found)

    def _set_up(self) -> None:
        """Register the accounts and let their history happen, through the store's own door."""
        scenario = self._scenario
        for one in self._fixtures:
            self._accounts.add(one.phone, one.code, one.contact, invented=one.invented)
        first: Fixture | None = self._fixtures[0] if self._fixtures else None
        for number in range(scenario.history.failures):
            wrong = f"9{self._rng.randrange(10**9):09}"
            self._accounts.verify_and_reset(self._phone, wrong, f"before-{number}")
        for number in range(scenario.history.resets if first else 0):
            assert first is not None
            self._accounts.verify_and_reset(first.phone, first.code, f"reset-{number}")

    def _read(self, name: str) -> Any:
        with local_file(join(self._entry.base, name)) as path:
            return recorded(path, self._stage.rate, self._settings.audio)

    def _prepare(self, recordings: dict[str, Any], turn: Turn, before: int) -> Prepared:
        self._templates.password = self._voice.password
        if turn.wav is not None:
            return Prepared(speech=recordings[turn.wav])
        if turn.keys is not None:
            return Prepared(keys=self._templates.digits(turn.keys))
        if turn.say is None:
            return Prepared()
        voice = turn.voice or self._scenario.caller.voice
        voice = voice.model_copy(update={"wpm": max(_SLOWEST, round(voice.wpm * _SLOWER**before))})
        groups = (turn.say,) if isinstance(turn.say, str) else turn.say
        words = [self._templates.words(group, voice.region) for group in groups]
        return Prepared(speech=speak(words, voice, turn.gap, self._stage.rate))

    def _line(self, turn: Turn) -> LineSound:
        line = turn.line or self._scenario.caller.line
        if line not in self._lines:
            self._lines[line] = LineSound(line, self._stage.rate, self._line_seed)
        return self._lines[line]


def _settings(base: Settings, scenario: Scenario, folder: Path) -> Settings:
    """The settings of this scenario: a database and a key of its own, and what it changes."""
    changed = base.model_dump()
    for name, value in scenario.settings.items():
        group, _, field = name.rpartition(".")
        place = changed.get(group, {}) if group else changed
        if field not in place:
            raise UsageError(
                "scenario-setting",
                f"Không có thiết lập {name!r}.",
                "Tên như trong assistant/settings.py, ví dụ dialogue.accepted_ids.",
            )
        place[field] = value
    changed["database_url"] = f"sqlite:///{folder}/scenario.sqlite3"
    changed["security"]["key_file"] = folder / "scenario.key"
    changed["remote"]["url"] = None
    return Settings.model_validate(changed)


def _throw_away(settings: Settings, seed: int) -> LocalAccounts:
    """A store whose passwords are a function of ``seed``: they take as long to say every time."""
    draw = random.Random(seed).randrange  # noqa: S311 - invented passwords of invented people
    return open_local(settings, upgrade=True, notice=lambda _: None, below=draw)


def _failed_to_begin(scenario: Scenario, error: AssistantError) -> Record:
    """An error before the call: what was expected, or a failure."""
    wanted = scenario.expect.error
    failures = (
        []
        if wanted == error.code
        else [{"what": "error", "turn": None, "expected": wanted or NOTHING, "got": str(error)}]
    )
    return {"kind": "call", "invented": True, "failures": failures, "error": error.code,
            "seconds": 0.0, "turns": []}  # fmt: skip
