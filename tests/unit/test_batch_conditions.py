"""What a condition does to a clip, measured on the result."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import soxr

from assistant.batch import codecs, noises
from assistant.batch.conditions import ALIASES, CONDITIONS, LEAD, STEADY, gaps
from assistant.batch.speech_sets import RATE

Samples = npt.NDArray[np.float32]
LEAD_SAMPLES = int(LEAD * RATE)


def speech(seconds: float = 2.0, peak: float = 0.1, pitch: float = 130, seed: int = 0) -> Samples:
    """Syllables of harmonics under two formants, four a second, with pauses between them."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    sound = rng.standard_normal(len(time)) * 0.02
    for k in range(1, int(3_600 / pitch)):
        formant = np.exp(-(((k * pitch - 600) / 300) ** 2)) + 0.5 * np.exp(
            -(((k * pitch - 1_700) / 400) ** 2)
        )
        sound += (0.03 + formant) * np.sin(2 * np.pi * k * pitch * time + k)
    sound *= np.clip(np.sin(2 * np.pi * 4 * time), 0, 1) ** 0.5
    return np.asarray(peak * sound / np.abs(sound).max(), np.float32)


def heard(name: str, samples: Samples | None = None, clip: str = "a") -> Samples:
    others = [speech(1.0, pitch=90 + 20 * i, seed=i) for i in range(1, 6)]
    return CONDITIONS[name].apply(speech() if samples is None else samples, clip, others).samples


def level(samples: Samples) -> float:
    return 10 * np.log10(np.mean(samples.astype(np.float64) ** 2) + 1e-20)


