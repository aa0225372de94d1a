"""Vosk behind the ``Recognizer`` protocol, with every way to crash it closed.

Vosk 0.3.45 ends the whole process on ``SetGrammar`` in mid-utterance and on "<eps>" in a grammar
(abort), on a grammar that is no list or an empty one (segmentation fault), and hangs on a rate
of 0. Here a grammar is
chosen only when a decoder is built, from words the model knows, and the rate is the model's.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import vosk

from assistant.asr.beside import Beside, judged
from assistant.asr.confidence import RAW, UNWEIGHED, Confidences
from assistant.asr.evidence import Evidence, Sound, alone
from assistant.asr.folder import ModelFolder, inspect_folder, require_intact
from assistant.asr.intake import Intake, check_rate, failed, wrong_order
from assistant.asr.network import OUTPUT_SECONDS
from assistant.asr.readings import Entry, instead, spoken, weighed
from assistant.asr.types import EndReason, Transcript, Word
from assistant.asr.whole_code import Likelihoods, whole_code
from assistant.audio.types import SAMPLE_BYTES
from assistant.errors import ModelError
from assistant.nlu.types import FEW_WORDS, JOINT, Prior
from assistant.settings import Asr

UNKNOWN = "[unk]"  # the filler word of our model, and of Vosk's
# "<eps>", "<s>", "#0", "!SIL": they are in every vocabulary, and a grammar with "<eps>" aborts.
_SYMBOLS = frozenset("<#!")
_QUIET = -10  # below Kaldi's errors: what matters comes back as a coded error


class Decoder:
    """A ``KaldiRecognizer`` with one grammar for life, usable for one utterance after another.

    It keeps the part of the search graph that it has expanded, so the second utterance is
    cheaper than the first. ``fed``: bytes since it was built, for Vosk counts word times on.
    """

    def __init__(self, kaldi: vosk.KaldiRecognizer, grammar: str | None) -> None:
        self.kaldi = kaldi
        self.grammar = grammar
        self.fed = 0


class VoskModel:
    """A loaded model, shared by all calls and threads. ``beside``: what is known of an
    utterance beside the search, where confidences are made of it; None: they are not."""

    def __init__(
        self,
        folder: ModelFolder,
        model: vosk.Model,
        settings: Asr,
        beside: Beside | None = None,
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.beside = beside
        self._model = model
        self._lock = threading.Lock()
        self._idle: OrderedDict[Decoder, None] = OrderedDict()  # the longest unused one first
        self._grammars: dict[tuple[str, ...], str | None] = {}

    @classmethod
    def open(cls, path: Path, settings: Asr | None = None) -> VoskModel:
        """Check the folder, then load it once. Raises ModelError (``model-…``)."""
        folder = inspect_folder(path)
        require_intact(folder)
        vosk.SetLogLevel(_QUIET)
        try:
            model = vosk.Model(str(path))
        except Exception:  # the only class that Vosk raises
            raise ModelError(
                "model-broken",
                f"Vosk không nạp được mô hình {folder.name}.",
                "Tải lại mô hình: assistant models download; hoặc đặt ASSISTANT_MODEL.",
            ) from None
        asked = folder.confidence.weigh or folder.answers.weights
        return cls(folder, model, settings or Asr(), Beside.read(folder) if asked else None)

    def with_settings(self, settings: Asr) -> VoskModel:
        """The same loaded model, listening with other settings."""
        return VoskModel(self.folder, self._model, settings, self.beside)

    def uncalibrated(self) -> VoskModel:
        """The same loaded model with confidences as Vosk gives them, and beside each of them what
        better ones can be made of."""
        folder = replace(self.folder, confidence=RAW, answers=UNWEIGHED)
        beside = self.beside or Beside.read(self.folder)
        return VoskModel(folder, self._model, self.settings, beside)

    @property
    def kaldi(self) -> vosk.Model:
        """Vosk's own object, for measuring against the bare library."""
        return self._model

    @property
    def rate(self) -> int:
        """Hz that the model hears; anything else is resampled to it."""
        return self.folder.rate

    def knows(self, word: str) -> bool:
        """Whether the vocabulary has this word, and it is one that can be said."""
        if not word or "\0" in word or not _encodable(word):  # a C string ends at a zero
            return False
        if word[0] in _SYMBOLS:
            return False
        return int(self._model.vosk_model_find_word(word)) > 0

    def recognizer(self) -> VoskRecognizer:
        return VoskRecognizer(self)

    def grammar(self, phrases: tuple[str, ...]) -> str | None:
        """Phrases as Vosk's JSON list, words it does not know left out; None: nothing is left.

        Vosk counts its bigrams from the list: a phrase that stands there twice counts twice.
        """
        if phrases not in self._grammars:
            known = {w: self._known(w) for phrase in phrases for w in phrase.split()}
            kept = (" ".join(filter(None, map(known.get, phrase.split()))) for phrase in phrases)
            lines = [line for line in kept if line]
            if lines and UNKNOWN not in lines and self.knows(UNKNOWN):
                lines.append(UNKNOWN)
            self._grammars[phrases] = json.dumps(lines, ensure_ascii=False) if lines else None
        return self._grammars[phrases]

    def _known(self, word: str) -> str:
        """What the model has of a word: itself, else the syllables that it joins ("a_b")."""
        if self.knows(word):
            return word
        return " ".join(part for part in word.split(JOINT) if self.knows(part))

    def borrow(self, grammar: str | None) -> Decoder:
        """A decoder for one utterance, an idle one of the same grammar if there is one."""
        with self._lock:
            for decoder in self._idle:
                if decoder.grammar == grammar:
                    del self._idle[decoder]
                    return decoder
            return Decoder(self._build(grammar), grammar)

    def give_back(self, decoder: Decoder) -> None:
        """A decoder whose utterance has had its final result."""
        with self._lock:
            self._idle[decoder] = None
            if len(self._idle) > self.settings.recognizers:
                self._idle.popitem(last=False)

    def _build(self, grammar: str | None) -> vosk.KaldiRecognizer:
        arguments = () if grammar is None else (grammar,)
        try:
            kaldi = vosk.KaldiRecognizer(self._model, float(self.rate), *arguments)
        except Exception:  # the only class that Vosk raises
            raise failed() from None
        kaldi.SetWords(True)
        return kaldi


