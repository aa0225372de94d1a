"""Which engine a model folder is for, and the model opened in it."""

from __future__ import annotations

from pathlib import Path

from assistant.asr.folder import SHERPA, inspect_folder, is_vouched_for, require_intact
from assistant.asr.registry import probe_once
from assistant.asr.sherpa_adapter import SherpaModel
from assistant.asr.vosk_adapter import VoskModel
from assistant.settings import Asr

Model = VoskModel | SherpaModel


def open_model(path: Path, settings: Asr | None = None) -> Model:
    """Check a folder and load its model. Raises ModelError ``model-…``, DependencyError.

    Over a file that they do not like sherpa-onnx ends the process and Vosk crashes it, so a folder
    is tried in a process of its own first; but for one of Vosk's whose checksums say that it is
    what its maker tried.
    """
    folder = inspect_folder(path)
    if folder.engine == SHERPA or not is_vouched_for(folder):
        probe_once(path)
    return load_model(path, settings)


def load_model(path: Path, settings: Asr | None = None) -> Model:
    """The same without trying it first."""
    folder = inspect_folder(path)
    if folder.engine != SHERPA:
        return VoskModel.open(path, settings)
    require_intact(folder)
    return SherpaModel.open(folder, settings)
