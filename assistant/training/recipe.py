"""The embedded model from nothing: one function, in stages that are skipped once done.

1. synthetic callers speak codes, phrases, answers and sentences (espeak-ng);
2. recordings of people are read (``labels.csv`` folders under ``human``), each also in four
   other voices;
3. the network learns from all of it by CTC, which needs no alignment;
4. it aligns everything it heard;
5. it learns the phone of every output (the bulk of the training);
6. it aligns again, better; words and short stretches are cut out of people's sentences;
7. it learns from those too: codes and answers spliced from people's words and from words
   grafted of their syllables, abrupt beginnings, sounds that are no speech;
8. it goes on once more, from a high learning rate and with surer labels: better on bad lines,
   worse where digits touch, so that the mean of the weights before and after is what is kept;
9. network, lexicon and grammar are written as a Vosk model folder;
10. that network's alignments teach a small one to read tones off people's pitch.

Every stage depends on the seed and the stages before it. A killed run goes on where it was,
with the options that it was begun with.
Where torch finds a GPU the network is on it, and every processor spoils speech for it.
``start``: a ``final.mdl`` whose network goes on learning, in place of stage 3.
"""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from assistant.asr.folder import file_sha256
from assistant.batch.speech_sets import find_sets, label_rows
from assistant.training.align import aligned
from assistant.training.corpus import Change, Corpus, read_labelled
from assistant.training.cut import balanced, packed, pieces_of, single_words, stretches
from assistant.training.data import Source, Stream
from assistant.training.export import acoustic_model, phone_priors
from assistant.training.folder import write_model
from assistant.training.graft import changed, grafts
from assistant.training.graph import Filler, build
from assistant.training.mixture import (
    SYNTHETIC,
    single_words_only,
    sources_of,
    with_pieces,
)
from assistant.training.net import AcousticNet, NetShape, mean_of, parameters
from assistant.training.place import require_place
from assistant.training.reading import calibrate, read_networks
from assistant.training.scale import FULL, Scale
from assistant.training.sounds import sounds
from assistant.training.synthesis import speak_all
from assistant.training.texts import (
    NUMBER_WORDS,
    code_texts,
    grammar_sentences,
    model_words,
    speech_texts,
)
from assistant.training.tones import teach_tones
from assistant.training.train import Plan, Trainer
from assistant.training.unchanged import require_unchanged
from assistant.training.voices import another_voice, at_leisure

Args = tuple[Any, ...]
ANSWER_WORDS = (
    "đúng sai phải vâng dạ rồi chưa được lại mật khẩu cấp quên nhắc nói số cuối đầu mã bảo hiểm"
).split()
# Of what is asked for beside numbers: no stranger may sound like them ("sai số cuối").
ANSWERS = "cuối đúng sai phải vâng dạ được rồi nhầm chưa chính xác nhắc lại".split()