def band(samples: Samples, low: float, high: float, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    frequency = np.fft.rfftfreq(len(samples), 1 / rate)
    return float(spectrum[(frequency >= low) & (frequency < high)].sum())


@pytest.mark.parametrize("name", CONDITIONS)
def test_every_condition_is_the_same_each_time_and_stays_in_range(name: str) -> None:
    made = CONDITIONS[name].apply(speech(), "a", [speech(1.0, pitch=90)])
    again = CONDITIONS[name].apply(speech(), "a", [speech(1.0, pitch=90)])
    assert np.array_equal(made.samples, again.samples)
    assert made.rate == (8_000 if CONDITIONS[name].narrow else RATE)
    assert np.isfinite(made.samples).all()
    assert np.abs(made.samples).max() <= 1.0
    assert len(made.pcm) == 2 * len(made.samples)


@pytest.mark.parametrize("name", CONDITIONS)
@pytest.mark.parametrize("odd", [np.zeros(800, "f4"), np.full(10, 0.5, "f4"), np.ones(3_200, "f4")])
def test_odd_clips_pass(name: str, odd: Samples) -> None:
    made = CONDITIONS[name].apply(odd, "a", ())
    assert np.isfinite(made.samples).all()


NOISY = [n for n in CONDITIONS if n.split("-")[0] in ("street", "babble", "car")] + ["mulaw-15"]


@pytest.mark.parametrize("name", NOISY)
def test_noise_has_the_level_that_its_name_says(name: str) -> None:
    snr, rate, before = float(name.rpartition("-")[2]), RATE, heard("clean")
    if CONDITIONS[name].narrow:
        before, rate = np.asarray(soxr.resample(before, RATE, 8_000), np.float32), 8_000
    noise = heard(name) - before
    said = noises.band_power(noises.active(before, rate), rate)
    assert 10 * np.log10(said / noises.band_power(noise, rate)) == pytest.approx(snr, abs=0.5)


def test_pauses_do_not_make_speech_any_quieter() -> None:
    once = speech(2.0)
    slow = np.concatenate([once, np.zeros(6 * RATE, np.float32)])
    noise = noises.pink(len(slow), np.random.default_rng(0))
    added = noises.mix(slow, noise, 10) - slow
    direct = noises.mix(once, noise[: len(once)], 10) - once
    assert level(added) == pytest.approx(level(direct), abs=0.5)


@pytest.mark.parametrize(("name", "gain"), [("level-30", -30), ("level-20", -20), ("level+20", 20)])
def test_levels(name: str, gain: float) -> None:
    quiet = speech(peak=0.05)
    assert level(heard(name, quiet)) - level(heard("clean", quiet)) == pytest.approx(gain, abs=0.1)


def test_louder_never_clips() -> None:
    loud = heard("level+20", speech(peak=0.9))
    assert np.abs(loud).max() < 0.99


@pytest.mark.parametrize(("name", "factor"), [("slow", 1 / 0.85), ("fast", 1 / 1.15)])
def test_speed_changes_length_and_pitch(name: str, factor: float) -> None:
    before, after = heard("clean"), heard(name)
    assert len(after) / len(before) == pytest.approx(factor, rel=0.001)

    def pitch(samples: Samples) -> float:
        power = np.abs(np.fft.rfft(samples[LEAD_SAMPLES:], 1 << 18))
        low, high = 90 * (1 << 18) // RATE, 180 * (1 << 18) // RATE
        return float(low + np.argmax(power[low:high]))

    assert pitch(after) / pitch(before) == pytest.approx(1 / factor, rel=0.02)


def test_clipping_flattens_the_peaks() -> None:
    clipped = heard("clipped")[LEAD_SAMPLES:-LEAD_SAMPLES]
    assert 0.03 < np.mean(np.abs(clipped) >= 0.999) < 0.5


def test_a_twentieth_of_the_packets_is_lost() -> None:
    long = speech(60.0)
    intact = np.asarray(soxr.resample(heard("clean", long), RATE, 8_000), np.float32)
    lost = heard("loss", long)
    packets = len(lost) // 160
    changed = np.abs(lost - intact)[: packets * 160].reshape(packets, 160).max(axis=1)
    sounding = np.abs(intact)[: packets * 160].reshape(packets, 160).max(axis=1) > 0.02
    share = np.mean(changed[sounding] > 0.01)
    assert 0.025 < share < 0.08


def test_a_room_rings_after_the_voice_and_decays() -> None:
    burst = np.zeros(2 * RATE, np.float32)
    burst[: RATE // 2] = speech(0.5)
    room = heard("reverb", burst)[LEAD_SAMPLES:]
    at = [level(room[int(s * RATE) : int((s + 0.05) * RATE)]) for s in (0.55, 0.65)]
    assert at[0] > level(burst[: RATE // 2]) - 40
    assert at[0] - at[1] == pytest.approx(0.1 / 0.5 * 60, abs=4)  # 60 dB in 0.5 s


def test_silence_is_digital_only_where_it_is_asked_for() -> None:
    word = speech(0.5)
    joined = np.concatenate([word, np.zeros(4_000, np.float32), word])
    assert gaps(heard("zeros", joined)).sum() >= 2 * LEAD_SAMPLES + 3_900
    assert not gaps(heard("clean", joined)).any()
    hiss = heard("clean", joined)[:LEAD_SAMPLES]
    assert level(hiss) - level(noises.active(word)) == pytest.approx(-45, abs=1.5)


def test_an_immediate_onset_has_nothing_before_it() -> None:
    assert len(heard("immediate")) == len(speech())
    assert len(heard("clean")) == len(speech()) + 2 * LEAD_SAMPLES


def test_an_offset_is_one() -> None:
    assert np.mean(heard("offset")) == pytest.approx(0.1, abs=0.005)


def test_what_is_clean_is_the_recording_itself() -> None:
    sound = speech() + np.float32(1e-4)
    assert np.array_equal(heard("clean", sound)[LEAD_SAMPLES:-LEAD_SAMPLES], sound)


def test_two_clips_do_not_hear_the_same_noise() -> None:
    assert not np.array_equal(heard("street-10", clip="a"), heard("street-10", clip="b"))


def test_a_crowd_is_other_clips() -> None:
    mine = np.zeros(RATE, np.float32)
    voice = speech(1.0, pitch=97)
    one = noises.babble(len(mine), np.random.default_rng(3), [voice], voices=1)
    spectrum = np.abs(np.fft.rfft(one)) * np.abs(np.fft.rfft(voice))
    alike = spectrum.sum() / np.sqrt(
        (np.abs(np.fft.rfft(one)) ** 2).sum() * (np.abs(np.fft.rfft(voice)) ** 2).sum()
    )
    assert alike > 0.99
    assert not noises.babble(100, np.random.default_rng(0), []).any()


def test_a_car_is_low_and_a_street_is_not_only_that() -> None:
    rng = np.random.default_rng(0)
    car, street = noises.car(10 * RATE, rng), noises.street(10 * RATE, rng)
    assert band(car, 0, 300, RATE) > 10 * band(car, 300, 3_400, RATE)
    assert band(street, 300, 3_400, RATE) > 0.02 * band(street, 0, 300, RATE)


@pytest.mark.parametrize("code", [codecs.mulaw, codecs.gsm, codecs.celp])
def test_a_codec_keeps_length_and_shape(code: object) -> None:
    narrow = np.asarray(soxr.resample(speech(2.0, peak=0.5), RATE, 8_000), np.float32)
    out = code(narrow)  # type: ignore[operator]
    assert len(out) == len(narrow)

    def envelope(samples: Samples) -> npt.NDArray[np.float64]:
        count = len(samples) // 80
        return np.sqrt((samples[: count * 80].reshape(count, 80) ** 2).mean(axis=1))

    assert np.corrcoef(envelope(out), envelope(narrow))[0, 1] > 0.9
    error = level(out - narrow) - level(narrow)
    assert error < {"mulaw": -30, "gsm": -2, "celp": -5}[code.__name__]  # type: ignore[attr-defined]
    assert code is codecs.mulaw or error > -30  # a low rate is heard


def test_the_coders_of_mobile_phones_are_worse_than_the_landline() -> None:
    narrow = np.asarray(soxr.resample(speech(2.0, peak=0.5), RATE, 8_000), np.float32)
    errors = [level(code(narrow) - narrow) for code in (codecs.mulaw, codecs.celp, codecs.gsm)]
    assert errors[0] < min(errors[1:]) - 10


def test_celp_of_nothing_and_of_silence() -> None:
    assert not len(codecs.celp(np.zeros(0, np.float32)))
    assert np.abs(codecs.celp(np.zeros(801, np.float32))).max() < 1e-3


@pytest.mark.parametrize("name", noises.NOT_SPEECH)
def test_sounds_that_are_no_speech_can_be_made(name: str) -> None:
    sound = noises.NOT_SPEECH[name](2 * RATE, np.random.default_rng(0))
    assert len(sound) == 2 * RATE
    assert np.isfinite(sound).all()
    assert bool(sound.any()) == (name != "im lặng số")


def test_names_that_stand_for_several() -> None:
    assert set(STEADY) <= set(CONDITIONS)
    assert ALIASES["grid"] == tuple(CONDITIONS)
    assert {name for names in ALIASES.values() for name in names} <= set(CONDITIONS)
