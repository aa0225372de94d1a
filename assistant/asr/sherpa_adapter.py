"""sherpa-onnx behind the ``Recognizer`` protocol: streaming transducers and CTC models.

It narrows nothing: a transducer with its ``bpe.vocab`` makes the expected phrases likelier (hot
words), a CTC model hears every word all the time. It tells where a token begins, not where it
ends, and counts 40 ms a step: times are wrong for models of another step. Only transducers give
probabilities. Its complaints about a file are printed by C++ before ``exit``; see ``engines``.
"""

from __future__ import annotations

import importlib
import math
import unicodedata
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from assistant.asr.folder import BPE, ModelFolder
from assistant.asr.intake import Intake, check_rate, failed, wrong_order
from assistant.asr.types import EndReason, Transcript, Word
from assistant.errors import DependencyError, ModelError
from assistant.nlu.types import JOINT, Prior
from assistant.settings import Asr

_FACTORIES = {
    "transducer": "from_transducer",
    "zipformer2-ctc": "from_zipformer2_ctc",
    "nemo-ctc": "from_nemo_ctc",
    "wenet-ctc": "from_wenet_ctc",
}
_SCALE = np.float32(1 / 32768)


class SherpaModel:
    """A loaded model, shared by all calls and threads."""

    def __init__(self, folder: ModelFolder, engine: Any, settings: Asr) -> None:
        self.folder = folder
        self.settings = settings
        self.engine = engine
        self._upper = _is_upper(folder)
        self._hotwords: dict[tuple[str, ...], str] = {}

    @classmethod
    def open(cls, folder: ModelFolder, settings: Asr | None = None) -> SherpaModel:
        """Load it; a broken file may end the process. Raises DependencyError, ModelError."""
        require_sherpa()
        settings = settings or Asr()
        build = getattr(
            importlib.import_module("sherpa_onnx").OnlineRecognizer, _FACTORIES[folder.kind]
        )
        try:
            return cls(folder, build(**_arguments(folder, settings)), settings)
        except Exception:  # whatever its C++ throws
            raise ModelError(
                "model-broken",
                f"sherpa-onnx không nạp được mô hình {folder.name}.",
                "Tải lại mô hình, hoặc đặt ASSISTANT_MODEL tới mô hình khác.",
            ) from None

    def with_settings(self, settings: Asr) -> SherpaModel:
        """The same loaded model, listening with other settings; but the score of hot words, which
        the engine was built with."""
        return SherpaModel(self.folder, self.engine, settings)

    @property
    def rate(self) -> int:
        """Hz that the model hears; anything else is resampled to it."""
        return self.folder.rate

    def recognizer(self) -> SherpaRecognizer:
        return SherpaRecognizer(self)

    def stream(self, phrases: tuple[str, ...] | None) -> Any:
        """The engine's state of one utterance."""
        hotwords = self.hotwords(phrases) if phrases and BPE in self.folder.parts else ""
        return self.engine.create_stream(hotwords) if hotwords else self.engine.create_stream()

    def hotwords(self, phrases: tuple[str, ...]) -> str:
        """Phrases as sherpa-onnx takes them, each once, in the case of the model's tokens.

        Anything but letters has a meaning of its own there (":" throws), so it is left out.
        """
        if phrases not in self._hotwords:
            change = str.upper if self._upper else str.lower
            plain = (p.replace(JOINT, " ").split() for p in phrases)
            words = (change(" ".join(w for w in line if w.isalpha())) for line in plain)
            self._hotwords[phrases] = "/".join(dict.fromkeys(line for line in words if line))
        return self._hotwords[phrases]