@dataclass(frozen=True, slots=True)
class Recipe:
    """Where everything is. ``human``/``text`` None: synthetic speech only, tables only."""

    work: Path
    out: Path
    prompts: Path
    human: Path | None = None
    text: Path | None = None
    start: Path | None = None
    scale: Scale = FULL
    seed: int = 20261123
    progress: bool = True

    @property
    def shape(self) -> NetShape:
        """The network's: that of ``start``, where there is one."""
        return read_networks(self.start)[0].shape if self.start else self.scale.shape

    def run(self, say: Callable[[str], None] = lambda line: None) -> Path:
        """Make the model; returns its folder. ``say`` hears one line a stage. Raises UsageError
        ``train-out-…``, ``train-work-…``, AudioError ``speech-…``, ModelError ``model-foreign``."""
        self._check()
        say("1/10 synthesis")
        heard = self.synthetic()
        say("2/10 recordings of people, and the same in other voices")
        heard |= self.people()
        say("3/10 first training")
        net = self.first_training(heard)
        say("4/10 alignment")
        known = self.aligned(net, heard, "first")
        say("5/10 training on alignments")
        net = self.second_training(known)
        say("6/10 alignment, words and stretches out of sentences")
        known = self.aligned(net, heard, "second")
        pieces = with_pieces(known, self.cuts(known))
        say("7/10 training on pieces")
        third = self.third_training(pieces)
        say("8/10 the same once more")
        net = mean_of(third, self.fourth_training(pieces))
        say("9/10 writing the model")
        self.write(net)
        say("10/10 tones, of people only")
        if self.human:
            teach_tones(self.out, self.human, self.out, self.progress, self.scale.human_limit)
        return self.out

    def _check(self) -> None:
        """Whether all of it can be done, before hours of it are."""
        require_place(self.out)
        if self.start is not None:
            read_networks(self.start)
        for folder in self._sets():
            label_rows(folder)
        places = {"--text": self.text, "--start": self.start}
        require_unchanged(self.work, {
            "--human": {s.name: file_sha256(s / "labels.csv") for s in self._sets()},
            **{name: str(path.resolve()) if path else None for name, path in places.items()},
            "--toy": self.scale.heard_and_learnt(),
            "seed": self.seed,
        })  # fmt: skip

    def _sets(self) -> list[Path]:
        return find_sets(self.human) if self.human else []

    def synthetic(self) -> dict[str, Corpus]:
        """ "codes" and "speech", each utterance in a voice of its own."""
        amounts, rng = self.scale.amounts, random.Random(self.seed)
        texts = {
            "codes": code_texts(amounts.digits, rng),
            "speech": speech_texts(amounts, self.prompts, self.text, rng),
        }
        return {
            name: self._kept(f"synthetic/{name}", partial(self._spoken, lines, self.seed + number))
            for number, (name, lines) in enumerate(texts.items())
        }

    def _spoken(self, lines: list[str], seed: int) -> Corpus:
        scale = self.scale
        return speak_all(lines, seed, scale.workers, self.progress, scale.voices)

    def people(self) -> dict[str, Corpus]:
        """Every set as it is ("NAME/0") and in other voices ("NAME/1", …)."""
        jobs = {
            f"{folder.name}/{voice}": (
                folder, self.scale.human_limit, another_voice if voice else None,
                self.seed + voice,
            )
            for folder in self._sets()
            for voice in range(1 + self.scale.voices_per_clip)
        }  # fmt: skip
        folders = {name: self.work / "people" / name for name in jobs}
        missing = [n for n, folder in folders.items() if not (folder / "meta.json").is_file()]
        self._together("recordings", _read, [(folders[n], *jobs[n]) for n in missing])
        return {name: Corpus.load(folder) for name, folder in folders.items()}

    def first_training(self, heard: dict[str, Corpus]) -> AcousticNet:
        stream = self._stream(sources_of(heard), self.seed, self.scale.mild_epochs)
        return self._train(stream, self.scale.first, "first", self.start)

    def second_training(self, known: dict[str, Corpus]) -> AcousticNet:
        return self._go_on("first", self.scale.second, "second", sources_of(known))

    def third_training(self, pieces: list[Source]) -> AcousticNet:
        return self._go_on("second", self.scale.third, "third", pieces)

    def fourth_training(self, pieces: list[Source]) -> AcousticNet:
        return self._go_on("third", self.scale.fourth, "fourth", pieces)

    def _go_on(self, before: str, plan: Plan, name: str, sources: list[Source]) -> AcousticNet:
        stream = self._stream(sources, plan.seed)
        return self._train(stream, plan, name, self.work / before / "checkpoint.pt")

    def _stream(self, sources: list[Source], seed: int, mild_epochs: int = 0) -> Stream:
        scale = self.scale
        return Stream(sources, seed, scale.batch_seconds, mild_epochs=mild_epochs,
                      severity=scale.severity)  # fmt: skip

    def _together(self, title: str, job: Callable[..., None], each: Sequence[Args]) -> None:
        """Independent jobs, each in a process of its own."""
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self.scale.workers, mp_context=context) as pool:
            running = [pool.submit(job, *args) for args in each]
            for done in tqdm(as_completed(running), desc=title, total=len(running),
                             disable=not self.progress):  # fmt: skip
                done.result()

    def aligned(self, net: AcousticNet, heard: dict[str, Corpus], stage: str) -> dict[str, Corpus]:
        folders = {name: self.work / f"aligned/{stage}/{name}" for name in heard}
        missing = [n for n, folder in folders.items() if not (folder / "meta.json").is_file()]
        missing.sort(key=lambda name: -len(heard[name].samples))
        self._together("alignment", _align, [(net, heard[n], folders[n]) for n in missing])
        return {name: Corpus.load(folder) for name, folder in folders.items()}

    def cuts(self, known: dict[str, Corpus]) -> dict[str, Corpus]:
        """Number words, answer words and short stretches said by people; sounds."""
        rng = np.random.default_rng(self.seed)
        people = [c for name, c in known.items() if name not in SYNTHETIC]
        sentences = [
            c for name, c in known.items() if name.endswith("/0") and not single_words_only(c)
        ]
        scale = self.scale

        def words(wanted: list[str]) -> Corpus:
            pieces = [p for c in people for p in single_words(c, wanted, rng)]
            return packed(balanced(pieces, scale.per_word, rng), speaker="people")

        def grafted(wanted: list[str]) -> Corpus:
            pieces = list(grafts(sentences, wanted, scale.per_word, rng))
            others = changed(pieces, another_voice, self.seed, scale.workers)
            return packed([*pieces, *others], speaker="people")

        def short() -> Corpus:
            return packed([p for c in people for p in stretches(c, rng, scale.stretches)])

        def slow(*made: Corpus) -> Corpus:
            pieces = [p for corpus in made for p in pieces_of(corpus)]
            return packed(changed(pieces, at_leisure, self.seed, scale.workers))

        numbers = self._kept("cuts/numbers", partial(words, NUMBER_WORDS))
        answers = self._kept("cuts/answers", partial(words, ANSWER_WORDS))
        more_numbers = self._kept("cuts/grafted-numbers", partial(grafted, NUMBER_WORDS))
        more_answers = self._kept("cuts/grafted-answers", partial(grafted, ANSWER_WORDS))
        return {
            "numbers": numbers,
            "answers": answers,
            "grafted-numbers": more_numbers,
            "grafted-answers": more_answers,
            "slow-numbers": self._kept("cuts/slow-numbers", partial(slow, numbers, more_numbers)),
            "slow-answers": self._kept("cuts/slow-answers", partial(slow, answers, more_answers)),
            "stretches": self._kept("cuts/stretches", short),
            "sounds": self._kept("cuts/sounds", partial(sounds, scale.sounds, self.seed)),
        }

    def write(self, net: AcousticNet) -> Path:
        scale, rng = self.scale, random.Random(self.seed)
        words = model_words(self.text, scale.common_words)
        lines = grammar_sentences(self.prompts, self.text, rng, scale.codes)
        filler = Filler(scale.any_filler, scale.stranger_filler, (*NUMBER_WORDS, *ANSWERS))
        graph = build(words, lines, filler, scale.word_cost, scale.likelier_words)
        about = {
            "name": self.out.name,
            "version": "14",
            "words": len(words),
            "parameters": parameters([net]),
            "likelier_words": dict(scale.likelier_words),
        }
        write_model(self.out, acoustic_model([net], self._priors(net)), graph, about, scale.search)
        return self.out

    def _priors(self, net: AcousticNet) -> npt.NDArray[np.float32]:
        stream = Stream(sources_of(self.synthetic() | self.people()), self.seed)
        batches = iter(stream)
        scale = self.scale
        features = (next(batches).features for _ in range(12))
        priors: npt.NDArray[np.float32] = phone_priors(
            net, features, scale.prior_scale, scale.unlikelier_phones
        )
        return priors

    def _kept(self, name: str, make: Callable[[], Corpus]) -> Corpus:
        """The corpus of this name, made when it is not there yet."""
        folder = self.work / name
        if not (folder / "meta.json").is_file():
            make().save(folder)
        return Corpus.load(folder)

    def _train(self, stream: Stream, plan: Plan, name: str, start: Path | None) -> AcousticNet:
        trainer = Trainer(stream, self.shape, plan, self.work / name)
        if not trainer.resume() and start is not None:
            if start.suffix == ".mdl":
                trainer.take(_calibrated(start, self.scale, stream))
            else:
                trainer.start_from(start)
        return trainer.run(self.progress)


def _read(target: Path, folder: Path, limit: int | None, change: Change | None, seed: int) -> None:
    read_labelled(folder, limit, change, seed).save(target)


def _align(net: AcousticNet, corpus: Corpus, folder: Path) -> None:
    torch.set_num_threads(1)
    aligned(net, corpus).save(folder)


def _calibrated(path: Path, scale: Scale, stream: Stream) -> AcousticNet:
    net = read_networks(path, scale.first.dropout)[0]
    stream.epoch = 1_000_000  # data no epoch uses
    batches = iter(stream)
    calibrate(net, [next(batches).features for _ in range(6)])
    return net
