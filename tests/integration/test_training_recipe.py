"""The recipe of the embedded model at toy scale, from synthesis to a folder that Vosk loads."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from assistant.asr.tones import Tones
from assistant.asr.types import EndReason
from assistant.asr.vosk_adapter import VoskModel
from assistant.batch.scoring import Alignment
from assistant.nlu import phrases
from assistant.nlu.types import Expect
from tests.cli_tools import PROGRAM

if TYPE_CHECKING:
    from assistant.training.corpus import Corpus
    from assistant.training.recipe import Recipe

for needed in ("torch", "kaldi_native_fbank", "espeakng_loader", "parselmouth"):
    pytest.importorskip(needed)

pytestmark = [pytest.mark.full, pytest.mark.timeout(1_800)]
ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "speech" / "train"


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """Killed after its first epochs, then run to the end."""
    from assistant.training.recipe import Recipe
    from assistant.training.scale import TOY

    folder = tmp_path_factory.mktemp("toy")
    human = SHARED if SHARED.is_dir() else None
    command = [*PROGRAM, "train", "--toy"]
    command += ["--work", f"{folder / 'work'}", "--out", f"{folder / 'toy'}"]
    command += ["--human", f"{human}"] if human else []
    checkpoint = folder / "work" / "first" / "checkpoint.pt"
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, cwd=ROOT, stdout=quiet, stderr=quiet, start_new_session=True
    ) as running:
        while not checkpoint.is_file():
            assert running.poll() is None, "the training ended before its first epoch"
            time.sleep(0.2)
        os.killpg(running.pid, signal.SIGKILL)
    made = Recipe(folder / "work", folder / "toy", ROOT / "audio_prompts", scale=TOY,
                  human=human, progress=False)  # fmt: skip
    made.run()
    return made


def test_a_killed_run_goes_on(recipe: Recipe) -> None:
    log = (recipe.work / "first" / "log.txt").read_text().splitlines()
    epochs = [int(line.removeprefix("epoch ").partition(":")[0]) for line in log]
    assert epochs == list(range(1, recipe.scale.first.epochs + 1))


@pytest.fixture(scope="module")
def model(recipe: Recipe) -> VoskModel:
    return VoskModel.open(recipe.out)


def strings(recipe: Recipe, count: int) -> tuple[Corpus, list[int]]:
    from assistant.training.corpus import Corpus

    corpus = Corpus.load(recipe.work / "synthetic" / "codes")
    short = [i for i, t in enumerate(corpus.texts) if 2 <= len(t.split()) <= 6]
    return corpus, short[:count]


def heard_by(model: VoskModel, recipe: Recipe) -> Alignment:
    """Its own training's digits, heard by Vosk."""
    corpus, chosen = strings(recipe, 25)
    recognizer, alignment = model.recognizer(), Alignment()
    for index in chosen:
        samples = np.pad(corpus.utterance(index), 2_400)
        recognizer.begin(phrases(Expect.CODE), 8_000)
        recognizer.feed(np.round(samples * 32_767).astype("<i2").tobytes())
        heard = recognizer.end(EndReason.SILENCE).text
        alignment.add(corpus.texts[index].split(), heard.split())
    return alignment


def test_the_toy_hears_its_own_digits(recipe: Recipe, model: VoskModel) -> None:
    alignment = heard_by(model, recipe)
    assert alignment.length > 60
    assert alignment.error_rate is not None
    # Measured: 0.13; an untrained one hears none (1.0). Processors differ in bf16.
    assert alignment.error_rate <= 0.5


def test_silence_is_nothing_to_the_toy(model: VoskModel) -> None:
    recognizer = model.recognizer()
    recognizer.begin(phrases(Expect.CODE), 8_000)
    recognizer.feed(b"\0\0" * 16_000)
    assert recognizer.end(EndReason.SILENCE).text == ""


