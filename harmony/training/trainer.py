"""The training loop: the same on one CPU, one GPU or many, resumable at any step."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object, set_seed

from harmony.data.cache import LatentCache
from harmony.data.home import cache_home
from harmony.data.world import vocabulary
from harmony.models.conditioning import Streams
from harmony.models.text import CaptionTokenizer
from harmony.precision import cpu_has_bfloat16_units, dtype_of, name_of
from harmony.training.batches import BatchMaker, ClipBatch
from harmony.training.checkpoint import (
    CONFIG_NAME,
    LOG_NAME,
    TOKENIZER_FOLDER,
    Progress,
    fill,
    read_part,
    read_progress,
    save_state,
)
from harmony.training.conditions import encode_conditions
from harmony.training.config import TrainingConfig
from harmony.training.curriculum import learning_rate, share_done
from harmony.training.ema import MovingAverage
from harmony.training.journal import Journal, LossMeter, Stopwatch
from harmony.training.losses import add_noise, clip_losses, run_model, total_loss
from harmony.training.step_graph import Losses, StepGraphs
from harmony.training.tasks import stream_weights
from harmony.training.trainee import Trainee, load_tokenizer
from harmony.training.validation import Validation
from harmony.training.warmstart import blend, warm_start
from harmony.training.weights import FlatWeights

_PARTS = ("master", "ema", "exp_avg", "exp_avg_sq")


def run_folder(name: str) -> Path:
    """Where a run keeps its state: ``$HARMONY_CACHE/runs/<name>``."""
    return cache_home() / "runs" / name


def open_cache(names: tuple[str, ...]) -> LatentCache:
    """Caches by name below ``$HARMONY_CACHE/latents``, or by folder."""
    return LatentCache([Path(n) if Path(n).is_dir() else cache_home() / "latents" / n for n in names])


def training_dtype(precision: str, device: torch.device) -> torch.dtype:
    """What the model computes in. ``auto`` goes by the machine's features alone: a measured speed could change from one
    call to the next, and a resumed training would go on in another format."""
    if precision == "auto" and device.type == "cpu":
        precision = "bfloat16" if cpu_has_bfloat16_units() else "float32"
    return dtype_of(precision, device)


class Trainer:
    """One training.

    Args:
        config: what, with what, how long.
        folder: of the run; ``$HARMONY_CACHE/runs/<name>`` if left out. A saved state in it is taken up again.
        report: gets lines for people.

    Attributes:
        model: the trained components; they show the masters, except while the average is validated.
        progress: where the training stands.
    """

    def __init__(
        self, config: TrainingConfig, *, folder: Path | None = None, report: Callable[[str], None] = print
    ) -> None:
        self.config = config
        self.folder = folder or run_folder(config.name)
        if config.run.threads:
            torch.set_num_threads(config.run.threads)
        self.accelerator = Accelerator()
        self.device = self.accelerator.device
        self.report = report if self.accelerator.is_main_process else lambda line: None
        self.dtype = training_dtype(config.run.precision, self.device)
        self.cache = open_cache(config.data.caches)
        self.progress = Progress()
        self._finite = torch.tensor(True, device=self.device)  # looked at when a line is written: looking waits
        self._prepare_folder()
        self._build_model()
        self.batches = BatchMaker(self.cache, self.model.tokenizer, config, rank=self.accelerator.process_index)
        self.meter = LossMeter(self.device)
        self.journal = Journal(self.folder / LOG_NAME if self.accelerator.is_main_process else None)
        self._resume()
        self.validation = None
        if config.data.validation is not None:
            held_out = open_cache((config.data.validation,))
            self.validation = Validation.build(held_out, self.model.tokenizer, config)

    # -- setting up ----------------------------------------------------------------------------------------------------

    def _prepare_folder(self) -> None:
        """The run keeps its configuration and the words it began with."""
        if self.accelerator.is_main_process:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / CONFIG_NAME).write_text(self.config.to_yaml(), encoding="utf-8")
            if not (self.folder / TOKENIZER_FOLDER).is_dir():
                CaptionTokenizer.from_words(vocabulary()).save_pretrained(str(self.folder / TOKENIZER_FOLDER))
        self.accelerator.wait_for_everyone()

    def _build_model(self) -> None:
        set_seed(self.config.seed)
        self.model = Trainee.build(self.config.model, load_tokenizer(self.folder / TOKENIZER_FOLDER))
        if self.config.init_from is not None and read_progress(self.folder) is None:
            self.report(f"starting from '{self.config.init_from}': {warm_start(self.model, self.config.init_from)}")
            if (other := self.config.init_other) is not None:
                share = self.config.init_other_share
                self.report(f"and, for a share of {share:g}, '{other}': {blend(self.model, other, share=share)}")
        self.model.to(self.device).train()
        options = self.config.optimizer
        trained = self.model.trained_names(self.config.streams, only=self.config.train_only)
        self.weights = FlatWeights(self.model, dtype=self.dtype, trained=trained)
        self.optimizer = self.weights.adamw(lr=options.lr, betas=options.betas, weight_decay=options.weight_decay)
        self.average = MovingAverage(self.weights.masters, highest=options.ema_decay)
        graphs = self.config.run.cuda_graphs and self.device.type == "cuda"
        self.backward = StepGraphs(self._backward, self.weights.grads) if graphs else self._backward

    def _resume(self) -> None:
        progress = read_progress(self.folder)
        if progress is None:
            return
        moments = self.weights.moments(self.optimizer)
        flats = dict(zip(_PARTS, (self.weights.masters, self.average.average, *moments.values()), strict=True))
        for part, flat in flats.items():
            fill(self.weights.named(flat), read_part(self.folder, part), where=self.folder)
        self.weights.load_moments(self.optimizer, moments, progress.step)
        self.weights.publish()
        rank = self.accelerator.process_index
        if rank < len(progress.positions):
            self.batches.sampler.load_state(progress.positions[rank])
        self.progress = progress
        self.report(f"going on from step {progress.step}")

    @property
    def is_done(self) -> bool:
        return self._done >= 1.0

    @property
    def learning_rate(self) -> float:
        """Of the next step."""
        return learning_rate(self.progress.step, self.config.optimizer, done=self._done)

    @property
    def _done(self) -> float:
        return share_done(self.progress.step, self.progress.minutes, self.config.run)

    # -- the loop ------------------------------------------------------------------------------------------------------

    def train(self, *, stop: threading.Event | None = None) -> Progress:
        """Train until the steps are done, the time is over, or ``stop`` is set; then save."""
        run = self.config.run
        began, minutes_before = time.monotonic(), self.progress.minutes
        self.report(f"training '{self.config.name}' on {self.device} in {name_of(self.dtype)}, {len(self.cache)} clips")
        clock = Stopwatch(began)
        refresh = partial(self._refresh, Stopwatch(began))
        stream = self.batches.stream(self.progress.batches, device=self.device, refresh=refresh)
        while not self.is_done and not self._should_stop(began, stop):
            norm = self._step(list(islice(stream, run.accumulate)))
            minutes = self._agreed(minutes_before + (time.monotonic() - began) / 60)
            self.progress = replace(self.progress, minutes=minutes)
            if self.progress.step % run.log_steps == 0 or self.is_done:
                self._log(norm, clock)
            if clock.is_due("validate", run.validate_minutes):
                self.validate()
            if clock.is_due("save", run.save_minutes):
                self.save()
        self.validate()
        self.save()
        return self.progress

    def _refresh(self, clock: Stopwatch) -> None:
        """Take in new clips every few minutes."""
        if clock.is_due("refresh", self.config.data.refresh_minutes) and (new := self.cache.refresh()):
            self.report(f"{new} new clips, now {len(self.cache)}")

    def _should_stop(self, began: float, stop: threading.Event | None) -> bool:
        limit = self.config.run.max_minutes
        over = limit is not None and (time.monotonic() - began) / 60 >= limit
        return self._agreed(float(over or (stop is not None and stop.is_set()))) > 0

    def _agreed(self, value: float) -> float:
        """The mean over all processes, which must decide alike."""
        if self.accelerator.num_processes == 1:
            return value
        return self.accelerator.reduce(torch.tensor(value, device=self.device), reduction="mean").item()

    def _step(self, batches: list[ClipBatch]) -> torch.Tensor:
        """One optimizer step over the batches; returns the gradient norm."""
        self.weights.zero_grads()
        for batch in batches:
            for tasks, losses in self.backward(batch, batch.noise(self.device)):
                self.meter.add(tasks, losses)
        many = self.accelerator.num_processes > 1
        norm = self.weights.clip_grads(
            self.config.optimizer.grad_clip,
            reduce=(lambda g: self.accelerator.reduce(g, reduction="mean")) if many else None,
        )
        self._finite &= torch.isfinite(norm)
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate
        self.optimizer.step()
        self.weights.publish()
        self.average.update(self.weights.masters, step=self.progress.step)
        clips = self.config.run.batch_size * len(batches) * self.accelerator.num_processes
        self.progress = replace(
            self.progress,
            step=self.progress.step + 1,
            samples=self.progress.samples + clips,
            batches=self.progress.batches + len(batches),
            positions=(batches[-1].position,),
        )
        return norm

    def _backward(self, batch: ClipBatch, noise: Streams) -> Losses:
        """Losses and gradients of one batch: one pass when tasks are sampled, three when literal."""
        found: Losses = []
        for plan in batch.passes:
            clips = add_noise(
                batch.clean,
                noise,
                sigma=batch.sigma,
                tasks=plan.tasks,
                first_frame=plan.first_frame,
                motion_weight=self.config.loss.motion_weight,
            )
            conditioning = encode_conditions(
                plan.conditions,
                self.model.text_encoder,
                self.model.transcript_encoder,
                dtype=self.dtype,
                streams=self.config.streams,
            )
            losses = clip_losses(run_model(self.model.transformer, clips, conditioning, dtype=self.dtype), clips)
            weights = stream_weights(plan.tasks, self.config.tasks)
            if self.config.streams != "both":
                weights = Streams(*(torch.ones_like(x) for x in losses))
            (total_loss(losses, weights) / self.config.run.accumulate).backward()
            found.append((plan.tasks, Streams(*(x.detach() for x in losses))))
        return found

    # -- writing down --------------------------------------------------------------------------------------------------

    def _check_finite(self) -> None:
        if not self._finite:
            raise FloatingPointError(
                f"a gradient before step {self.progress.step} was not finite; resume with a lower optimizer.lr"
            )

    def _log(self, norm: torch.Tensor, clock: Stopwatch) -> None:
        self._check_finite()
        lr = self.learning_rate
        losses = self.meter.read()
        rate = clock.samples_per_second(self.progress.samples)
        self.journal.write(
            step=self.progress.step,
            samples=self.progress.samples,
            minutes=round(self.progress.minutes, 2),
            losses=losses,
            lr=lr,
            grad_norm=round(float(norm), 4),
            samples_per_second=rate,
        )
        told = " ".join(f"{name} {value:.4f}" for name, value in losses.items())
        self.report(f"step {self.progress.step}: {told} lr {lr:.2e} {rate:.1f}/s")

    def validate(self) -> dict[str, float]:
        """Losses of the averaged weights on the held-out clips, written to the log."""
        if self.validation is None or not self.accelerator.is_main_process:
            return {}
        with self.weights.showing(self.average.average):
            found = self.validation.measure(self.model, dtype=self.dtype, device=self.device)
        self.journal.write(step=self.progress.step, samples=self.progress.samples, validation=found)
        told = " ".join(f"{name} {value:.4f}" for name, value in found.items() if "@" not in name and "/" not in name)
        self.report(f"validation at step {self.progress.step}: {told}")
        return found

    def save(self) -> None:
        """Write the whole state; every process takes part, the first one writes."""
        self._check_finite()
        if self.accelerator.num_processes > 1 and self.progress.positions:
            self.progress = replace(self.progress, positions=tuple(gather_object([self.progress.positions[-1]])))
        if not self.accelerator.is_main_process:
            return
        moments = self.weights.moments(self.optimizer)
        flats = dict(zip(_PARTS, (self.weights.masters, self.average.average, *moments.values()), strict=True))
        save_state(self.folder, {part: self.weights.named(flat) for part, flat in flats.items()}, self.progress)


def start_over(folder: Path) -> None:
    """Forget a run: its folder is removed."""
    if folder.is_dir():
        shutil.rmtree(folder)
