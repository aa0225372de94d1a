"""Several networks side by side in one model: better than each, for as many times the arithmetic.

The networks hear the same and the mean of what they hear is decoded. Everything else (graph,
search) is the first model's; its table of confidences is left out, for the joined network's are
others (``assistant asr calibrate``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from assistant.asr.folder import MEASURED, inspect_folder
from assistant.errors import UsageError
from assistant.training.export import acoustic_model
from assistant.training.folder import with_network
from assistant.training.net import parameters
from assistant.training.place import require_place
from assistant.training.reading import read_networks, read_priors

FEWEST = 2


def join(models: Sequence[Path], out: Path) -> Path:
    """Write ``out`` from model folders, whose networks may differ in size; returns it. Raises
    ModelError (``model-…``) for what is none, UsageError ``join-few``, ``train-out-…``."""
    if len(models) < FEWEST:
        raise UsageError(
            "join-few",
            "Ghép mạng cần ít nhất hai mô hình.",
            "Kể tên từ hai thư mục mô hình trở lên.",
        )
    require_place(out)
    versions = [inspect_folder(model).version or "?" for model in models]
    networks = [model / "am" / "final.mdl" for model in models]
    nets = [net for path in networks for net in read_networks(path)]
    priors = np.exp(np.mean([np.log(read_priors(path)) for path in networks], axis=0))
    acoustic = acoustic_model(nets, np.asarray(priors / priors.sum(), np.float32))
    about = {"name": out.name, "version": "+".join(versions), "parameters": parameters(nets)}
    with_network(models[0], out, acoustic, about, drop=MEASURED)
    return out
