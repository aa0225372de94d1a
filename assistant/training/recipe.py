"""The embedded model from nothing: one function, in stages that are skipped once done.

1. synthetic callers speak codes, phrases and sentences (espeak-ng);
2. recordings of people are read (``labels.csv`` folders under ``human``);
3. the network learns from both;
4. words are cut out of the people's sentences by alignment;
5. the network goes on learning, with codes and answers spliced from those words;
6. and a last time with many more short answers ("đúng", "sai rồi"), which it confuses most;
7. network, lexicon and grammar are written as a Vosk model folder.

Every stage depends on the seed and the stages before it. A killed run goes on where it was.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assistant.training.align import balanced, cut_words
from assistant.training.corpus import Corpus, pack, read_labelled
from assistant.training.data import Source, Stream
from assistant.training.export import acoustic_model
from assistant.training.folder import write_model
from assistant.training.graph import build
from assistant.training.lexicon import phone_table
from assistant.training.net import AcousticNet, NetShape
from assistant.training.synthesis import speak_all
from assistant.training.texts import Amounts, answer, grammar_sentences, model_words, spoken_texts
from assistant.training.train import Plan, Trainer

NUMBER_WORDS = (
    "không một mốt hai ba bốn tư năm lăm nhăm sáu bảy bẩy tám chín mười mươi chục trăm linh lẻ "
    "nghìn ngàn triệu tỷ"
).split()
ANSWER_WORDS = (
    "đúng sai phải vâng dạ rồi chưa được lại mật khẩu cấp quên nhắc nói số cuối đầu mã bảo hiểm"
).split()


@dataclass(frozen=True, slots=True)
class Scale:
    """How big the model and its training are. ``FULL`` made the embedded model."""

    amounts: Amounts
    shape: NetShape
    first: Plan
    second: Plan
    third: Plan
    answers: int = 6_000  # synthetic short answers of the third training
    mild_epochs: int = 4
    cuts_per_word: int = 400
    human_limit: int | None = None
    common_words: int = 1_200
    codes: int = 6_000
    filler_cost: float = 4.0
    blank_penalty: float = 2.0  # 0, 2 and 3 were tried: 11, 15 and 14 of 15 strings exact
    synthesis_workers: int = 2
    voices: int | None = None  # None: a new caller for every synthetic utterance


FULL = Scale(
    amounts=Amounts(),
    shape=NetShape(phones=len(phone_table())),
    first=Plan(epochs=50, epoch_hours=2.0, stop=31),
    second=Plan(epochs=26, epoch_hours=2.0, learning_rate=9e-4, final_rate=1e-5,
                warmup_epochs=0.3, seed=20261124),
    third=Plan(epochs=9, epoch_hours=1.5, learning_rate=5e-4, final_rate=1e-5,
               warmup_epochs=0.2, seed=20261125),
)  # fmt: skip
TOY = replace(
    FULL,
    amounts=Amounts(digits=600, phrases=20, short=20, sentences=0, syllables=0),
    shape=NetShape(front=64, width=160, rank=64, phones=len(phone_table()),
                   offsets=((-1, 0, 1),) * 4),
    first=Plan(epochs=6, epoch_hours=0.4, threads=2, learning_rate=4e-3, warmup_epochs=0.2,
               average=0.99, dropout=0.0, workers=0),
    second=Plan(epochs=1, epoch_hours=0.05, threads=2, learning_rate=2e-4, workers=0),
    third=Plan(epochs=1, epoch_hours=0.05, threads=2, learning_rate=2e-4, workers=0), answers=40,
    mild_epochs=8, cuts_per_word=10, common_words=0, codes=200, voices=1, human_limit=12,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recipe:
    """Where everything is. ``human``/``text`` None: synthetic speech only, tables only."""

    work: Path
    out: Path
    prompts: Path
    human: Path | None = None
    text: Path | None = None
    scale: Scale = FULL
    seed: int = 20261123
    progress: bool = True

    def run(self, say: Callable[[str], None] = lambda line: None) -> Path:
        """Make the model; returns its folder. ``say`` hears one line a stage."""
        say("1/7 synthesis")
        synthetic = self.synthetic()
        say("2/7 recordings of people")
        people = self.people()
        say("3/7 training")
        net = self.first_training(synthetic, people)
        say("4/7 words out of sentences")
        cuts = self.cuts(net, people)
        say("5/7 training on spliced words")
        net = self.second_training(synthetic, people, cuts)
        say("6/7 training on short answers")
        net = self.third_training(synthetic, people, cuts)
        say("7/7 writing the model")
        return self.write(net)

    def synthetic(self) -> Corpus:
        folder = self.work / "synthetic"
        if not (folder / "meta.json").is_file():
            rng = random.Random(self.seed)
            lines = spoken_texts(self.scale.amounts, self.prompts, self.text, rng)
            workers, voices = self.scale.synthesis_workers, self.scale.voices
            speak_all(lines, self.seed, workers, self.progress, voices).save(folder)
        return Corpus.load(folder)

    def people(self) -> dict[str, Corpus]:
        found = {}
        for labels in sorted(self.human.glob("*/labels.csv")) if self.human else ():
            folder = self.work / "people" / labels.parent.name
            if not (folder / "meta.json").is_file():
                read_labelled(labels.parent, self.scale.human_limit).save(folder)
            found[labels.parent.name] = Corpus.load(folder)
        return found

    def first_training(self, synthetic: Corpus, people: dict[str, Corpus]) -> AcousticNet:
        sources = [Source(synthetic, 0.5), *self._people_sources(people, 0.5)]
        stream = Stream(sources, self.seed, mild_epochs=self.scale.mild_epochs)
        return self._train(stream, self.scale.first, "first", None)

    def second_training(
        self, synthetic: Corpus, people: dict[str, Corpus], cuts: list[Corpus]
    ) -> AcousticNet:
        sources = [Source(synthetic, 0.33), *self._people_sources(people, 0.37)]
        sources += [Source(c, 0.3 / len(cuts), join=(1, 9), gap=0.3) for c in cuts]
        plan = self.scale.second
        return self._train(Stream(sources, plan.seed), plan, "second", self.work / "first")

    def third_training(
        self, synthetic: Corpus, people: dict[str, Corpus], cuts: list[Corpus]
    ) -> AcousticNet:
        folder = self.work / "answers"
        if not (folder / "meta.json").is_file():
            rng = random.Random(self.seed + 1)
            lines = [answer(rng) for _ in range(self.scale.answers)]
            scale = self.scale
            speak_all(
                lines, self.seed + 1, scale.synthesis_workers, self.progress, scale.voices
            ).save(folder)
        sources = [Source(synthetic, 0.25), Source(Corpus.load(folder), 0.25)]
        sources += self._people_sources(people, 0.25)
        sources += [Source(c, 0.25 / len(cuts), join=(1, 6), gap=0.3) for c in cuts]
        plan = self.scale.third
        return self._train(Stream(sources, plan.seed), plan, "third", self.work / "second")

    def _people_sources(self, people: dict[str, Corpus], share: float) -> list[Source]:
        """Sentences by their length; sets of single words joined into strings."""
        sources = []
        hours = sum(c.hours for c in people.values())
        for corpus in people.values():
            single = all(len(t.split()) == 1 for t in corpus.texts)
            weight = share * (0.25 if single else 0.75 * corpus.hours / hours)
            sources.append(Source(corpus, weight, join=(1, 10) if single else (1, 1)))
        return sources

    def _train(self, stream: Stream, plan: Plan, name: str, start: Path | None) -> AcousticNet:
        trainer = Trainer(stream, self.scale.shape, plan, self.work / name)
        if not trainer.resume() and start is not None:
            trainer.start_from(start / "checkpoint.pt")
        return trainer.run(self.progress)

    def cuts(self, net: AcousticNet, people: dict[str, Corpus]) -> list[Corpus]:
        """Number words and answer words said by people, evened out."""
        made: list[Corpus] = []
        rng = np.random.default_rng(self.seed)
        for name, words in (("numbers", NUMBER_WORDS), ("answers", ANSWER_WORDS)):
            folder = self.work / "cuts" / name
            if people and not (folder / "meta.json").is_file():
                items = [i for c in people.values() for i in cut_words(net, c, words)]
                kept = [i for i in items if _count(items, i[1]) >= 2]
                corpus = balanced(kept, self.scale.cuts_per_word, rng) if kept else pack([])
                corpus.save(folder)
            if (folder / "meta.json").is_file():
                corpus = Corpus.load(folder)
                made += [corpus] if len(corpus) else []
        return made

    def write(self, net: AcousticNet) -> Path:
        scale, rng = self.scale, random.Random(self.seed)
        words = model_words(self.text, scale.common_words)
        lines = grammar_sentences(self.prompts, self.text, rng, scale.codes)
        graph = build(words, lines, scale.filler_cost)
        about = {
            "name": self.out.name,
            "version": "1",
            "words": len(words),
            "parameters": sum(p.numel() for p in net.parameters()),
        }
        write_model(self.out, acoustic_model(net, scale.blank_penalty), graph, about)
        return self.out


def _count(items: list[tuple[npt.NDArray[np.int16], str, str]], word: str) -> int:
    return sum(w == word for _, w, _ in items)
