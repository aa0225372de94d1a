"""The shape of the house: who may import whom, how big a file grows, what every setting says."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from pydantic import BaseModel

from assistant import __version__
from assistant.dialogue.diagram import update_markdown
from assistant.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "assistant"
MODULES = sorted(PACKAGE.rglob("*.py"))
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")]

# Rooms, and the rooms each may import. ``settings`` and ``errors`` are open to all.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "settings": set(),
    "heap": set(),
    "audio": set(),
    "nlu": {"audio"},
    "dialogue": {"nlu"},
    "asr": {"audio", "nlu"},
    "tts": {"audio", "dialogue", "nlu"},
    "accounts": {"dialogue"},
    "call": {"asr", "tts", "accounts", "dialogue", "nlu", "audio"},
    "channels": {"call", "asr", "dialogue", "nlu", "audio"},
    "collect": {"audio"},
    "batch": {"channels", "call", "asr", "tts", "accounts", "dialogue", "nlu", "audio"},
    "server": {"channels", "call", "dialogue", "nlu", "audio"},
    "training": {"batch", "asr", "tts", "nlu", "audio", "heap"},
}
WITH_EXTRAS = {"training", "server"}  # rooms that are only entered with their extra installed
TOP = "cli"  # wires everything; nothing imports it

# The pure rooms: no engine, no database, no clock, no chance, no network, no process.
PURE = ("nlu", "dialogue")
IMPURE = {
    *("vosk sqlmodel sqlalchemy alembic httpx requests gtts pydub soundfile soxr numpy").split(),
    *("time datetime secrets socket ssl subprocess threading asyncio os shutil tempfile").split(),
}
OWN_CHANCE = re.compile(r"\brandom\.(?!Random\b)|\bRandom\(")  # one that is handed in is welcome
# Copyleft, heavy or networked: loaded inside the function that needs it, never by an import.
ON_DEMAND = (
    *("espeakng_loader", "piper", "pyloudnorm", "gtts", "torch", "psycopg"),
    *("sherpa_onnx", "ray", "pyarrow", "fsspec"),
    *("fastapi", "starlette", "uvicorn", "prometheus_client", "sounddevice", "aiosipua", "aiortp"),
)

# Import names whose distribution has another name.
DISTRIBUTIONS = {
    "yaml": "pyyaml",
    "argon2": "argon2-cffi",
    "aiortp": "aiosipua",  # comes with it
    "kaldi_native_fbank": "kaldi-native-fbank",
    "espeakng_loader": "espeakng-loader",
    "parselmouth": "praat-parselmouth",
    "sherpa_onnx": "sherpa-onnx",
    "pydantic_core": "pydantic",  # comes with it
    "pydantic_settings": "pydantic-settings",
    "piper": "piper-tts",
    "onnxruntime": "piper-tts",  # comes with it
    "starlette": "fastapi",  # comes with it
    "prometheus_client": "prometheus-client",
    "opentelemetry": "opentelemetry-sdk",  # and what it stands on
}

# Loaded by pytest itself, so that is there.
PLUGIN = PACKAGE / "cli" / "pytest_plugin.py"

MOST_LINES = 350
MOST_FUNCTION_LINES = 60


@dataclass(frozen=True, slots=True)
class Import:
    path: Path
    module: str
    at_top: bool  # runs when the module is imported

    @property
    def room(self) -> str:
        return self.path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def imports() -> tuple[Import, ...]:
    return tuple(one for path in MODULES for one in imports_of(path, path.read_text("utf-8")))


def imports_of(path: Path, source: str) -> Iterator[Import]:
    tree = ast.parse(source)
    lazy = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = node.module == "assistant"  # from assistant import accounts, call
            names = [f"assistant.{a.name}" for a in node.names] if whole else [node.module]
        for name in names:
            yield Import(path, name, node not in lazy)


def room_of(module: str) -> str | None:
    """The room of our own that a module belongs to; the version is nobody's."""
    head, _, rest = module.partition(".")
    inside = rest.split(".")[0]
    return inside if head == "assistant" and inside not in ("", "__version__") else None


def forbidden(found: Import) -> bool:
    room = room_of(found.module)
    if room is None or found.room in (room, TOP, "__init__", "__main__"):
        return False
    return room not in MAY_IMPORT[found.room] | {"errors", "settings"}


def test_every_room_is_known() -> None:
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES}
    assert rooms - {"__init__", "__main__"} == {*MAY_IMPORT, TOP}


def test_the_rules_have_no_circle() -> None:
    seen: set[str] = set()

    def visit(room: str, above: tuple[str, ...]) -> None:
        assert room not in above, " → ".join([*above, room])
        for below in MAY_IMPORT[room]:
            visit(below, (*above, room))
        seen.add(room)

    for room in MAY_IMPORT:
        visit(room, ())
    assert seen == set(MAY_IMPORT)


def test_imports_go_one_way() -> None:
    wrong = [f"{i.path.relative_to(ROOT)} imports {i.module}" for i in imports() if forbidden(i)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("room", "line", "wrong"),
    [
        ("nlu", "from assistant.dialogue.types import Say", True),
        ("dialogue", "import assistant.accounts.local", True),
        ("call", "from assistant import cli", True),
        ("tts", "def f():\n    from assistant.channels import wav", True),
        ("call", "from assistant.errors import AudioError", False),
        ("cli", "from assistant import __version__, accounts", False),
    ],
)
def test_a_wrong_import_is_seen(room: str, line: str, wrong: bool) -> None:
    found = list(imports_of(PACKAGE / room / "x.py", line))
    assert any(forbidden(one) for one in found) == wrong