def test_people_teach_it_tones(recipe: Recipe) -> None:
    """Of synthetic speech alone none are learnt."""
    assert (Tones.read(recipe.out) is None) == (recipe.human is None)


def test_a_finished_run_changes_nothing(recipe: Recipe) -> None:
    before = {p: p.stat().st_mtime_ns for p in recipe.work.rglob("*") if p.is_file()}
    said: list[str] = []
    recipe.run(said.append)
    assert len(said) == 10
    assert {p: p.stat().st_mtime_ns for p in recipe.work.rglob("*") if p.is_file()} == before


def test_half_precision_is_only_what_the_device_has() -> None:
    import torch

    from assistant.training.net import half_precision

    product = torch.nn.functional.linear
    numbers = torch.ones(2, 2)
    with half_precision(torch.device("cpu")):
        kind = product(numbers, numbers).dtype
    has = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    assert kind == (torch.bfloat16 if has else torch.float32)


def test_matrices_move_as_with_torch() -> None:
    import torch

    from assistant.training.muon import Muon

    chance = torch.Generator().manual_seed(0)
    start = torch.randn(12, 30, generator=chance)
    ours, theirs = torch.nn.Parameter(start.clone()), torch.nn.Parameter(start.clone())
    optimizers = (
        Muon([ours], 1e-2, 1e-3),
        torch.optim.Muon([theirs], lr=1e-2, weight_decay=1e-3, adjust_lr_fn="match_rms_adamw"),
    )
    for _ in range(4):
        step = torch.randn(12, 30, generator=chance)
        ours.grad, theirs.grad = step.clone(), step.clone()
        for optimizer in optimizers:
            optimizer.step()
    assert (ours - start).abs().mean() > 0.003
    assert torch.allclose(ours, theirs, atol=6e-4)


def test_the_written_network_comes_back(recipe: Recipe) -> None:
    import torch

    from assistant.training.features import fbank
    from assistant.training.net import AcousticNet, mean_of
    from assistant.training.reading import calibrate, read_networks

    scale = recipe.scale
    nets = [AcousticNet(scale.shape) for _ in range(2)]
    for stage, net in zip(("third", "fourth"), nets, strict=True):
        state = torch.load(recipe.work / stage / "checkpoint.pt", weights_only=True)
        net.load_state_dict(state["average"])
    trained = mean_of(*nets)
    (back,) = read_networks(recipe.out / "am" / "final.mdl")
    corpus, chosen = strings(recipe, 6)
    features = [torch.from_numpy(fbank(corpus.utterance(i)))[None] for i in chosen]
    with torch.no_grad():
        wanted = [trained.eval()(f) for f in features]
        plain = [back.eval()(f) for f in features]
        calibrate(back, features)
        calibrated = [back.eval()(f) for f in features]
    for want, one, two in zip(wanted, plain, calibrated, strict=True):
        assert torch.allclose(want, one, atol=0.02)  # 16 bits a weight
        assert torch.allclose(one, two, atol=0.005)


def test_networks_of_any_size_come_back_side_by_side(tmp_path: Path) -> None:
    import numpy as np
    import torch

    from assistant.training.export import acoustic_model
    from assistant.training.net import AcousticNet, NetShape, SideBySide
    from assistant.training.reading import read_networks

    narrow = NetShape(front=32, width=48, rank=16, offsets=((-1, 0, 1), (-3, 0)))
    deep = NetShape(front=24, width=64, rank=24, offsets=((0, 2), (-2, 0, 1), (-1, 0, 1)))
    torch.manual_seed(5)
    nets = [AcousticNet(shape).eval() for shape in (narrow, deep)]
    path = tmp_path / "final.mdl"
    for kept in (nets, nets[:1], nets[1:]):
        path.write_bytes(acoustic_model(kept, np.zeros(0, np.float32)))
        back = read_networks(path)
        assert [net.shape for net in back] == [net.shape for net in kept]
        features = torch.randn(1, 90, 40)
        with torch.no_grad():
            heard, wanted = SideBySide(back).eval()(features), SideBySide(kept).eval()(features)
        assert torch.allclose(heard, wanted, atol=0.02)  # 16 bits a weight


