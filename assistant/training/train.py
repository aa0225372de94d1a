"""Training: the phone of every aligned output, and CTC; weights averaged over time.

Matrices of the layers move by Muon (orthogonalised momentum), which needs about half of AdamW's
steps here; everything else by AdamW. Killed at any moment it goes on from the last checkpoint:
the state of network, optimizers and average is written atomically after every epoch, and the
data of an epoch depend on the seed and the epoch's number alone.
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

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from assistant.heap import keep_memory
from assistant.training.data import UNLABELLED, Batch, Stream
from assistant.training.net import SUBSAMPLING, AcousticNet, LowRank, NetShape

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
    threads: int = 1  # the other core spoils and measures speech
    workers: int = 1
    seed: int = 20261123


def mask(features: Tensor, plan: Plan, generator: torch.Generator) -> Tensor:
    """SpecAugment: blot out a few stretches of time and a few bands, per utterance."""
    out = features.clone()
    mean = features.mean(dim=1)
    for row in range(len(out)):
        for _ in range(plan.time_masks):
            longest = min(plan.mask_frames, out.shape[1] // 12)
            width = int(torch.randint(0, longest + 1, (1,), generator=generator))
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
    return losses.sum() / batch.phone_counts.sum().clamp_min(1)


def frame_loss(log_probs: Tensor, batch: Batch, smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy of the labelled outputs; 0 where a batch has none."""
    if not bool((batch.labels != UNLABELLED).any()):
        return log_probs.new_zeros(())
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
        torch.optim.Muon(matrices, lr=rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, rate, weight_decay=decay, fused=True),
    ]


class Trainer:
    """One training run in a folder: ``checkpoint.pt`` after every epoch, ``log.txt``."""

    def __init__(self, stream: Stream, shape: NetShape, plan: Plan, folder: Path) -> None:
        keep_memory()
        torch.manual_seed(plan.seed)
        torch.set_num_threads(plan.threads)
        torch.set_flush_denormal(True)
        self.stream, self.plan, self.folder = stream, plan, folder
        self.net = AcousticNet(shape, plan.dropout)
        self.average = copy.deepcopy(self.net)
        self.optimizers = _optimizers(self.net, plan)
        self.epoch = 0
        self.steps = 0
        self._knows_nothing = True  # not even how loud speech is
        folder.mkdir(parents=True, exist_ok=True)

    def start_from(self, checkpoint: Path) -> None:
        """Take another run's averaged weights as the starting point (fine-tuning)."""
        self._take(torch.load(checkpoint, weights_only=True)["average"])

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
        state = torch.load(path, weights_only=True)
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
        self.average.eval()
        return self.average

    def _one_epoch(self, progress: bool) -> None:
        plan = self.plan
        self.stream.epoch = self.epoch
        loader = DataLoader(
            self.stream,
            batch_size=None,
            num_workers=plan.workers,
            prefetch_factor=8 if plan.workers else None,
        )
        generator = torch.Generator().manual_seed(plan.seed + self.epoch)
        self.net.train()
        if not plan.batch_norm:
            for module in self.net.modules():
                if isinstance(module, torch.nn.BatchNorm1d):
                    module.eval()
        seconds, totals, steps, began = 0.0, np.zeros(2), 0, time.monotonic()
        goal = plan.epoch_hours * 3600
        with tqdm(total=int(goal), desc=f"epoch {self.epoch + 1}/{plan.epochs}", unit="s",
                  disable=not progress) as bar:  # fmt: skip
            for batch in loader:
                totals += self._step(batch, self.epoch + seconds / goal, generator)
                steps += 1
                length = float(batch.frames.sum()) / 100
                seconds += length
                bar.update(int(length))
                if seconds >= goal:
                    break
        line = (
            f"epoch {self.epoch + 1}: {totals[0] / steps:.4f} a frame, "
            f"{totals[1] / steps:.4f} a phone, "
            f"{seconds / (time.monotonic() - began):.0f}x real time"
        )
        with (self.folder / "log.txt").open("a") as log:
            log.write(line + "\n")

    def _step(
        self, batch: Batch, progress: float, generator: torch.Generator
    ) -> tuple[float, float]:
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate_at(self.plan, progress)
            optimizer.zero_grad(set_to_none=True)
        features = mask(batch.features, self.plan, generator)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            log_probs = self.net(features)
        frames = frame_loss(log_probs, batch, self.plan.smoothing)
        sequence = ctc(log_probs, batch)
        labelled = bool(frames.requires_grad)
        loss = frames + self.plan.ctc_share * sequence if labelled else sequence
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.steps += 1
        if self.steps % AVERAGE_EVERY == 0:
            self._update_average()
        return float(frames.detach()), float(sequence.detach())

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
