"""One decoder's training run: optimizer, moving average and step, kept in a checkpoint from which it goes on."""

from __future__ import annotations

import copy
import logging
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import ModelMixin
from torch import Tensor, nn

from harmony.checkpoints import forget_source
from harmony.training.ema import ema_decay

logger = logging.getLogger(__name__)
CHECKPOINT = "decoder-training.pt"


class DecoderRun:
    """Trains ``codec.decoder`` and leaves everything else of the codec alone.

    The codec's folder always holds the moving average of the weights, ready for use; the raw weights, the optimizer
    and the step are in ``decoder-training.pt`` beside it.

    Args:
        codec: a codec with a decoder; folder: where it lives.
        learning_rate: at its height, after ``warmup`` steps; it falls to 0 over the last third of ``steps``.
    """

    def __init__(
        self,
        codec: ModelMixin,
        folder: Path,
        *,
        learning_rate: float,
        steps: int,
        warmup: int = 100,
        ema: float = 0.998,
    ) -> None:
        self.codec, self.folder = codec, folder
        self.decoder: nn.Module = codec.decoder
        self.learning_rate, self.steps, self.warmup = learning_rate, steps, warmup
        self.optimizer = torch.optim.AdamW(
            self.decoder.parameters(), lr=learning_rate, betas=(0.9, 0.99), weight_decay=1e-4, fused=True
        )
        self.ema = ema
        self.average = copy.deepcopy(self.decoder).requires_grad_(False)
        self.step = 0
        self._resume()

    def train(
        self,
        loss: Callable[[int], Tensor],
        *,
        until: int | None = None,
        save_minutes: float = 3.0,
        log_every: int = 50,
    ) -> None:
        """Descend ``loss(step)`` until ``steps`` or ``until`` earlier, saving every few minutes and at the end."""
        last = self.steps if until is None else min(until, self.steps)
        saved = started = time.monotonic()
        running = 0.0
        while self.step < last:
            running += self._descend(loss(self.step))
            if self.step % log_every == 0:
                pace = (time.monotonic() - started) / log_every
                logger.info("step %d of %d: loss %.4f, %.2f s a step", self.step, self.steps, running / log_every, pace)
                running, started = 0.0, time.monotonic()
            if time.monotonic() - saved > 60 * save_minutes:
                self.save()
                saved = time.monotonic()
        self.save()

    def _descend(self, loss: Tensor) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate * self._pace()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.decoder.parameters(), 1.0)
        self.optimizer.step()
        self._update_average()
        self.step += 1
        return float(loss.detach())

    @torch.no_grad()
    def _update_average(self) -> None:
        """A moving average whose memory grows with the run, so that early checkpoints are of use."""
        memory = ema_decay(self.step, self.ema)
        pairs = zip(self.average.parameters(), self.decoder.parameters(), strict=True)
        for average, current in pairs:
            average.lerp_(current, 1 - memory)

    def _pace(self) -> float:
        return min(1.0, (self.step + 1) / self.warmup, (self.steps - self.step) / max(1.0, self.steps / 3))

    def save(self) -> None:
        """Write the averaged codec and the checkpoint; each file appears whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "step": self.step,
            "decoder": self.decoder.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        with tempfile.TemporaryDirectory(dir=self.folder) as draft:
            torch.save(state, Path(draft) / CHECKPOINT)
            raw = {name: value.clone() for name, value in self.decoder.state_dict().items()}
            self.decoder.load_state_dict(self.average.state_dict())
            self.codec.save_pretrained(draft)
            self.decoder.load_state_dict(raw)
            forget_source(Path(draft) / "config.json")
            for file in Path(draft).iterdir():
                os.replace(file, self.folder / file.name)

    def _resume(self) -> None:
        checkpoint = self.folder / CHECKPOINT
        if not checkpoint.exists():
            return
        state = torch.load(checkpoint, weights_only=True, map_location=self.codec.device)
        self.step = state["step"]
        self.decoder.load_state_dict(state["decoder"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        logger.info("going on at step %d", self.step)
