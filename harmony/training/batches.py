"""From a latent cache to batches: which clips, which tasks, how much noise, which conditions.

Everything in batch number n is drawn from (seed, process, n) and from the position in the shuffled clips, which the
checkpoint keeps: a training that was stopped goes on with the very batch that would have come next.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harmony.data.cache import LatentCache
from harmony.models.conditioning import Streams
from harmony.models.text import CaptionTokenizer
from harmony.training.conditions import ConditionBatch, anchor_shown, choose_shown, collate, cut_voice
from harmony.training.config import DataConfig, TrainingConfig
from harmony.training.losses import draw_sigmas
from harmony.training.tasks import Task, draw_tasks


@dataclass(frozen=True)
class PassPlan:
    """One pass over a batch: tasks (B,), who is given the first frame (B,) or None, and the conditions shown."""

    tasks: Tensor
    first_frame: Tensor | None
    conditions: ConditionBatch


@dataclass(frozen=True)
class ClipBatch:
    """Clips and everything that was drawn for them.

    Attributes:
        clean: latents (B, C, T, h, w), or None where sound is trained alone, and (B, C, A), float32.
        sigma: (B,) noise levels, shared by all passes.
        noise_seed: of the Gaussian noise, shared by all passes.
        passes: one, or three for the literal loss.
        position: the sampler's state after this batch.
    """

    clean: Streams
    sigma: Tensor
    noise_seed: int
    passes: tuple[PassPlan, ...]
    position: dict[str, Any]

    def noise(self, device: torch.device) -> Streams:
        """Unit Gaussian noise in the latents' shapes."""
        generator = torch.Generator(device).manual_seed(self.noise_seed)
        return Streams(
            *(None if x is None else torch.randn(x.shape, generator=generator, device=device) for x in self.clean)
        )


def usable_clips(cache: LatentCache, config: DataConfig, group: str) -> list[int]:
    """Indices of a group's clips, without the kinds that are left out; none where the mix leaves out the group."""
    if not config.mix.get(group):
        return []
    clips = cache.groups.get(group, [])
    if not config.exclude_kinds:
        return clips
    return [i for i in clips if cache.clips[i].kind not in config.exclude_kinds]