def test_pure_rooms_touch_nothing_outside() -> None:
    wrong = [
        f"{i.path.relative_to(ROOT)} imports {i.module}"
        for i in imports()
        if i.room in PURE and i.module.split(".")[0] in IMPURE
    ]
    assert not wrong, "\n".join(wrong)
    for path in MODULES:
        if path.relative_to(PACKAGE).parts[0] in PURE:
            assert not OWN_CHANCE.search(path.read_text("utf-8")), path


def test_only_rooms_with_extras_import_what_is_loaded_on_demand() -> None:
    wrong = [
        f"{i.path.relative_to(ROOT)} imports {i.module}"
        for i in imports()
        if i.at_top and i.room not in WITH_EXTRAS and i.module.split(".")[0] in ON_DEMAND
    ]
    assert not wrong, "\n".join(wrong)


def test_the_program_starts_without_what_is_loaded_on_demand() -> None:
    script = f"import assistant.cli, sys; print(*[m for m in {ON_DEMAND!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


@cache
def pyproject() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]  # type: ignore[no-any-return]


def requirement_names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~;\s]", one, maxsplit=1)[0].lower() for one in requirements}


def declared() -> tuple[set[str], set[str]]:
    """Distributions of the default install, and of the default install with every extra."""
    project = pyproject()
    default = requirement_names(project["dependencies"])  # type: ignore[arg-type]
    extras = project["optional-dependencies"]
    assert isinstance(extras, dict)
    return default, default.union(*(requirement_names(extra) for extra in extras.values()))


def test_every_import_is_a_declared_dependency() -> None:
    default, with_extras = declared()
    wrong = []
    for found in imports():
        name = found.module.split(".")[0]
        if name == "assistant" or name in sys.stdlib_module_names:
            continue
        if name == "pytest" and found.path == PLUGIN:
            continue
        optional = found.room in WITH_EXTRAS or not found.at_top
        if DISTRIBUTIONS.get(name, name).lower() not in (with_extras if optional else default):
            wrong.append(f"{found.path.relative_to(ROOT)} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_types_can_be_checked_where_only_the_dev_extra_is_installed() -> None:
    """``make types`` on a fresh clone: what mypy cannot find there, it is told to do without."""
    default, _ = declared()
    extras = pyproject()["optional-dependencies"]
    assert isinstance(extras, dict)
    ours = re.search(r"\[(.*)\]", extras["dev"][0])
    assert ours
    dev = default.union(*(requirement_names(extras[one]) for one in ours[1].split(",")))
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    overrides = whole["tool"]["mypy"]["overrides"]
    spared = {
        name.split(".")[0]
        for one in overrides
        if one.get("ignore_missing_imports")
        for name in one["module"]
    }
    wanted = {found.module.split(".")[0] for found in imports() if found.path != PLUGIN}
    foreign = wanted - {"assistant", *sys.stdlib_module_names}
    missing = {name for name in foreign if DISTRIBUTIONS.get(name, name).lower() not in dev}
    assert not missing - spared


def locked_versions() -> dict[str, set[str]]:
    lock = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))
    versions: dict[str, set[str]] = {}
    for package in lock["package"]:
        if "version" in package:
            versions.setdefault(package["name"], set()).add(package["version"])
    return versions


def test_pip_installs_what_uv_locked() -> None:
    versions = locked_versions()
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    pins = [line.partition(" ;")[0].split("==") for line in lines if not line.startswith("#")]
    assert pins
    for name, version in pins:
        assert version in versions[name], name
    _, with_extras = declared()
    wanted = with_extras - {"vssid-voice-assistant", "torch"}  # torch: see the Makefile
    assert not wanted - {name for name, _ in pins}


def test_locks_name_no_place_but_pypi() -> None:
    for name in ("uv.lock", "requirements.lock"):
        hosts = re.findall(r"https?://([^/\"\s]+)", (ROOT / name).read_text("utf-8"))
        assert set(hosts) <= {"pypi.org", "files.pythonhosted.org"}, name


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_stay_small(path: Path) -> None:
    source = path.read_text("utf-8")
    assert source.count("\n") <= MOST_LINES
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < MOST_FUNCTION_LINES, node.name


def settings_groups(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        kind = field.annotation
        if inspect.isclass(kind) and issubclass(kind, BaseModel):
            yield from settings_groups(kind)


def test_every_setting_says_what_it_is() -> None:
    silent = [
        f"{group.__name__}.{name}"
        for group in settings_groups(Settings)
        for name, field in group.model_fields.items()
        if not (inspect.isclass(field.annotation) and issubclass(field.annotation, BaseModel))
        and not field.description
    ]
    assert not silent, ", ".join(silent)


def test_every_group_of_settings_says_what_it_is() -> None:
    assert all(group.__doc__ for group in settings_groups(Settings) if group is not Settings)


def test_text_is_nfc() -> None:
    texts = [*MODULES, *PAGES, *PACKAGE.rglob("*.yaml"), *ROOT.glob("audio_prompts/*.yaml")]
    texts += [*ROOT.glob("tests/**/*.py"), *ROOT.glob("tests/data/*.yaml"), ROOT / "Makefile"]
    wrong = [p for p in texts if not unicodedata.is_normalized("NFC", p.read_text("utf-8"))]
    assert not wrong


def test_the_state_diagram_is_the_table() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    assert update_markdown(text) == text, "python -m assistant.dialogue.diagram ARCHITECTURE.md"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        target, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        assert not target or (page.parent / target).exists(), link
        assert target or anchor


def test_the_changelog_knows_this_version() -> None:
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_every_make_target_is_in_the_help_and_readme_names_both_commands() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony
    for target in phony[1].split():
        assert re.search(rf"^{target}:.*## \S", makefile, re.MULTILINE), target
    readme = (ROOT / "README.md").read_text("utf-8")
    assert {"make demo", "make test"} <= set(re.findall(r"make [a-z-]+", readme))
