"""A Vosk model folder, written whole or not at all."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from assistant.asr.folder import read_card, write_card
from assistant.asr.tones import FILE
from assistant.training.augment import RATE
from assistant.training.features import FBANK_CONF
from assistant.training.graph import Graph
from assistant.training.place import placed

MODEL_CONF = """--min-active=200
--max-active=3000
--beam={beam}
--lattice-beam={lattice_beam}
--acoustic-scale={acoustic_scale}
--frame-subsampling-factor=3
--frames-per-chunk=57
--endpoint.silence-phones=1
--endpoint.rule2.min-trailing-silence=30.0
--endpoint.rule3.min-trailing-silence=30.0
--endpoint.rule4.min-trailing-silence=30.0
--endpoint.rule1.min-trailing-silence=30.0
--endpoint.rule5.min-utterance-length=120.0
"""
"""The endpoint rules are pushed out of the way: end-pointing is the call's (asr/endpoint.py)."""


@dataclass(frozen=True, slots=True)
class Search:
    """How the decoder searches. ``acoustic_scale``: the outputs of neighbouring frames agree with
    one another, so their log-probabilities add up to more than they know; unscaled, no grammar
    can correct "thông" into "không". Beams are in scaled nepers."""

    acoustic_scale: float = 0.5
    beam: float = 8.0
    lattice_beam: float = 2.5  # wider ones take minutes over a crowd behind the caller


def write_model(
    target: Path,
    acoustic: bytes,
    graph: Graph,
    about: Mapping[str, object],
    search: Search | None = None,
) -> None:
    """``about`` goes to model.json with the SHA-256 of every file. Raises UsageError
    ``train-out-taken``, ``train-out-write``."""
    files: dict[str, bytes] = {
        "am/final.mdl": acoustic,
        "conf/fbank.conf": FBANK_CONF.encode(),
        "conf/model.conf": MODEL_CONF.format(**asdict(search or Search())).encode(),
        "graph/HCLr.fst": graph.lexicon,
        "graph/Gr.fst": graph.grammar,
        "graph/disambig_tid.int": b"",
        "graph/words.txt": graph.words.encode(),
    }
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    with placed(target) as made:
        for name, content in files.items():
            path = made / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        write_card(made, {**about, "sample_rate": RATE, "sha256": sums})
        if (target / "README.md").is_file():
            shutil.copy(target / "README.md", made / "README.md")


def with_network(
    model: Path,
    target: Path,
    acoustic: bytes,
    about: Mapping[str, object],
    drop: Sequence[str] = (),
) -> None:
    """Write ``target``: the folder ``model`` with another network and a card that says so.
    ``about`` is noted in the card, ``drop`` left out of it; the model card's text stays behind,
    for its figures are of the other network. Raises UsageError ``train-out-taken``,
    ``train-out-write``."""
    record = {**read_card(model), **about}
    for name in drop:
        record.pop(name, None)
    _with_part(model, target, "am/final.mdl", acoustic, record, text=False)


def with_tones(model: Path, target: Path, tones: bytes) -> None:
    """Write ``target``: the folder ``model`` with these tones. Raises UsageError as
    ``with_network``."""
    _with_part(model, target, FILE, tones, read_card(model), text=True)


def _with_part(
    model: Path, target: Path, part: str, content: bytes, card: dict[str, Any], text: bool
) -> None:
    """``text``: whether the model card's text goes along."""
    card.setdefault("sha256", {})[part] = hashlib.sha256(content).hexdigest()
    with placed(target) as made:
        # Hidden files are no part of a model; where ``target`` lies inside it, they are the copy.
        shutil.copytree(model, made, ignore=shutil.ignore_patterns(".*"))
        (made / part).write_bytes(content)
        if not text:
            (made / "README.md").unlink(missing_ok=True)
        write_card(made, card)