def test_networks_side_by_side_are_the_mean_of_each(recipe: Recipe, tmp_path: Path) -> None:
    import torch

    from assistant.asr.folder import inspect_folder, require_intact
    from assistant.errors import UsageError
    from assistant.training.export import acoustic_model
    from assistant.training.features import fbank
    from assistant.training.join import join
    from assistant.training.net import SideBySide
    from assistant.training.reading import read_networks, read_priors

    other = tmp_path / "other"  # the same model with an output layer of its own
    shutil.copytree(recipe.out, other)
    network = other / "am" / "final.mdl"
    (net,) = read_networks(network)
    with torch.no_grad():
        net.output.bias.add_(torch.linspace(-1.0, 1.0, len(net.output.bias)))
    network.write_bytes(acoustic_model([net], read_priors(network)))
    joined = join([recipe.out, other], tmp_path / "joined")
    require_intact(inspect_folder(joined))
    both = read_networks(joined / "am" / "final.mdl")
    alone = [read_networks(p / "am" / "final.mdl")[0] for p in (recipe.out, other)]
    corpus, chosen = strings(recipe, 6)
    with torch.no_grad():
        for index in chosen:
            features = torch.from_numpy(fbank(corpus.utterance(index)))[None]
            wanted = SideBySide(alone).eval()(features)
            assert torch.allclose(SideBySide(both).eval()(features), wanted, atol=0.02)
    alone_errors, both_errors = (heard_by(VoskModel.open(p), recipe) for p in (recipe.out, joined))
    assert abs(both_errors.errors - alone_errors.errors) <= 0.1 * alone_errors.length
    with pytest.raises(UsageError) as error:
        join([recipe.out], tmp_path / "alone")
    assert error.value.code == "join-few"


def test_a_narrow_network_hears_nearly_the_same(recipe: Recipe, tmp_path: Path) -> None:
    import torch

    from assistant.asr.folder import inspect_folder, require_intact
    from assistant.errors import UsageError
    from assistant.training.features import fbank
    from assistant.training.narrow import narrow_model, narrowed
    from assistant.training.reading import read_networks

    shape = recipe.scale.shape
    narrow = narrow_model(recipe.out, recipe.work, tmp_path / "narrow", 40, 60)
    require_intact(inspect_folder(narrow))
    (wide,) = read_networks(recipe.out / "am" / "final.mdl")
    (made,) = read_networks(narrow / "am" / "final.mdl")
    assert made.shape.rank == 40
    corpus, chosen = strings(recipe, 12)
    features = [torch.from_numpy(fbank(corpus.utterance(i)))[None] for i in chosen]
    cut = narrowed(wide, 40, features)

    def apart(net: torch.nn.Module) -> float:
        with torch.no_grad():
            pairs = [(wide.eval()(f), net.eval()(f)) for f in features]
        return float(sum((a.exp() * (a - b)).sum(2).mean() for a, b in pairs)) / len(features)

    random = narrowed(wide, 40, [torch.randn_like(features[0])])  # directions of no speech
    assert apart(cut) < 0.5 * apart(random)
    assert apart(made) < 0.1
    assert narrowed(wide, shape.rank, features)(features[0]).allclose(
        wide(features[0]), atol=0.01
    )  # nothing cut, nothing changed
    with pytest.raises(UsageError) as error:
        narrow_model(recipe.out, tmp_path, tmp_path / "none", 40, 1)
    assert error.value.code == "teach-no-speech"
    with pytest.raises(UsageError) as error:
        narrow_model(recipe.out, recipe.work, tmp_path / "none", shape.rank + 1, 1)
    assert error.value.code == "narrow-rank"


