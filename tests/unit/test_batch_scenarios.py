"""Scenario files: the schema, what is refused and where, defaults, places, the shipped set."""

from __future__ import annotations

import json
import random
import re
import tracemalloc
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from assistant.batch.places import below, walk
from assistant.batch.scenario import CALLER_VARIANTS, Account, Scenario, json_schema
from assistant.batch.scenario_files import Entry, fingerprint, parse, read_entries, wanted
from assistant.batch.starter import DATA
from assistant.batch.templates import Templates, caller_phone, draw_fixtures
from assistant.dialogue.code import may_be_citizen_id
from assistant.errors import PromptError, UsageError
from assistant.training.synthesis import KEPT_OUT
from tests.tts_tools import write_prompts

TESTS = Path(__file__).parent.parent
SHIPPED = TESTS / "scenarios"
FILES = sorted(SHIPPED.glob("*.scenario.yaml"))


def test_the_schema_file_is_the_models() -> None:
    written = json.loads((DATA / "scenario.schema.json").read_text("utf-8"))
    assert written == json_schema(), "assistant batch schema > assistant/batch/data/…"


@pytest.mark.parametrize("path", [*FILES, DATA / "starter.scenario.yaml"], ids=lambda p: p.name)
def test_what_ships_fits_the_schema_and_names_it_for_the_editor(path: Path) -> None:
    text = path.read_text("utf-8")
    jsonschema.validate(yaml.safe_load(text), json_schema())
    assert text.startswith("# yaml-language-server: $schema=")
    assert parse(text, path.name).scenarios


def test_enough_ship_and_cover_every_region_and_voice() -> None:
    entries = list(read_entries(str(SHIPPED)))
    assert len(entries) >= 60
    assert len({entry.id for entry in entries}) == len(entries)
    scenarios = [entry.scenario for entry in entries if entry.scenario]
    voices = {(s.caller.voice.region, s.caller.voice.variant) for s in scenarios}
    assert len({region for region, _ in voices}) == 3
    assert {variant for _, variant in voices} == set(CALLER_VARIANTS)
    assert {s.caller.line.noise for s in scenarios} >= {"quiet", "hiss", "street", "babble", "hum"}
    assert all(s.expect.model_fields_set or s.turns[-1].expect.model_fields_set for s in scenarios)


def test_callers_have_not_trained_the_model() -> None:
    assert set(CALLER_VARIANTS) == KEPT_OUT


MISTAKES = yaml.safe_load((TESTS / "data" / "scenario_mistakes.yaml").read_text("utf-8"))


def told(text: str) -> list[tuple[int, str]]:
    """(line, sentence) of every mistake in a file."""
    with pytest.raises(UsageError) as caught:
        parse(text, "x.scenario.yaml")
    assert caught.value.code == "scenario-invalid"
    found = re.findall(r"(?:^|, |\n  )dòng (\d+): ([^\n]+)", caught.value.message)
    return [(int(line), why) for line, why in found]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: " ".join(m["text"].split()[:12]))
def test_every_mistake_is_told_in_vietnamese_with_its_line(mistake: dict[str, Any]) -> None:
    found = told(mistake["text"])
    assert len(found) == len(mistake["faults"]), found
    for (line, why), (number, *words) in zip(found, mistake["faults"], strict=True):
        assert line == number, why
        assert all(word in why for word in words), why
        assert why.endswith((".", "?"))


@pytest.mark.parametrize("text", [one["text"] for one in MISTAKES if one.get("editor", True)])
def test_an_editor_sees_it_too(text: str) -> None:
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError:
        return
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(raw)


def test_of_many_mistakes_the_first_ten_are_told() -> None:
    turns = "".join(f"      - {{keys: x{number}}}\n" for number in range(25))
    text = f"scenarios:\n  - name: a\n    turns:\n{turns}"
    with pytest.raises(UsageError) as caught:
        parse(text, "x")
    assert "x có 25 lỗi:" in caught.value.message
    assert "… và 15 lỗi nữa." in caught.value.message
    assert [line for line, _ in told(text)] == list(range(4, 14))


def test_a_mistake_that_an_anchor_brings_along_has_the_line_of_the_anchor() -> None:
    text = """
scenarios:
  - &one
    name: a
    turns: [{keys: "8"}]
    caller: {phone: bob}
  - <<: *one
    name: b
"""
    assert [line for line, _ in told(text)] == [6, 6]


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.scenario.yaml").write_bytes("about: thử".encode("utf-16"))
    with pytest.raises(UsageError, match="UTF-8") as caught:
        list(read_entries(str(tmp_path)))
    assert caught.value.code == "scenario-invalid"


