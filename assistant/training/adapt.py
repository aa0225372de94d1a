"""A model that knows one line better: a few hundred labelled clips, minutes on a CPU.

Some speakers (or clips, where there are few speakers) are kept apart and never learnt from. The
new model is kept only if it makes fewer errors on those than the old one, and no more than
``FORGIVEN`` more on synthetic callers, who stand for everybody else.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from assistant.asr.engines import load_model
from assistant.asr.folder import inspect_folder
from assistant.asr.types import EndReason, RecognizerModel
from assistant.batch.scoring import Alignment
from assistant.errors import AudioError
from assistant.nlu import phrases
from assistant.nlu.types import Expect
from assistant.training.align import aligned
from assistant.training.augment import MILD, RATE
from assistant.training.corpus import Corpus, read_labelled
from assistant.training.data import Source, Stream
from assistant.training.export import acoustic_model
from assistant.training.folder import with_network
from assistant.training.net import AcousticNet
from assistant.training.place import require_place
from assistant.training.reading import read_networks, read_priors
from assistant.training.synthesis import speak_all
from assistant.training.texts import NUMBER_WORDS, answer, code_texts
from assistant.training.train import Plan, Trainer

HELD_OUT = 0.25
FEWEST = 40  # clips; with fewer nothing can be learnt and measured
FORGIVEN = 0.02  # of the words of synthetic callers
_FEW_SPEAKERS = 4
BATCH_SECONDS = 20.0  # of audio a step: there is little of it, and the line has spoiled it already
PLAN = Plan(epochs=4, epoch_hours=0.5, learning_rate=1e-4, final_rate=1e-6, warmup_epochs=0.2,
            average=0.99, dropout=0.0, smoothing=0.05, batch_norm=False, seed=20261126)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Errors:
    """Word errors of one model on one set."""

    errors: int
    words: int

    @property
    def rate(self) -> float:
        return self.errors / self.words if self.words else 0.0

    @property
    def all_wrong(self) -> Errors:
        """Of a model that hears nothing of it."""
        return Errors(self.words, self.words)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What adapting brought. ``better``: whether the new model was kept."""

    learnt: int  # clips
    held_out: int
    before: Errors
    after: Errors
    others_before: Errors
    others_after: Errors
    folder: Path | None

    @property
    def better(self) -> bool:
        return self.folder is not None