class SherpaRecognizer:
    """One stream of utterances; not thread-safe. See ``Recognizer``."""

    def __init__(self, model: SherpaModel) -> None:
        self._model = model
        self._intake = Intake(model.rate, model.settings)
        self._stream: Any = None
        self._partial = Transcript()

    def begin(self, phrases: tuple[str, ...] | None, rate: int, prior: Prior | None = None) -> None:
        """Start an utterance; raises ModelError ``asr-order``, ``asr-rate`` or ``asr-failed``.

        ``prior`` has nothing to choose from: there is one reading."""
        if self._stream is not None:
            raise wrong_order("begin")
        check_rate(rate)
        self._intake.begin(rate)
        self._partial = Transcript()
        try:
            self._stream = self._model.stream(phrases)
        except Exception:  # whatever its C++ throws
            raise failed() from None

    def feed(self, pcm: bytes) -> Transcript:
        """Add audio; decodes every ``partial_every`` seconds. Raises ModelError."""
        if self._stream is None:
            raise wrong_order("feed")
        if self._intake.add(pcm) and self._decode(self._intake.take(last=False)):
            self._partial = Transcript(self._words())
        return self._partial

    def end(self, reason: EndReason) -> Transcript:
        """Finish the utterance. Raises ModelError."""
        if self._stream is None:
            raise wrong_order("end")
        tail = bytes(2 * round(self._model.settings.sherpa.tail * self._model.rate))
        self._decode(self._intake.take(last=True) + tail, last=True)
        words = self._words()
        self._stream = None
        return Transcript(words, reason)

    def _decode(self, pcm: bytes, last: bool = False) -> bool:
        """Whether anything was decoded: the encoder works by chunks."""
        engine, stream, some = self._model.engine, self._stream, False
        try:
            samples = np.frombuffer(pcm, "<i2").astype(np.float32) * _SCALE
            stream.accept_waveform(self._model.rate, samples)
            if last:
                stream.input_finished()
            while engine.is_ready(stream):
                engine.decode_stream(stream)
                some = True
        except Exception:  # whatever its C++ throws
            self._stream = None  # its state is unknown: never used again
            raise failed() from None
        return some

    def _words(self) -> tuple[Word, ...]:
        found = self._model.engine.get_result_all(self._stream)
        lasts = self._model.settings.sherpa.token_seconds
        starts = [max(0.0, start - self._intake.lead) for start in found.timestamps]
        return words_of(found.text, found.tokens, starts, found.ys_probs, lasts)


def words_of(
    text: str,
    tokens: Sequence[str],
    starts: Sequence[float],
    probabilities: Sequence[float],
    lasts: float,
) -> tuple[Word, ...]:
    """Words from tokens; a token that begins with a space (or "▁") begins a word.

    ``probabilities``: natural logarithms, one for each token or none; ``lasts``: s that a word's
    last token lasts. Where tokens are bytes, every word has the whole utterance's time.
    """
    spelled = _spell(tokens)
    if [word for word, _ in spelled] != text.split():
        spelled = [(word, range(len(tokens))) for word in text.split()] if tokens else []
    known = len(probabilities) == len(tokens)
    words = []
    for number, (word, places) in enumerate(spelled):
        begin, end = starts[places[0]], starts[places[-1]] + lasts
        if number + 1 < len(spelled):
            end = max(begin, min(end, starts[spelled[number + 1][1][0]]))
        sure = math.exp(min(0.0, *(probabilities[i] for i in places))) if known else None
        plain = unicodedata.normalize("NFC", word).lower()
        words.append(Word(plain, round(begin, 3), round(end, 3), sure))
    return tuple(words)


def _spell(tokens: Sequence[str]) -> list[tuple[str, Sequence[int]]]:
    """Words and the places of their tokens."""
    found: list[tuple[str, list[int]]] = []
    for place, token in enumerate(tokens):
        piece = token.replace("▁", " ")
        if not found or piece.startswith(" "):
            found.append(("", []))
        word, places = found[-1]
        found[-1] = (word + piece.strip(), [*places, place])
    return [(word, places) for word, places in found if word]


def require_sherpa() -> None:
    """Raises DependencyError ``sherpa-missing``."""
    if find_spec("sherpa_onnx") is None:
        raise DependencyError(
            "sherpa-missing",
            "Mô hình này cần sherpa-onnx, chưa được cài.",
            "Cài: pip install 'vssid-voice-assistant[sherpa]'; hoặc đặt ASSISTANT_MODEL.",
        )


def _arguments(folder: ModelFolder, settings: Asr) -> dict[str, object]:
    """What the engine's factory is called with."""
    found: dict[str, object] = {
        part.partition(".")[0]: str(folder.path / name)
        for part, name in folder.parts.items()
        if part != BPE
    }
    found |= {"num_threads": 1, "sample_rate": folder.rate, "feature_dim": folder.bins}
    if folder.kind == "transducer" and BPE in folder.parts:
        found |= {
            "decoding_method": "modified_beam_search",  # hot words need it
            "hotwords_score": settings.sherpa.hotwords_score,
            "modeling_unit": "bpe",
            "bpe_vocab": str(folder.path / folder.parts[BPE]),
        }
    return found


def _is_upper(folder: ModelFolder) -> bool:
    """Whether the model writes in capitals: hot words must be spelled with its tokens."""
    text = (folder.path / folder.parts["tokens.txt"]).read_text("utf-8", errors="replace")
    letters = [c for line in text.splitlines() if line[:1] != "<" for c in line if c.isalpha()]
    return sum(map(str.isupper, letters)) * 2 > len(letters)