class VoskRecognizer:
    """One stream of utterances; not thread-safe. See ``Recognizer``."""

    def __init__(self, model: VoskModel) -> None:
        self._model = model
        self._decoder: Decoder | None = None
        self._intake = Intake(model.rate, model.settings)
        self._offset = 0.0  # seconds that the decoder counted before this utterance
        self._partial = Transcript()
        self._raw = ""
        self._prior: Prior | None = None
        self._heard = bytearray()  # what the decoder was given, while it has a network beside it

    def begin(self, phrases: tuple[str, ...] | None, rate: int, prior: Prior | None = None) -> None:
        """Start an utterance; raises ModelError ``asr-order``, ``asr-rate`` or ``asr-failed``."""
        if self._decoder is not None:
            raise wrong_order("begin")
        check_rate(rate)
        decoder = self._model.borrow(None if phrases is None else self._model.grammar(phrases))
        self._intake.begin(rate)
        self._offset = decoder.fed / (SAMPLE_BYTES * self._model.rate) + self._intake.lead
        self._partial, self._raw, self._prior = Transcript(), "", prior
        self._heard.clear()
        decoder.kaldi.SetMaxAlternatives(0 if prior is None else self._model.settings.readings)
        self._decoder = decoder

    def feed(self, pcm: bytes) -> Transcript:
        """Add audio; decodes every ``partial_every`` seconds. Raises ModelError."""
        decoder = self._current("feed")
        if self._intake.add(pcm):
            self._decode(decoder, last=False)
            raw = decoder.kaldi.PartialResult()
            if raw != self._raw:
                self._raw, self._partial = raw, _read_partial(raw)
        return self._partial

    def end(self, reason: EndReason) -> Transcript:
        """Finish the utterance. Raises ModelError."""
        decoder = self._current("end")
        self._decode(decoder, last=True)
        entries = _read_final(decoder.kaldi.FinalResult(), self._prior)
        self._decoder = None
        self._model.give_back(decoder)
        folder = self._model.folder
        answers = self._answers(entries)
        sound = self._sound(entries, asked=bool(answers))
        entries, known = judged(self._whole(entries, sound), sound)
        sure = folder.confidence
        words = [
            word
            for entry, found in zip(entries, known, strict=True)
            for word in syllables(entry, self._offset, sure, found)
        ]
        if words and answers and sound is not None:
            fits = alone(answers, sound)
            words[0] = replace(words[0], chances=folder.answers.of(answers, fits), fits=fits)
        return Transcript(tuple(words), reason)

    def _answers(self, entries: Sequence[Entry]) -> tuple[tuple[str, ...], ...]:
        """The answers that are weighed against so few words."""
        folder = self._model.folder
        answers = self._prior.alone if self._prior else ()
        known = folder.confidence is RAW or folder.answers.known(answers)
        return answers if known and 0 < len(entries) <= FEW_WORDS else ()

    def _sound(self, entries: Sequence[Entry], asked: bool) -> Sound | None:
        """What the network and the pitch say of it; computed only where ``asked`` for or where it
        makes a difference to a word, or for those who measure what it is worth."""
        beside, sure = self._model.beside, self._model.folder.confidence
        asked = asked or sure is RAW or any(sure.asks_for(str(entry["word"])) for entry in entries)
        heard = bytes(self._heard)
        self._heard.clear()
        return beside.sound(heard) if beside and entries and asked else None

    def _whole(self, entries: Sequence[Entry], sound: Sound | None) -> Sequence[Entry]:
        """The words, or those of the whole code that is likelier than they are."""
        words = spoken(entries)
        if sound is None or self._prior is None or not len(sound.priors):
            return entries
        lengths = self._prior.whole(words)
        if not lengths:
            return entries
        said = Likelihoods.of(sound.outputs, sound.priors, self._model.folder.likelier)
        found = whole_code(words, lengths, said)
        if found is None:
            return entries
        begin = self._offset - self._intake.lead  # of what Vosk was given, by its count
        digits = [
            {
                "word": one.word,
                "start": begin + one.first * OUTPUT_SECONDS,
                "end": begin + (one.last + 1) * OUTPUT_SECONDS,
            }
            for one in found.spoken
        ]
        return instead(digits, found.sure, entries)

    def _current(self, what: str) -> Decoder:
        if self._decoder is None:
            raise wrong_order(what)
        return self._decoder

    def _decode(self, decoder: Decoder, last: bool) -> None:
        pcm = self._intake.take(last)
        if not pcm:
            return
        try:
            decoder.kaldi.AcceptWaveform(pcm)
        except Exception:  # the only class that Vosk raises
            self._decoder = None  # its state is unknown: never used again
            raise failed() from None
        decoder.fed += len(pcm)
        if self._model.beside is not None:
            self._heard += pcm


