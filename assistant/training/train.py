"""Training: CTC over phones, AdamW with a warm-up and a cosine, weights averaged over time.

Killed at any moment it goes on from the last checkpoint: the state of network, optimizer and
average is written atomically after every epoch, and the data of an epoch depend on the seed
and the epoch's number alone.
"""

from __future__ import annotations

import copy
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

# A compiled kernel is kept per shape, about 60 of them per shape of batch (data.py, STEP).
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "8192")

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from assistant.training.data import Batch, Stream
from assistant.training.net import SUBSAMPLING, AcousticNet, NetShape

AVERAGE_EVERY = 4  # steps


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast. An epoch is ``epoch_hours`` of spoiled audio."""

    epochs: int = 40
    stop: int | None = None  # end after so many epochs of the schedule; the next stage goes on
    epoch_hours: float = 5.0
    learning_rate: float = 1.5e-3
    final_rate: float = 2e-5
    warmup_epochs: float = 1.0
    weight_decay: float = 1e-3
    average: float = 0.999  # decay of the running average of weights, per step
    dropout: float = 0.1
    time_masks: int = 2  # SpecAugment
    mask_frames: int = 12
    band_masks: int = 2
    mask_bands: int = 6
    threads: int = 2
    workers: int = 1
    seed: int = 20261123


def mask(features: Tensor, plan: Plan, generator: torch.Generator) -> Tensor:
    """SpecAugment: blot out a few stretches of time and a few bands, per utterance."""
    out = features.clone()
    mean = features.mean(dim=1)
    for row in range(len(out)):
        for _ in range(plan.time_masks):
            width = int(torch.randint(0, plan.mask_frames + 1, (1,), generator=generator))
            limit = max(out.shape[1] - width, 1)
            start = int(torch.randint(0, limit, (1,), generator=generator))
            out[row, start : start + width] = mean[row]
        for _ in range(plan.band_masks):
            width = int(torch.randint(0, plan.mask_bands + 1, (1,), generator=generator))
            start = int(torch.randint(0, out.shape[2] - width, (1,), generator=generator))
            out[row, :, start : start + width] = mean[row, start : start + width]
    return out


def ctc(log_probs: Tensor, batch: Batch) -> Tensor:
    """Mean CTC loss per phone."""
    frames = torch.div(batch.frames + SUBSAMPLING - 1, SUBSAMPLING, rounding_mode="floor")
    losses = torch.nn.functional.ctc_loss(
        log_probs.transpose(0, 1),
        batch.phones,
        frames,
        batch.phone_counts,
        reduction="none",
        zero_infinity=True,
    )
    return losses.sum() / batch.phone_counts.sum()


def rate_at(plan: Plan, progress: float) -> float:
    """Learning rate when ``progress`` epochs are done."""
    if progress < plan.warmup_epochs:
        return plan.learning_rate * max(progress, 0.02) / plan.warmup_epochs
    done = (progress - plan.warmup_epochs) / max(plan.epochs - plan.warmup_epochs, 1e-9)
    span = plan.learning_rate - plan.final_rate
    return plan.final_rate + span * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


class Trainer:
    """One training run in a folder: ``checkpoint.pt`` after every epoch, ``log.txt``."""

    def __init__(self, stream: Stream, shape: NetShape, plan: Plan, folder: Path) -> None:
        torch.manual_seed(plan.seed)
        torch.set_num_threads(plan.threads)
        self.stream, self.plan, self.folder = stream, plan, folder
        self.net = AcousticNet(shape, plan.dropout)
        self.average = copy.deepcopy(self.net)
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), plan.learning_rate, weight_decay=plan.weight_decay, fused=True
        )
        self.epoch = 0
        self.steps = 0
        folder.mkdir(parents=True, exist_ok=True)

    def start_from(self, checkpoint: Path) -> None:
        """Take another run's averaged weights as the starting point (fine-tuning)."""
        state = torch.load(checkpoint, weights_only=True)
        self.net.load_state_dict(state["average"])
        self.average.load_state_dict(state["average"])

    def resume(self) -> bool:
        """Go on from this folder's checkpoint, when there is one."""
        path = self.folder / "checkpoint.pt"
        if not path.is_file():
            return False
        state = torch.load(path, weights_only=True)
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.steps = int(state["epoch"]), int(state["steps"])
        return True

    def save(self) -> None:
        path = self.folder / "checkpoint.pt"
        partial = path.with_suffix(".partial")
        torch.save(
            {
                "net": self.net.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
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
        if self.epoch == 0 and float(self.net.scale.sum()) == self.net.shape.bins:
            self.stream.epoch = 1_000_000  # data no epoch uses
            batches = iter(self.stream)
            self.normalise_from([next(batches) for _ in range(4)])
        while self.epoch < (self.plan.stop or self.plan.epochs):
            self._one_epoch(progress)
            self.epoch += 1
            self.save()
        self.average.eval()
        return self.average

    def _one_epoch(self, progress: bool) -> None:
        plan = self.plan
        self.stream.epoch = self.epoch
        loader = DataLoader(
            self.stream,
            batch_size=None,
            num_workers=plan.workers,
            prefetch_factor=24 if plan.workers else None,
        )
        generator = torch.Generator().manual_seed(plan.seed + self.epoch)
        self.net.train()
        seconds, total, phones, began = 0.0, 0.0, 0, time.monotonic()
        goal = plan.epoch_hours * 3600
        with tqdm(total=int(goal), desc=f"epoch {self.epoch + 1}/{plan.epochs}", unit="s",
                  disable=not progress) as bar:  # fmt: skip
            for batch in loader:
                loss = self._step(batch, self.epoch + seconds / goal, generator)
                count = int(batch.phone_counts.sum())
                total, phones = total + loss * count, phones + count
                length = float(batch.frames.sum()) / 100
                seconds += length
                bar.update(int(length))
                if seconds >= goal:
                    break
        line = (
            f"epoch {self.epoch + 1}: loss {total / max(phones, 1):.4f} a phone, "
            f"{seconds / (time.monotonic() - began):.0f}x real time"
        )
        with (self.folder / "log.txt").open("a") as log:
            log.write(line + "\n")

    def _step(self, batch: Batch, progress: float, generator: torch.Generator) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = rate_at(self.plan, progress)
        features = mask(batch.features, self.plan, generator)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            log_probs = self.net(features)
        loss = ctc(log_probs, batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
        self.optimizer.step()
        self.steps += 1
        if self.steps % AVERAGE_EVERY == 0:
            self._update_average()
        return float(loss.detach())

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.plan.average, (1 + self.steps) / (10 + self.steps)) ** AVERAGE_EVERY
        for mean, now in zip(
            self.average.state_dict().values(), self.net.state_dict().values(), strict=True
        ):
            if mean.dtype.is_floating_point:
                mean.lerp_(now, 1 - decay)
            else:
                mean.copy_(now)