def test_a_site_has_prompts_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "scenarios: [{name: a, turns: [{keys: '8'}], expect: {never: [%s]}}]"
    write_prompts(tmp_path, {"chao_rieng": "Xin chào."})
    monkeypatch.setenv("ASSISTANT_PROMPTS", str(tmp_path))
    assert parse(text % "chao_rieng", "x").scenarios
    assert "chao_rieng" in json_schema()["$defs"]["PromptKey"]["enum"]
    assert "không có câu thoại “menu”" in told(text % "menu")[0][1]
    monkeypatch.setenv("ASSISTANT_PROMPTS", str(tmp_path / "nowhere"))
    assert parse(text % "", "x").scenarios  # a file that names none needs none
    with pytest.raises(PromptError, match="prompts-missing"):
        parse(text % "menu", "x")


def test_an_author_reads_vietnamese() -> None:
    """Every definition and field that an editor shows has words, and not a programmer's."""
    schema = json_schema()
    shown = {"": schema, **schema["$defs"]}
    for name, definition in shown.items():
        fields = definition.get("properties", {})
        for field, one in [("", definition), *fields.items()]:
            words = one.get("description") or schema["$defs"].get(
                one.get("$ref", "").rpartition("/")[2], {}
            ).get("description", "")
            assert name == field == "" or not words.isascii(), (name, field, words)
            assert "title" not in one or one is schema, (name, field)


def test_defaults_are_under_every_scenario() -> None:
    text = """
defaults: {tags: [a], caller: {voice: {variant: f4}, phone: stranger}}
scenarios:
  - {name: one, tags: [b], caller: {voice: {wpm: 99}}, turns: [{keys: "8"}]}
"""
    (one,) = parse(text, "x").scenarios
    assert one.tags == ("a", "b")
    assert (one.caller.voice.variant, one.caller.voice.wpm) == ("f4", 99)
    assert one.caller.phone == "stranger"


@pytest.mark.parametrize(
    ("text_filter", "found"),
    [("", True), ("mã", True), ("MUST mã", True), ("voice", False), ("-must", False), ("-x", True)],
)
def test_filter(text_filter: str, found: bool) -> None:
    scenario = Scenario.model_validate(
        {"name": "Mã số", "tags": ["must"], "turns": [{"keys": "8"}]}
    )
    entry = Entry("f/Mã số", "f", ".", scenario=scenario)
    assert wanted(entry, text_filter) == found


@pytest.mark.parametrize("kind", ["random", "random0", "citizen"])
def test_drawn_codes_are_what_they_should_be(kind: str) -> None:
    for seed in range(50):
        (fixture,) = draw_fixtures((Account(code=kind),), random.Random(seed))
        assert len(fixture.code) == (12 if kind == "citizen" else 10)
        assert may_be_citizen_id(fixture.code) == (kind != "random")


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("{code}#", "1234567890#"),
        ("{code:0:4}", "1234"),
        ("{code:-1:}", "0"),
        ("{code!last}", "1234567893"),
        ("{code!1:0:2}", "42"),
        ("{binh.code}", "998877665544"),
        ("8", "8"),
        ("{password}", "482915"),
    ],
)
def test_places(text: str, digits: str) -> None:
    accounts = (Account(code="1234567890"), Account(name="binh", code="998877665544"))
    templates = Templates(draw_fixtures(accounts, random.Random(1)), random.Random(1))
    templates.password = "482915"
    assert templates.digits(text) == digits


@pytest.mark.parametrize(
    ("code", "place", "changed"),
    [
        ("7493070495", "{code!1}", "1493070495"),  # with a 0 it would be the start of a citizen id
        ("0493070495", "{code!1}", "3493070495"),
        ("0003070495", "{code!3}", "0033070495"),  # any other digit makes one
    ],
)
def test_a_changed_code_is_no_citizen_id_that_it_was_not(
    code: str, place: str, changed: str
) -> None:
    fixtures = draw_fixtures((Account(code=code),), random.Random(1))
    assert Templates(fixtures, random.Random(1)).digits(place) == changed


def test_places_are_said_in_words() -> None:
    templates = Templates(
        draw_fixtures((Account(code="1234567890"),), random.Random(1)), random.Random(1)
    )
    assert templates.words("mã {code:0:3}", "vi") == "mã một hai ba"
    assert templates.words("{code:1:3|pairs}", "vi") in ("hai ba", "hai mươi ba")
    for wrong in ("{code|hát}", "{ai.code}", "{code!77}"):
        with pytest.raises(UsageError, match="scenario-place"):
            templates.words(wrong, "vi")


def test_whose_number_calls() -> None:
    fixtures = draw_fixtures((Account(), Account(name="binh")), random.Random(2))

    def phone(wanted: str) -> str | None:
        scenario = Scenario.model_validate(
            {"name": "a", "turns": [{"keys": "8"}], "caller": {"phone": wanted}}
        )
        return caller_phone(scenario, fixtures, random.Random(3))

    assert phone("account") == fixtures[0].phone
    assert phone("binh") == fixtures[1].phone
    assert phone("withheld") is None
    assert phone("0501112223") == "0501112223"
    assert phone("stranger") not in {fixture.phone for fixture in fixtures}


