"""The catalogue accepts what the schema says and names what is wrong."""

from pathlib import Path

import pytest
import yaml

from assistant.errors import PromptError
from assistant.tts.catalogue import DIGIT_KEYS, load_catalogue, parse_catalogue
from tests.tts_tools import DIGITS, write_prompts

CASES = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "tts_catalogue.yaml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_broken_catalogue_names_the_fault(case: dict) -> None:
    with pytest.raises(PromptError) as caught:
        parse_catalogue(case["text"])
    assert caught.value.code == "prompts-invalid"
    assert caught.value.hint
    for name in case["names"]:
        assert name in caught.value.message


def test_respelling_is_spoken_and_text_is_shown(tmp_path: Path) -> None:
    write_prompts(tmp_path)
    path = tmp_path / "prompts.yaml"
    data = yaml.safe_load(path.read_text("utf-8"))
    data["prompts"]["greeting"] = {"text": "Đây là  VssID.", "speak": "Đây là vê ét ét ai đi."}
    path.write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8")
    catalogue = load_catalogue(tmp_path)
    assert catalogue["greeting"].text == "Đây là VssID."
    assert catalogue["greeting"].spoken == "Đây là vê ét ét ai đi."
    assert tuple(catalogue[key].spoken for key in DIGIT_KEYS) == DIGITS


def test_unknown_key_and_missing_file_are_coded(tmp_path: Path) -> None:
    with pytest.raises(PromptError) as caught:
        load_catalogue(tmp_path)
    assert caught.value.code == "prompts-missing"
    write_prompts(tmp_path)
    with pytest.raises(PromptError) as caught:
        load_catalogue(tmp_path)["nothing"]
    assert caught.value.code == "prompt-unknown"


def test_a_file_that_is_not_text_is_coded(tmp_path: Path) -> None:
    (tmp_path / "prompts.yaml").write_bytes(b"\xff\xfe\x00prompts")
    with pytest.raises(PromptError) as caught:
        load_catalogue(tmp_path)
    assert caught.value.code == "prompts-invalid"
