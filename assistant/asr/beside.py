"""What a recognizer's search does not know of an utterance, and what that mends: the network's
outputs once more, and the voice's pitch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.asr.evidence import Evidence, Sound, better_digits, evidence
from assistant.asr.folder import ModelFolder
from assistant.asr.lexicon import phone_table
from assistant.asr.network import RATE, Network
from assistant.asr.readings import Entry
from assistant.asr.tones import Melody, Tones
from assistant.nlu import tables


@dataclass(frozen=True, slots=True)
class Beside:
    """Of a model folder; shared by all calls and threads. ``tones`` None: the folder has none."""

    network: Network
    tones: Tones | None

    @classmethod
    def read(cls, folder: ModelFolder) -> Beside | None:
        """None: a network that our recipe did not write, or of other phones. Raises ModelError
        ``model-tones``."""
        if folder.rate != RATE:
            return None
        network = Network.read(folder.path / "am" / "final.mdl")
        if network is None or network.phones != len(phone_table()):
            return None
        return cls(network, Tones.read(folder.path))

    def sound(self, pcm: bytes) -> Sound:
        """Of the very samples that the search heard: 16-bit PCM at 8 kHz."""
        melody = Melody.of(pcm) if self.tones else None
        return Sound(self.network.outputs(pcm), self.network.priors, melody, self.tones)


def judged(
    entries: Sequence[Entry], sound: Sound | None
) -> tuple[Sequence[Entry], Sequence[Evidence | None]]:
    """The words of a reading, digits mended by their tones, and how well each fits."""
    if sound is None:
        return entries, [None] * len(entries)
    found = _evidence(entries, sound)
    if sound.tones is None:  # the outputs alone mend as many digits as they spoil
        return entries, found
    words = better_digits([str(entry["word"]) for entry in entries], found)
    mended = [
        entry if entry["word"] == word else {**entry, "word": word, "conf": _share(word, one)}
        for entry, word, one in zip(entries, words, found, strict=True)
    ]
    return mended, found if mended == list(entries) else _evidence(mended, sound)


def _evidence(entries: Sequence[Entry], sound: Sound) -> list[Evidence | None]:
    words = [str(entry["word"]) for entry in entries]
    return evidence(words, [float(entry["conf"]) for entry in entries], sound)


def _share(digit: str, known: Evidence | None) -> float:
    """How likely this digit is among the ten."""
    return known.rivals[int(tables.numbers().digit[digit])] if known else 0.0