def test_labels_are_entries_and_their_columns_are_checked(tmp_path: Path) -> None:
    labels = tmp_path / "set" / "labels.csv"
    labels.parent.mkdir()
    labels.write_text("path,text,listen\na.wav,Đúng rồi,confirm\nb.wav,một hai,\n", "utf-8")
    first, second = read_entries(str(tmp_path))
    assert first.clip
    assert (first.clip.text, first.clip.listen) == ("đúng rồi", "confirm")
    assert second.clip
    assert second.clip.listen is None
    before = fingerprint(str(tmp_path))
    labels.write_text("path,text\na.wav,sai\n", "utf-8")
    assert fingerprint(str(tmp_path)) != before
    labels.write_text("file,words\n", "utf-8")
    with pytest.raises(UsageError, match="labels-columns"):
        list(read_entries(str(tmp_path)))
    labels.write_text("path,text,listen\na.wav,x,nowhere\n", "utf-8")
    with pytest.raises(UsageError, match="labels-listen"):
        list(read_entries(str(tmp_path)))


def test_rows_that_name_the_same_file_have_ids_of_their_own(tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    rows = ["a.wav,đúng", "b.wav,sai", "a.wav,không", "a.wav#2,một", "a.wav,đúng", "c.wav,hai"]
    labels.write_text("\n".join(["path,text", *rows]), "utf-8")
    ids = [entry.id.removeprefix(f"{tmp_path}/") for entry in read_entries(str(tmp_path))]
    assert ids == ["a.wav", "b.wav", "a.wav#2", "a.wav#2#1", "a.wav#3", "c.wav"]
    labels.write_text("\n".join(["path,text", "new.wav,ba", *rows]), "utf-8")
    again = [entry.id.removeprefix(f"{tmp_path}/") for entry in read_entries(str(tmp_path))]
    assert again == ["new.wav", *ids]  # rows of other files change nothing
    labels.write_text("path,text\n", "utf-8")
    with pytest.raises(UsageError, match="batch-empty"):
        list(read_entries(str(tmp_path)))


def test_files_of_the_same_name_in_two_folders_have_ids_of_their_own(tmp_path: Path) -> None:
    one = FILES[0].read_text("utf-8")
    for folder in ("", "a", "b"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "x.scenario.yaml").write_text(one, "utf-8")
    ids = [entry.id for entry in read_entries(str(tmp_path))]
    assert len(set(ids)) == len(ids)
    assert {one.rpartition("/")[0] for one in ids} == {"x", "a/x", "b/x"}
    alone = [entry.id for entry in read_entries(str(tmp_path / "x.scenario.yaml"))]
    assert set(alone) < set(ids)
    (tmp_path / "x.scenario.yml").write_text(one, "utf-8")
    more = [entry.id for entry in read_entries(str(tmp_path))]
    assert len(set(more)) == len(more)
    assert {one.rpartition("/")[0] for one in more} == {"x", "x.yml", "a/x", "b/x"}


@pytest.mark.parametrize(
    ("found", "place", "name"),
    [
        ("tests/a/x.yaml", "./tests/", "a/x.yaml"),
        ("x.yaml", ".", "x.yaml"),
        ("tests/a/x.yaml", "tests/a/x.yaml", "x.yaml"),
        ("s3://calls/a/x.yaml", "s3://calls/", "a/x.yaml"),
        ("s3://calls/a/x.yaml", "s3://calls/a/x.yaml", "x.yaml"),
    ],
)
def test_a_place_below_another(found: str, place: str, name: str) -> None:
    assert below(found, place) == name


def test_nothing_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="batch-empty"):
        list(read_entries(str(tmp_path)))
    with pytest.raises(UsageError, match="batch-missing"):
        list(read_entries(str(tmp_path / "nowhere")))


def test_recordings_beside_a_list_cost_no_memory(tmp_path: Path) -> None:
    """Reading a month of calls holds one entry at a time, and not the names of their files."""
    recordings = 3_000
    with (tmp_path / "labels.csv").open("w", encoding="utf-8") as labels:
        labels.write("path,text\n")
        for number in range(recordings):
            (tmp_path / f"{number}.wav").touch()
            labels.write(f"{number}.wav,không\n")
    next(read_entries(str(tmp_path)))  # whatever is loaded once
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_entries(str(tmp_path))) == recordings
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 30 * recordings  # bytes: less than their names


def test_files_are_found_in_the_order_of_their_folders(tmp_path: Path) -> None:
    for name in (
        "b/a.scenario.yaml",
        "a.scenario.yaml",
        "b/labels.csv",
        "c/other.yaml",
        "a/labels.csv",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "d").symlink_to(tmp_path, target_is_directory=True)  # no circle is walked
    found = walk(str(tmp_path), lambda name: name.endswith(("scenario.yaml", "labels.csv")))
    assert [str(Path(one).relative_to(tmp_path)) for one in found] == [
        "a/labels.csv", "a.scenario.yaml", "b/a.scenario.yaml", "b/labels.csv",
    ]  # fmt: skip