def test_one_network_learns_what_two_say(recipe: Recipe, tmp_path: Path) -> None:
    import torch

    from assistant.asr.folder import inspect_folder, require_intact
    from assistant.errors import UsageError
    from assistant.training.export import acoustic_model
    from assistant.training.features import fbank
    from assistant.training.join import join
    from assistant.training.net import SideBySide
    from assistant.training.reading import read_networks, read_priors
    from assistant.training.teach import teach_model

    pupil = tmp_path / "pupil"  # the same model, but it mishears
    shutil.copytree(recipe.out, pupil)
    network = pupil / "am" / "final.mdl"
    (net,) = read_networks(network)
    with torch.no_grad():
        net.output.bias.add_(torch.linspace(-2.0, 2.0, len(net.output.bias)))
    network.write_bytes(acoustic_model([net], read_priors(network)))
    by = join([recipe.out, recipe.out], tmp_path / "both")
    made = teach_model(pupil, by, recipe.work, tmp_path / "taught", 60)
    require_intact(inspect_folder(made))
    assert str(inspect_folder(made).version).endswith("+taught")
    corpus, chosen = strings(recipe, 12)
    features = [torch.from_numpy(fbank(corpus.utterance(i)))[None] for i in chosen]

    def apart(folder: Path) -> float:
        one, two = (SideBySide(read_networks(p / "am" / "final.mdl")).eval() for p in (folder, by))
        with torch.no_grad():
            pairs = [(two(f), one(f)) for f in features]
        return float(sum((a.exp() * (a - b)).sum(2).mean() for a, b in pairs))

    assert apart(made) < 0.7 * apart(pupil)
    with pytest.raises(UsageError) as error:
        teach_model(pupil, by, tmp_path, tmp_path / "none", 1)
    assert error.value.code == "teach-no-speech"


def test_a_wide_network_hears_some_utterances_on_a_good_line(recipe: Recipe) -> None:
    from assistant.training.data import Stream
    from assistant.training.teach import _speech_of

    stream = Stream(_speech_of(recipe.work), 5, 20.0, pool=64, clean_share=0.5)
    same: list[bool] = []
    for batch in islice(stream, 8):
        assert batch.clean is not None
        assert batch.clean.shape == batch.features.shape
        same += (batch.clean == batch.features).flatten(1).all(dim=1).tolist()
    assert 0 < sum(same) < len(same)
    assert next(iter(Stream(_speech_of(recipe.work), 5, 20.0, pool=64))).clean is None


def test_a_foreign_network_is_refused(recipe: Recipe, tmp_path: Path) -> None:
    from assistant.errors import ModelError
    from assistant.training.reading import read_networks

    foreign = tmp_path / "final.mdl"
    foreign.write_bytes(b"\0B<TransitionModel> ")
    with pytest.raises(ModelError) as error:
        read_networks(foreign)
    assert error.value.code == "model-foreign"
    with pytest.raises(ModelError) as error:
        read_networks(tmp_path / "none.mdl")
    assert error.value.code == "model-foreign"


def test_a_phone_that_noise_sounds_like_must_be_heard_better() -> None:
    import torch

    from assistant.asr.lexicon import phone_table
    from assistant.training.export import phone_priors
    from assistant.training.net import AcousticNet, NetShape

    torch.manual_seed(5)
    net = AcousticNet(NetShape(front=8, width=16, rank=8, offsets=((-1, 0, 1),)))
    heard = [torch.randn(2, 60, 40)]
    plain, harder = (phone_priors(net, heard, 0.4, u) for u in ({}, {"C:m": 1.0}))
    ratio = harder / plain
    place = phone_table().index("C:m")
    others = np.delete(ratio, place)
    assert np.allclose(others, others[0])
    assert ratio[place] / others[0] == pytest.approx(np.e, rel=1e-4)
    assert harder.sum() == pytest.approx(1.0, rel=1e-4)
