"""Log-mel filterbanks exactly as Kaldi (and so Vosk) computes them."""

from __future__ import annotations

import kaldi_native_fbank as knf
import numpy as np
import numpy.typing as npt

from assistant.training.augment import RATE

BINS = 40
WINDOW = 200  # samples
LOW, HIGH = 40, 3_800  # Hz

FBANK_CONF = f"""--sample-frequency={RATE}
--num-mel-bins={BINS}
--low-freq={LOW}
--high-freq={HIGH}
--dither=0
--use-energy=false
--htk-compat=false
"""


def _options() -> knf.FbankOptions:
    options = knf.FbankOptions()
    options.frame_opts.samp_freq = RATE
    options.frame_opts.dither = 0
    options.frame_opts.snip_edges = True
    options.mel_opts.num_bins = BINS
    options.mel_opts.low_freq = LOW
    options.mel_opts.high_freq = HIGH
    options.use_energy = False
    return options


def fbank(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """float samples in -1..1 at 8 kHz → log-mel frames, shape (frames, 40), every 10 ms."""
    computer = knf.OnlineFbank(_options())
    computer.accept_waveform(RATE, (samples * 32768.0).tolist())
    computer.input_finished()
    frames = computer.num_frames_ready
    if frames == 0:
        return np.zeros((0, BINS), np.float32)
    return np.stack([computer.get_frame(i) for i in range(frames)])
