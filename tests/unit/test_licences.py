"""The default install stays free of strong copyleft, and docs/licences.md names what is in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PAGE = Path(__file__).resolve().parents[2] / "docs" / "licences.md"
US = "vssid-voice-assistant"
STRONG = re.compile(r"(?<!L)(?<!Lesser )\bA?GPL|(?<!Lesser )General Public|SSPL", re.IGNORECASE)


def default_install() -> Iterator[Distribution]:
    """Every distribution that ``pip install`` brings on this machine, without extras."""
    seen, waiting = {US}, [distribution(US)]
    while waiting:
        found = waiting.pop()
        if canonicalize_name(found.name) != US:
            yield found
        for line in found.requires or ():
            need = Requirement(line)
            name = canonicalize_name(need.name)
            if name not in seen and (need.marker is None or need.marker.evaluate({"extra": ""})):
                seen.add(name)
                waiting.append(distribution(name))


def licence_of(found: Distribution) -> str:
    """As its authors state it: the SPDX expression, else the classifier, else the free text."""
    stated = found.metadata.json
    classes = [c for c in stated.get("classifier", ()) if c.startswith("License")]
    short = [c.split(" :: ")[-1] for c in classes]
    text = str(stated.get("license", "UNKNOWN")).splitlines()[0]
    plain = text if text != "UNKNOWN" and len(text) < 60 else ""
    return str(stated.get("license_expression") or plain or " AND ".join(short) or "UNKNOWN")


def rows() -> dict[str, str]:
    return dict(re.findall(r"^\| ([\w.-]+) \| ([^|]+) \|$", PAGE.read_text("utf-8"), re.MULTILINE))


def test_the_default_install_has_no_strong_copyleft() -> None:
    found = {one.name: licence_of(one) for one in default_install()}
    assert len(found) > len(distribution(US).requires or ()) / 2  # it was walked
    assert not [name for name, licence in found.items() if STRONG.search(licence)]
    assert "UNKNOWN" not in found.values()


@pytest.mark.parametrize(
    ("licence", "strong"),
    [
        ("GPL-3.0-or-later", True),
        ("GNU General Public License v3 (GPLv3)", True),
        ("AGPL-3.0", True),
        ("LGPL-2.1-or-later", False),
        ("GNU Lesser General Public License v3 (LGPLv3)", False),
        ("MPL-2.0 AND MIT", False),
    ],
)
def test_strong_copyleft_is_told_from_weak(licence: str, strong: bool) -> None:
    assert bool(STRONG.search(licence)) == strong


def test_the_page_names_every_package_and_its_licence() -> None:
    listed = rows()
    missing = {
        (canonicalize_name(one.name), licence_of(one))
        for one in default_install()
        if listed.get(canonicalize_name(one.name)) != licence_of(one)
    }
    assert not missing, "\n".join(f"| {name} | {licence} |" for name, licence in sorted(missing))
