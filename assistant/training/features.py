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


def warped(features: npt.NDArray[np.float32], factor: float) -> npt.NDArray[np.float32]:
    """The same frames as a mouth ``factor`` times as short would have made them (VTLP).

    Bands are read at ``factor`` times their frequency; the edges repeat.
    """
    mel = np.linspace(_mel(LOW), _mel(HIGH), BINS + 2)[1:-1]
    hertz = 700.0 * np.expm1(mel / 1127.0) / factor
    places = (_mel(hertz) - mel[0]) / (mel[1] - mel[0])
    low = np.clip(np.floor(places).astype(int), 0, BINS - 2)
    share = np.clip(places - low, 0.0, 1.0).astype(np.float32)
    out = features[:, low] * (1 - share) + features[:, low + 1] * share
    return np.asarray(out, np.float32)


def _mel(hertz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return 1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0)


def fbank(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """float samples in -1..1 at 8 kHz → log-mel frames, shape (frames, 40), every 10 ms."""
    computer = knf.OnlineFbank(_options())
    computer.accept_waveform(RATE, (samples * 32768.0).tolist())
    computer.input_finished()
    frames = computer.num_frames_ready
    if frames == 0:
        return np.zeros((0, BINS), np.float32)
    return np.stack([computer.get_frame(i) for i in range(frames)])
