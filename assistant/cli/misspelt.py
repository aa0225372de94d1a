"""Environment variables that look like settings and are none: a typing error must not pass."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

# What is set beside this program: by Kubernetes for a service of its name, for Asterisk (docs).
_OTHERS = re.compile(r"TOKEN|PORT(_\d+_.*)?|SERVICE_(HOST|PORT.*)")
_PREFIX, _NESTED = "ASSISTANT_", "__"


def misspelt(names: Iterable[str]) -> Iterator[str]:
    """A sentence for every name that begins like a setting's and is no setting's."""
    unknown = sorted(name for name in names if name.upper().startswith(_PREFIX))
    if not unknown:
        return
    from assistant.settings import Settings  # pydantic takes longer than a help text

    known = list(_names(Settings.model_fields))
    for name in unknown:
        bare = name.upper().removeprefix(_PREFIX)
        if bare not in known and not _OTHERS.fullmatch(bare):
            close = get_close_matches(bare, known, n=1)
            meant = f"; có phải {_PREFIX}{close[0]}?" if close else "."
            yield f"Chú ý: không có thiết lập {name}, nên không dùng đến{meant}"


def _names(fields: Mapping[str, Any]) -> Iterator[str]:
    """Of fields as pydantic describes them, a group's own fields among them."""
    for name, field in fields.items():
        yield name.upper()
        inside = getattr(field.annotation, "model_fields", {})
        yield from (f"{name.upper()}{_NESTED}{one}" for one in _names(inside))