class ClipSampler:
    """Walks through the clips of each group in shuffled epochs; the groups' shares are ``mix``.

    Clips that appear during an epoch come in with the next one.
    """

    def __init__(self, cache: LatentCache, config: DataConfig, *, seed: int) -> None:
        self.cache, self.config, self.seed = cache, config, seed
        self._walks: dict[str, dict[str, int]] = {}
        self._orders: dict[str, np.ndarray] = {}

    def draw(self, count: int, rng: np.random.Generator) -> list[int]:
        """Indices of ``count`` clips; each group's share is as even as chance allows."""
        shares = {g: s for g, s in self.config.mix.items() if usable_clips(self.cache, self.config, g)}
        if not shares:
            raise ValueError("the latent caches hold no clips of the groups in data.mix; fill them first")
        edges = np.cumsum(list(shares.values())) / sum(shares.values())
        points = (np.arange(count) + rng.random()) / count
        groups = [list(shares)[i] for i in rng.permutation(np.searchsorted(edges[:-1], points, side="right"))]
        return [self._next(group) for group in groups]

    def state(self) -> dict[str, Any]:
        """Where each group's walk is; JSON-serialisable."""
        return {group: dict(walk) for group, walk in self._walks.items()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from a saved walk; a group that has fewer clips than then begins its next epoch."""
        self._walks = {group: dict(walk) for group, walk in state.items()}
        self._orders = {}
        for group, walk in self._walks.items():
            if len(usable_clips(self.cache, self.config, group)) < walk["size"]:
                walk["position"] = walk["size"]

    def _next(self, group: str) -> int:
        walk = self._walks.setdefault(group, {"epoch": -1, "position": 0, "size": 0})
        if walk["position"] >= walk["size"]:
            walk.update(epoch=walk["epoch"] + 1, position=0, size=len(usable_clips(self.cache, self.config, group)))
            self._orders.pop(group, None)
        if group not in self._orders:
            rng = np.random.default_rng([self.seed, walk["epoch"], *group.encode()])
            clips = np.asarray(usable_clips(self.cache, self.config, group)[: walk["size"]])
            self._orders[group] = clips[rng.permutation(walk["size"])]
        walk["position"] += 1
        return int(self._orders[group][walk["position"] - 1])


class BatchMaker:
    """Makes batch after batch.

    Args:
        cache: of the clips.
        tokenizer: of the captions.
        config: the whole training's.
        rank: of this process; each one sees other clips.
    """

    def __init__(
        self, cache: LatentCache, tokenizer: CaptionTokenizer, config: TrainingConfig, *, rank: int = 0
    ) -> None:
        self.cache, self.tokenizer, self.config, self.rank = cache, tokenizer, config, rank
        self.sampler = ClipSampler(cache, config.data, seed=config.seed + 7919 * rank)

    def make(self, number: int) -> ClipBatch:
        """Batch ``number`` of this training."""
        config = self.config
        rng = np.random.default_rng([config.seed, self.rank, number])
        indices = self.sampler.draw(config.run.batch_size, rng)
        anchors = rng.random(len(indices)) < config.tasks.anchor_share
        clean = load_clean(self.cache, indices, anchors=anchors, video=config.streams == "both")
        sigma = torch.from_numpy(draw_sigmas(len(indices), config.loss, rng))
        noise_seed = int(rng.integers(2**62))
        tasks = draw_tasks(len(indices), config.tasks, rng)
        if config.streams == "audio":
            tasks = [np.zeros(len(indices), dtype=np.int64)]
        gives_frames = config.streams == "both" and rng.random() < config.loss.first_frame_batches
        first_frame = torch.from_numpy(rng.random(len(indices)) < config.loss.first_frame_clips)
        plans = tuple(
            PassPlan(
                tasks=torch.from_numpy(drawn),
                first_frame=first_frame if gives_frames else None,
                conditions=conditions,
            )
            for drawn, conditions in zip(tasks, self._conditions(indices, tasks, anchors, rng), strict=True)
        )
        return ClipBatch(clean, sigma, noise_seed, plans, self.sampler.state())

    def _conditions(
        self, indices: list[int], tasks: list[np.ndarray], anchors: np.ndarray, rng: np.random.Generator
    ) -> Iterator[ConditionBatch]:
        """The conditions of each pass; whether there are references, and how long, is one draw for the batch."""
        config = self.config.conditions
        timeline = self.cache.info.timeline
        length = 0
        if rng.random() < config.reference_batches:
            length = round(rng.uniform(*config.reference_seconds) * timeline.audio_latent_rate)
        same = config.reference == "same_clip"
        voices = [cut_voice(self.cache, i, length, rng, same_clip=same) if length else None for i in indices]
        scenes = [self.cache.clips[i].scene for i in indices]
        for drawn in tasks:
            shown = [
                choose_shown(scene, Task(task), config, rng, reference=voice)
                for scene, task, voice in zip(scenes, drawn.tolist(), voices, strict=True)
            ]
            shown = [anchor_shown(s) if anchor else s for s, anchor in zip(shown, anchors, strict=True)]
            yield collate(shown, self.tokenizer, timeline, reference_latents=length)


def load_clean(
    cache: LatentCache, indices: list[int], *, anchors: np.ndarray | None = None, video: bool = True
) -> Streams:
    """Clean latents of the clips; anchors are replaced by their first frame held still, and silence."""
    audio = torch.from_numpy(cache.latents("audio", indices)).float()
    pictures = torch.from_numpy(cache.latents("video", indices)).float() if video else None
    if anchors is not None and anchors.any():
        rows = np.flatnonzero(anchors)
        audio[rows] = torch.from_numpy(cache.silence).float()
        if pictures is not None:
            still = torch.from_numpy(cache.latents("still", [indices[row] for row in rows])).float()
            pictures[rows, :, 1:] = still[:, :, None]
    return Streams(pictures, audio)


def to_device(batch: ClipBatch, device: torch.device) -> ClipBatch:
    """The batch's tensors on ``device``."""
    clean = Streams(*(None if x is None else x.to(device, non_blocking=True) for x in batch.clean))
    passes = tuple(
        PassPlan(
            tasks=plan.tasks.to(device),
            first_frame=None if plan.first_frame is None else plan.first_frame.to(device),
            conditions=plan.conditions.to(device),
        )
        for plan in batch.passes
    )
    return replace(batch, clean=clean, sigma=batch.sigma.to(device), passes=passes)


class Prefetcher:
    """Makes batches in a background thread, a few ahead of their use. Use as a context manager.

    Args:
        make: gives the batch of a number.
        start: the first number.
        ahead: how many wait at most.
    """

    def __init__(self, make: Callable[[int], ClipBatch], start: int, *, ahead: int = 2) -> None:
        self._make, self._next = make, start
        self._ready: queue.Queue[ClipBatch | BaseException] = queue.Queue(maxsize=ahead)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name="batches")

    def __enter__(self) -> Prefetcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def get(self) -> ClipBatch:
        """The next batch; an error in the making is raised here."""
        item = self._ready.get()
        if isinstance(item, BaseException):
            raise item
        return item

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                item: ClipBatch | BaseException = self._make(self._next)
            except Exception as error:
                item = error
            self._next += 1
            while not self._stop.is_set():
                try:
                    self._ready.put(item, timeout=0.2)
                    break
                except queue.Full:
                    continue
            if isinstance(item, BaseException):
                return
