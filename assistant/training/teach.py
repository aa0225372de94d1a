"""Networks that learn to say what others say, in noise too what those say without it.

The others may be several, of any size: what an ensemble hears at its cost, one network learns to
hear at its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from assistant.asr.folder import MEASURED, inspect_folder
from assistant.errors import UsageError
from assistant.training.corpus import Corpus
from assistant.training.data import Batch, Source, Stream
from assistant.training.export import acoustic_model
from assistant.training.folder import with_network
from assistant.training.mixture import with_pieces
from assistant.training.net import AcousticNet, SideBySide
from assistant.training.place import require_place
from assistant.training.reading import calibrate, read_networks, read_priors

RATE, WARMUP = 2e-4, 20  # of learning; steps until it is reached
SEED, SECONDS = 20261127, 60.0  # of audio a step
CLEAN = 0.5  # of the utterances that the teachers hear on a good line
OWN = 0.3  # of the loss: what each network learns of its own teacher
_LOOKED_AT = 6  # batches from which the statistics of speech are taken


def teach_model(
    model: Path, by: Path, work: Path, out: Path, steps: int, progress: bool = False
) -> Path:
    """Write ``out``: ``model`` taught what ``by`` hears, on the speech that ``assistant train``
    left in ``work``; returns it. Raises ModelError ``model-…``, UsageError
    ``teach-no-speech``, ``train-out-…``."""
    require_place(out)
    version, network = inspect_folder(model).version or "?", model / "am" / "final.mdl"
    pupils, teachers = read_networks(network), read_networks(by / "am" / "final.mdl")
    batches = lessons(work)
    looked_at = [batch.features for batch in islice(batches, _LOOKED_AT)]
    for pupil in pupils:
        calibrate(pupil, looked_at)
    taught(pupils, teachers, batches, steps, progress)
    about = {"name": out.name, "version": f"{version}+taught"}
    acoustic = acoustic_model(pupils, read_priors(network))
    with_network(model, out, acoustic, about, drop=MEASURED)
    return out


def lessons(work: Path) -> Iterator[Batch]:
    """Batches without end of what a training left in ``work``, spoiled anew and also clean.
    Raises UsageError ``teach-no-speech``."""
    stream = Stream(_speech_of(work), SEED, SECONDS, clean_share=CLEAN)
    return iter(DataLoader(stream, batch_size=None, num_workers=1, prefetch_factor=4))


def taught(
    pupils: Sequence[AcousticNet],
    teachers: Sequence[AcousticNet],
    batches: Iterable[Batch],
    steps: int,
    progress: bool = False,
) -> None:
    """Teach networks in ``steps`` batches to say together what their teachers say together, and
    each, where they are as many, what its own says. Of some utterances the teachers hear
    ``Batch.clean``: what they would have said without noise is what is to be heard through it.
    Normalisation stays as it is (``reading.calibrate`` first: a file's inputs are not
    normalised, and learn badly). The progress bar shows the divergence, nepers an output."""
    pupil, teacher = SideBySide(pupils).eval(), SideBySide(teachers).eval()
    learner = torch.optim.AdamW(pupil.parameters(), lr=RATE, weight_decay=0.0)
    bar = tqdm(range(steps), desc="teaching", disable=not progress)
    for step, batch in zip(bar, batches, strict=False):
        rise = min(1.0, (step + 1) / WARMUP)
        for group in learner.param_groups:
            group["lr"] = RATE * rise * 0.5 * (1 + math.cos(math.pi * step / steps))
        clean = batch.features if batch.clean is None else batch.clean
        with torch.no_grad():
            wanted, wanted_of_each = teacher.opinions(clean)
        said, said_by_each = pupil.opinions(batch.features)
        loss = _divergence(wanted, said)
        bar.set_postfix_str(f"{loss.item():.4f}", refresh=False)
        if len(pupils) == len(teachers):
            loss = loss + OWN * _divergence(wanted_of_each, said_by_each)
        learner.zero_grad()
        loss.backward()
        for network in pupils:
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        learner.step()


def _divergence(wanted: Tensor, said: Tensor) -> Tensor:
    """Kullback and Leibler's, of log-probabilities; the mean of all outputs."""
    return (wanted.exp() * (wanted - said)).sum(dim=-1).mean()


def _speech_of(work: Path) -> list[Source]:
    """Everything that a training heard, as its later stages heard it."""
    known = {
        file.parent.relative_to(work).as_posix(): Corpus.load(file.parent)
        for part in ("synthetic", "people", "cuts")
        for file in sorted((work / part).rglob("meta.json"))
    }
    cuts = {name.removeprefix("cuts/"): c for name, c in known.items() if name.startswith("cuts/")}
    heard = {name.partition("/")[2]: c for name, c in known.items() if name[:5] != "cuts/"}
    if not cuts or not heard:
        raise UsageError(
            "teach-no-speech",
            f"{work}: không có tiếng nói của một lần huấn luyện.",
            "Chạy assistant train --work trước, rồi chỉ vào thư mục đó.",
        )
    return with_pieces(heard, cuts)
