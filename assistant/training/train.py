"""Training: the phone of every aligned output, and CTC; weights averaged over time.

Matrices of the layers move by Muon (orthogonalised momentum), which needs about half of AdamW's
steps here; everything else by AdamW. Killed at any moment it goes on from the last checkpoint:
the state of network, optimizers and average is written atomically after every epoch, and what
is heard next depends on the seed and on the epoch it goes on from alone.
"""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# A compiled kernel is kept per shape, about 60 of them per shape of batch (data.py, STEP).
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "8192")

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from assistant.heap import keep_memory
from assistant.training.data import UNLABELLED, Batch, Stream
from assistant.training.muon import Muon
from assistant.training.net import AcousticNet, LowRank, NetShape, half_precision

AVERAGE_EVERY = 4  # steps


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast. An epoch is ``epoch_hours`` of spoiled audio."""

    epochs: int = 40
    stop: int | None = None  # end after so many epochs of the schedule; the next stage goes on
    epoch_hours: float = 5.0
    learning_rate: float = 2e-3
    final_rate: float = 2e-5
    warmup_epochs: float = 1.0
    weight_decay: float = 1e-3
    average: float = 0.999  # decay of the running average of weights, per step
    ctc_share: float = 0.1  # of CTC beside the frames' loss, where outputs are labelled
    dropout: float = 0.1
    smoothing: float = 0.1  # of the labels: this much of each is spread over all phones
    batch_norm: bool = True  # False: normalisation stays as it is (small data, folded models)
    time_masks: int = 2  # SpecAugment
    mask_frames: int = 12
    band_masks: int = 2
    mask_bands: int = 8
    threads: int = 1  # the other core spoils and measures speech; all others do beside a GPU
    seed: int = 20261123


def mask(features: Tensor, plan: Plan, generator: torch.Generator) -> Tensor:
    """SpecAugment: blot out a few stretches of time and a few bands, per utterance."""
    rows, frames, bands = features.shape
    longest = min(plan.mask_frames, frames // 12)
    hidden = _stretches(rows, frames, plan.time_masks, longest, generator)[:, :, None]
    hidden = hidden | _stretches(rows, bands, plan.band_masks, plan.mask_bands, generator)[:, None]
    mean = features.mean(dim=1, keepdim=True)
    return torch.where(hidden.to(features.device), mean, features)


def _stretches(
    rows: int, length: int, count: int, longest: int, generator: torch.Generator
) -> Tensor:
    """(rows, length), true inside ``count`` random stretches of 0 to ``longest`` in each row."""
    chance = torch.rand(2, rows, count, 1, generator=generator)
    width = (chance[0] * (longest + 1)).floor()
    start = (chance[1] * (length - width).clamp_min(1)).floor()
    places = torch.arange(length)
    return ((places >= start) & (places < start + width)).any(dim=1)


def ctc(log_probs: Tensor, batch: Batch) -> Tensor:
    """Mean CTC loss per phone."""
    losses = torch.nn.functional.ctc_loss(
        log_probs.transpose(0, 1),
        batch.phones,
        batch.outputs,
        batch.phone_counts,
        reduction="none",
        zero_infinity=True,
    )
    return losses.sum() / max(int(batch.phone_counts.sum()), 1)


def frame_loss(log_probs: Tensor, batch: Batch, smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy of the labelled outputs; there must be one."""
    return torch.nn.functional.cross_entropy(
        log_probs.flatten(0, 1), batch.labels.flatten(), ignore_index=UNLABELLED,
        label_smoothing=smoothing,
    )  # fmt: skip