def adapt(
    model: Path,
    data: Path,
    out: Path,
    plan: Plan = PLAN,
    progress: bool = True,
    say: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Teach the network of ``model`` the clips of ``data`` (labels.csv); the result goes to
    ``out`` if it is better. Raises AudioError ``adapt-few-clips``, ``adapt-no-errors``,
    ``speech-…``, ModelError ``model-…`` and UsageError ``train-out-…``."""
    require_place(out)
    version, network = f"{inspect_folder(model).version or '?'}+adapted", model / "am" / "final.mdl"
    nets = read_networks(network, plan.dropout)
    say("1/4 reading clips")
    clips = read_labelled(data)
    if len(clips) < FEWEST:
        raise AudioError(
            "adapt-few-clips",
            f"Chỉ có {len(clips)} clip dùng được trong {data}.",
            f"Cần ít nhất {FEWEST} clip có nhãn bằng chữ tiếng Việt; nên có vài trăm.",
        )
    learn, keep = split(clips, plan.seed)
    held, old = clips.chosen(keep), load_model(model)
    before = word_errors(old, held)
    if not before.errors:
        raise _no_errors(model, len(keep))
    say("2/4 synthetic callers, against forgetting")
    others, check = _others(plan.seed, progress)
    say("3/4 learning")
    known = clips.chosen(learn)
    with TemporaryDirectory(prefix="assistant-adapt-") as name:
        work = Path(name)
        trained = [
            _taught(net, known, others, plan, work / str(number), progress)
            for number, net in enumerate(nets)
        ]
        say("4/4 comparing")
        others_before = word_errors(old, check)
        after, others_after, acoustic = before.all_wrong, others_before.all_wrong, b""
        if all(map(_is_sound, trained)):
            acoustic = acoustic_model(trained, read_priors(network))
            with_network(model, work / "model", acoustic, {"version": version})
            new = load_model(work / "model")
            after, others_after = word_errors(new, held), word_errors(new, check)
    outcome = Outcome(
        len(learn), len(keep), before, after, others_before, others_after, folder=None
    )
    if not _accepted(outcome):
        return outcome
    with_network(model, out, acoustic, {"version": version})
    return replace(outcome, folder=out)


def _no_errors(model: Path, clips: int) -> AudioError:
    return AudioError(
        "adapt-no-errors",
        f"Mô hình {model} không nghe sai từ nào trong {clips} clip giữ lại để đo nên không có gì "
        "để dạy thêm.",
        "Cứ dùng mô hình đó; muốn dạy thêm thì thu những câu mà nó nghe sai.",
    )


def _taught(
    net: AcousticNet, clips: Corpus, others: Corpus, plan: Plan, work: Path, progress: bool
) -> AcousticNet:
    sources = [Source(aligned(net, clips), 0.65), Source(aligned(net, others), 0.35)]
    stream = Stream(sources, plan.seed, BATCH_SECONDS, severity=MILD)
    trainer = Trainer(stream, net.shape, plan, work)
    trainer.take(net)
    return trainer.run(progress)


def _is_sound(net: AcousticNet) -> bool:
    """Whether the training did not diverge: a network of infinities hears nothing."""
    return all(bool(torch.isfinite(p).all()) for p in net.state_dict().values())


def _accepted(outcome: Outcome) -> bool:
    forgot = outcome.others_after.rate - outcome.others_before.rate
    return outcome.after.errors < outcome.before.errors and forgot <= FORGIVEN


def split(clips: Corpus, seed: int) -> tuple[list[int], list[int]]:
    """Indices (learnt, held out): whole speakers are held out where there are enough."""
    rng = random.Random(seed)
    speakers = sorted(set(clips.speakers))
    if len(speakers) < _FEW_SPEAKERS:
        order = rng.sample(range(len(clips)), len(clips))
        count = round(HELD_OUT * len(clips))
        return sorted(order[count:]), sorted(order[:count])
    rng.shuffle(speakers)
    kept: set[str] = set()
    while sum(s in kept for s in clips.speakers) < HELD_OUT * len(clips):
        kept.add(speakers.pop())
    held = [i for i, s in enumerate(clips.speakers) if s in kept]
    return [i for i, s in enumerate(clips.speakers) if s not in kept], held


def _others(seed: int, progress: bool) -> tuple[Corpus, Corpus]:
    """Synthetic callers to learn from, and to check with."""
    rng = random.Random(seed)
    texts = code_texts(400, rng) + [answer(rng) for _ in range(100)]
    spoken = speak_all(texts, seed, 2, progress)
    short = [i for i, t in enumerate(spoken.texts) if len(t.split()) <= 12]
    return spoken.chosen(short[60:]), spoken.chosen(short[:60])


def _expected(text: str) -> Expect | None:
    """The state in which a caller would say this; None: any."""
    words = set(text.split())
    if words <= set(NUMBER_WORDS):
        return Expect.CODE
    return Expect.CONFIRM if len(words) <= 3 and text in phrases(Expect.CONFIRM) else None


def word_errors(model: RecognizerModel, clips: Corpus) -> Errors:
    """Word errors with the grammar of the state in which each clip would be said."""
    recognizer, alignment = model.recognizer(), Alignment()
    around = np.zeros(int(0.3 * RATE), np.int16)
    for index, text in enumerate(clips.texts):
        expect = _expected(text)
        samples = np.concatenate([around, clips.samples[slice(*clips.bounds(index))], around])
        recognizer.begin(phrases(expect) if expect else None, RATE)
        recognizer.feed(samples.astype("<i2").tobytes())
        alignment.add(text.split(), recognizer.end(EndReason.SILENCE).text.split())
    return Errors(alignment.errors, alignment.length)