def _encodable(word: str) -> bool:
    """Whether the word can be given to Vosk at all: a lone surrogate cannot."""
    return not any(0xD800 <= ord(c) <= 0xDFFF for c in word)


def _read_partial(raw: str) -> Transcript:
    """Words without times: word times of partial results cost a second pass over the lattice."""
    text = str(json.loads(raw).get("partial", "")).replace(JOINT, " ")
    return Transcript(tuple(Word(word, 0.0, 0.0, None) for word in text.split()))


def _read_final(raw: str, prior: Prior | None = None) -> Sequence[Entry]:
    """The words of Vosk's final result; of several readings those of the likeliest."""
    result = json.loads(raw)
    found: Sequence[Entry] = result.get("result", ())
    return found if prior is None else weighed(result.get("alternatives", ()), prior)


def syllables(
    entry: Entry, offset: float, confidences: Confidences, found: Evidence | None
) -> Iterator[Word]:
    """The words of one entry, with times from the utterance's first sample: a joined one
    ("tổng_đài_viên") lasts equally long for each."""
    whole = str(entry["word"])
    start, end = float(entry["start"]) - offset, float(entry["end"]) - offset
    sure = min(1.0, max(0.0, float(entry["conf"]))) if "conf" in entry else None
    confidence = None if sure is None else confidences.of(whole, sure, found)
    parts = whole.split(JOINT)
    step = (end - start) / len(parts)
    for place, text in enumerate(parts):
        first, last = start + place * step, start + (place + 1) * step
        times = max(0.0, round(first, 3)), max(0.0, round(last, 3))
        yield Word(text, *times, confidence, found)