def rate_at(plan: Plan, progress: float) -> float:
    """Learning rate when ``progress`` epochs are done."""
    if progress < plan.warmup_epochs:
        return plan.learning_rate * max(progress, 0.02) / plan.warmup_epochs
    done = (progress - plan.warmup_epochs) / max(plan.epochs - plan.warmup_epochs, 1e-9)
    span = plan.learning_rate - plan.final_rate
    return plan.final_rate + span * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def _optimizers(net: AcousticNet, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon for the matrices between layers, AdamW for the rest."""
    matrices = [net.front.weight, net.stride.weight]
    for layer in net.layers:
        assert isinstance(layer, LowRank)
        matrices += [layer.linear.weight, layer.affine.weight]
    known = {id(m) for m in matrices}
    rest = [p for p in net.parameters() if id(p) not in known]
    rate, decay = plan.learning_rate, plan.weight_decay
    return [
        Muon(matrices, rate, decay),
        torch.optim.AdamW(rest, rate, weight_decay=decay, fused=True),
    ]


class Trainer:
    """One training run in a folder: ``checkpoint.pt`` after every epoch, ``log.txt``. On a GPU
    where torch finds one."""

    def __init__(self, stream: Stream, shape: NetShape, plan: Plan, folder: Path) -> None:
        keep_memory()
        torch.manual_seed(plan.seed)
        torch.set_num_threads(plan.threads)
        torch.set_flush_denormal(True)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.workers = (os.cpu_count() or 2) - 1 if self.device.type == "cuda" else 1
        self.stream, self.plan, self.folder = stream, plan, folder
        self.net: AcousticNet = AcousticNet(shape, plan.dropout).to(self.device)
        self.average: AcousticNet = copy.deepcopy(self.net)
        self.optimizers = _optimizers(self.net, plan)
        self.epoch = 0
        self.steps = 0
        self._knows_nothing = True  # not even how loud speech is
        self._batches: Iterator[Batch] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def start_from(self, checkpoint: Path) -> None:
        """Take another run's averaged weights as the starting point (fine-tuning)."""
        self._take(torch.load(checkpoint, weights_only=True, map_location="cpu")["average"])

    def take(self, net: AcousticNet) -> None:
        """Start from another network's weights."""
        self._take(net.state_dict())

    def _take(self, weights: dict[str, Tensor]) -> None:
        self.net.load_state_dict(weights)
        self.average.load_state_dict(weights)
        self._knows_nothing = False

    def resume(self) -> bool:
        """Go on from this folder's checkpoint, when there is one."""
        path = self.folder / "checkpoint.pt"
        if not path.is_file():
            return False
        state = torch.load(path, weights_only=True, map_location=self.device)
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.epoch, self.steps = int(state["epoch"]), int(state["steps"])
        self._knows_nothing = False
        return True

    def save(self) -> None:
        path = self.folder / "checkpoint.pt"
        partial = path.with_suffix(".partial")
        torch.save(
            {
                "net": self.net.state_dict(),
                "average": self.average.state_dict(),
                "optimizers": [o.state_dict() for o in self.optimizers],
                "epoch": self.epoch,
                "steps": self.steps,
            },
            partial,
        )
        os.replace(partial, path)

    def normalise_from(self, batches: list[Batch]) -> None:
        """Set the input's mean and scale from a few batches."""
        frames = torch.cat([b.features[i, :n] for b in batches for i, n in enumerate(b.frames)])
        for net in (self.net, self.average):
            net.mean.copy_(frames.mean(dim=0))
            net.scale.copy_(1.0 / frames.std(dim=0).clamp_min(0.1))

    def run(self, progress: bool = True) -> AcousticNet:
        """Train up to the plan's last epoch; returns the averaged network in eval mode."""
        if self._knows_nothing:
            self.stream.epoch = 1_000_000  # data no epoch uses
            batches = iter(self.stream)
            self.normalise_from([next(batches) for _ in range(4)])
        while self.epoch < (self.plan.stop or self.plan.epochs):
            self._one_epoch(progress)
            self.epoch += 1
            self.save()
        self._batches = None
        self.average.cpu().eval()
        return self.average

    def _data(self) -> Iterator[Batch]:
        """Batches of this epoch and those after it. The processes that spoil speech are started
        anew while epochs differ only: each begins with a heap of half-filled batches."""
        if self._batches is None or self.epoch <= self.stream.mild_epochs:
            self.stream.epoch = self.epoch
            loader = DataLoader(
                self.stream,
                batch_size=None,
                num_workers=self.workers,
                prefetch_factor=8,
            )
            self._batches = iter(loader)
        return self._batches

    def _one_epoch(self, progress: bool) -> None:
        plan = self.plan
        data = self._data()
        generator = torch.Generator().manual_seed(plan.seed + self.epoch)
        self.net.train()
        if not plan.batch_norm:
            for module in self.net.modules():
                if isinstance(module, torch.nn.BatchNorm1d):
                    module.eval()
        totals = torch.zeros(2, device=self.device)
        seconds, steps, began = 0.0, 0, time.monotonic()
        goal = plan.epoch_hours * 3600
        with tqdm(total=int(goal), desc=f"epoch {self.epoch + 1}/{plan.epochs}", unit="s",
                  disable=not progress) as bar:  # fmt: skip
            for batch in data:
                totals += self._step(batch, self.epoch + seconds / goal, generator)
                steps += 1
                length = float(batch.frames.sum()) / 100
                seconds += length
                bar.update(int(length))
                if seconds >= goal:
                    break
        frames, phones = (float(total) / steps for total in totals)
        line = (
            f"epoch {self.epoch + 1}: {frames:.4f} a frame, {phones:.4f} a phone, "
            f"{seconds / (time.monotonic() - began):.0f}x real time"
        )
        with (self.folder / "log.txt").open("a") as log:
            log.write(line + "\n")

    def _step(self, batch: Batch, progress: float, generator: torch.Generator) -> Tensor:
        """One step; the loss of a frame and of a phone, shape (2,)."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate_at(self.plan, progress)
            optimizer.zero_grad(set_to_none=True)
        labelled = batch.labelled  # asked before it moves: a GPU would have to be waited for
        batch = batch.to(self.device)
        with half_precision(self.device):
            log_probs = self.net(mask(batch.features, self.plan, generator))
        frames = log_probs.new_zeros(())
        if labelled:
            frames = frame_loss(log_probs, batch, self.plan.smoothing)
        sequence = ctc(log_probs, batch)
        loss = frames + self.plan.ctc_share * sequence if labelled else sequence
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.steps += 1
        if self.steps % AVERAGE_EVERY == 0:
            self._update_average()
        return torch.stack([frames.detach(), sequence.detach()])

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.plan.average, (1 + self.steps) / (10 + self.steps)) ** AVERAGE_EVERY
        ours, theirs = self.average.state_dict().values(), self.net.state_dict().values()
        moving = [(a, b) for a, b in zip(ours, theirs, strict=True) if a.dtype.is_floating_point]
        for mean, now in moving:
            mean.lerp_(now, 1 - decay)
