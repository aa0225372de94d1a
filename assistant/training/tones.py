"""Teach a model to read tones off a voice's pitch: people's sentences, on good lines and bad ones.

The model's own network says where every syllable is (forced alignment), its spelling which tone it
has. Regions say some tones otherwise; all are taught together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from assistant.asr.beside import Beside
from assistant.asr.evidence import spans
from assistant.asr.folder import inspect_folder
from assistant.asr.intake import Intake
from assistant.asr.network import RATE
from assistant.asr.tones import CLASSES, FAR, Melody, Tones, tone_class
from assistant.batch.conditions import CONDITIONS
from assistant.batch.speech_sets import Clip, find_sets, label_rows, read_set
from assistant.errors import AudioError
from assistant.settings import Asr
from assistant.training.corpus import clean_text
from assistant.training.folder import with_tones
from assistant.training.place import require_place
from assistant.training.reading import foreign

LINES = ("clean", "mulaw", "mulaw-15", "gsm", "street-20", "street-10", "car-10")
_FEWEST = 500  # syllables, that tones are learnt from
_SINGLE = 6.0  # what a word said alone weighs: there are few, and callers say digits so
_HIDDEN, _STEPS, _BATCH, _RATE, _SEED = 24, 2_500, 512, 5e-3, 20261128
_DROPOUT, _SMOOTHING, _DECAY = 0.1, 0.02, 1e-3
_BLOCK = 3_200  # bytes

Values = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Examples:
    """Syllables that people said: ``values`` of ``Melody``, ``classes`` of their tones, and how
    much each of them ``weighs``."""

    values: Values
    classes: npt.NDArray[np.int64]
    weighs: Values


def teach_tones(
    model: Path, human: Path, out: Path, progress: bool = True, limit: int | None = None
) -> Path:
    """Write ``out``: the folder ``model`` with ``am/tones.json`` made anew from the sets of
    ``human``, of each at most ``limit`` clips. Raises UsageError ``train-out-…``, AudioError
    ``speech-…``, ``tones-few``, ModelError ``model-…``."""
    require_place(out)
    beside = Beside.read(inspect_folder(model))
    if beside is None:
        raise foreign(model)
    known = examples(beside, find_sets(human), progress, limit)
    if len(known.classes) < _FEWEST:
        raise AudioError(
            "tones-few",
            f"Chỉ nghe được {len(known.classes)} âm tiết trong các bộ ở {human}.",
            f"Cần ít nhất {_FEWEST}: thêm câu do người đọc, có nhãn bằng chữ tiếng Việt.",
        )
    with_tones(model, out, fit(known).text().encode())
    return out


def examples(
    beside: Beside, sets: Sequence[Path], progress: bool = True, limit: int | None = None
) -> Examples:
    """Of every clip of these sets that can be spelt (of each of the first ``limit``), on each of
    ``LINES``."""
    values: list[list[float]] = []
    classes: list[int] = []
    weighs: list[float] = []
    clips = (clip for folder in sets for clip in islice(read_set(folder), limit))
    many = sum(len(label_rows(folder)[:limit]) for folder in sets)
    for clip in tqdm(clips, desc="tones", total=many, disable=not progress):
        words = clean_text(clip.text).split()
        tones = [tone_class(word) for word in words]
        if not words or None in tones:
            continue
        weight = _SINGLE if len(words) == 1 else 1.0
        for pcm in _heard(clip):
            melody = Melody.of(pcm)
            places = spans(words, beside.network.outputs(pcm))
            for tone, place in zip(tones, places, strict=False):
                found = melody.values(place)
                if found is not None and tone is not None:
                    values.append(found)
                    classes.append(tone)
                    weighs.append(weight)
    return Examples(np.array(values, np.float32), np.array(classes), np.array(weighs, np.float32))


def _heard(clip: Clip) -> Iterator[bytes]:
    """The clip as an engine is given it on each line."""
    intake = Intake(RATE, Asr())
    for name in LINES:
        line = CONDITIONS[name].apply(clip.samples, clip.path)
        pcm, heard = bytearray(), line.pcm
        intake.begin(line.rate)
        for start in range(0, len(heard), _BLOCK):
            intake.add(heard[start : start + _BLOCK])
            pcm += intake.take(last=False)
        yield bytes(pcm + intake.take(last=True))


def fit(known: Examples) -> Tones:
    """A network of one hidden layer that tells their classes."""
    mean, scale = known.values.mean(axis=0), known.values.std(axis=0) + 1e-6
    x = torch.from_numpy(np.clip((known.values - mean) / scale, -FAR, FAR).astype(np.float32))
    y, weighs = torch.from_numpy(known.classes), torch.from_numpy(known.weighs)
    torch.manual_seed(_SEED)
    inside, outside = torch.nn.Linear(x.shape[1], _HIDDEN), torch.nn.Linear(_HIDDEN, CLASSES)
    net = torch.nn.Sequential(inside, torch.nn.Tanh(), torch.nn.Dropout(_DROPOUT), outside)
    optimizer = torch.optim.AdamW(net.parameters(), _RATE, weight_decay=_DECAY)
    for step in range(_STEPS):
        for group in optimizer.param_groups:
            group["lr"] = _RATE * (1 - step / _STEPS)
        drawn = torch.randint(len(x), (_BATCH,))
        loss = torch.nn.functional.cross_entropy(
            net(x[drawn]), y[drawn], reduction="none", label_smoothing=_SMOOTHING
        )
        optimizer.zero_grad()
        (loss @ weighs[drawn] / weighs[drawn].sum()).backward()
        optimizer.step()
    usual = np.bincount(known.classes, weights=known.weighs, minlength=CLASSES) + 1
    return Tones(
        mean.astype(np.float64), scale.astype(np.float64), _numbers(inside.weight).T,
        _numbers(inside.bias), _numbers(outside.weight).T, _numbers(outside.bias),
        np.log(usual / usual.sum()),
    )  # fmt: skip


def _numbers(weights: Any) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = weights.detach().double().numpy()
    return found
