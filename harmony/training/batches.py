"""From a latent cache to batches: which clips, which tasks, how much noise, which conditions.

Everything in batch number n is drawn from (seed, process, n), or from (seed, n) where all processes do alike, and from
the position in the shuffled clips, which the checkpoint keeps: a training that was stopped goes on with the very batch
that would have come next.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from harmony.data.cache import CachedClip, LatentCache
from harmony.models.conditioning import Streams
from harmony.models.text import CaptionTokenizer
from harmony.training.conditions import ConditionBatch, anchor_shown, choose_shown, collate, cut_voice
from harmony.training.config import DataConfig, TrainingConfig
from harmony.training.losses import draw_sigmas
from harmony.training.tasks import Task, draw_tasks

_FEW_LENGTHS = 16


@dataclass(frozen=True)
class PassPlan:
    """One pass over a batch: tasks (B,), who is given the first frame (B,) or None, and the conditions shown."""

    tasks: Tensor
    first_frame: Tensor | None
    conditions: ConditionBatch

    def map(self, change: Callable[[Tensor], Tensor]) -> PassPlan:
        """Every tensor changed."""
        first_frame = None if self.first_frame is None else change(self.first_frame)
        return PassPlan(change(self.tasks), first_frame, self.conditions.map(change))


@dataclass(frozen=True)
class ClipBatch:
    """Clips and everything that was drawn for them.

    Attributes:
        clean: latents (B, C, T, h, w) and (B, C, A), None for a stream that is left out: float16 as they are kept,
            float32 on the device.
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

    def map(self, change: Callable[[Tensor], Tensor]) -> ClipBatch:
        """Every tensor changed."""
        clean = Streams(*(None if x is None else change(x) for x in self.clean))
        return replace(
            self, clean=clean, sigma=change(self.sigma), passes=tuple(plan.map(change) for plan in self.passes)
        )

    def pin_memory(self) -> ClipBatch:
        """As a ``DataLoader`` asks it of the batches of a CUDA training."""
        return self.map(Tensor.pin_memory)

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


@dataclass(frozen=True)
class ClipDraw:
    """The clips of one batch, drawn but not read yet.

    Attributes:
        number: of the batch.
        clips: where they are.
        position: the sampler's state after this draw.
    """

    number: int
    clips: tuple[CachedClip, ...]
    position: dict[str, Any]


class BatchMaker(Dataset[ClipBatch]):
    """Makes batches out of draws: ``maker[draw]``, in whichever process that is asked.

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

    def draws(self, start: int, *, refresh: Callable[[], None] = lambda: None) -> Iterator[ClipDraw]:
        """Draw after draw, from batch ``start`` on; ``refresh`` is called before each, to look for new clips."""
        for number in itertools.count(start):
            refresh()
            rng = np.random.default_rng([self.config.seed, self.rank, number])
            indices = self.sampler.draw(self.config.run.batch_size, rng)
            yield ClipDraw(number, tuple(self.cache.clips[i] for i in indices), self.sampler.state())

    def stream(self, start: int, *, device: torch.device, refresh: Callable[[], None]) -> Iterator[ClipBatch]:
        """Batch after batch from number ``start`` on, made ahead of their use by ``run.workers`` processes."""
        workers = self.config.run.workers
        loader = DataLoader(
            self,
            batch_size=None,
            sampler=self.draws(start, refresh=refresh),
            num_workers=workers,
            pin_memory=device.type == "cuda",
            prefetch_factor=3 if workers else None,
        )
        return (to_device(batch, device) for batch in loader)

    def __getitem__(self, draw: ClipDraw) -> ClipBatch:
        """The batch of a draw."""
        config, clips, count = self.config, draw.clips, len(draw.clips)
        rng = np.random.default_rng([config.seed, self.rank, draw.number, 1])
        # What makes a whole batch dearer is drawn alike in all processes, for they wait for each other at every step.
        alike = np.random.default_rng([config.seed, draw.number])
        anchors = rng.random(count) < config.tasks.anchor_share
        clean = load_clean(self.cache, clips, anchors=anchors, streams=config.streams)
        if clean.video is not None and config.data.video_latents is not None:
            clean = clean._replace(video=few_latents(clean.video, config.data.video_latents, rng))
        sigma = torch.from_numpy(draw_sigmas(count, config.loss, rng))
        noise_seed = int(rng.integers(2**62))
        tasks = draw_tasks(count, config.tasks, rng)
        if config.streams != "both":
            tasks = [np.zeros(count, dtype=np.int64)]
        gives_frames = config.streams == "both" and alike.random() < config.loss.first_frame_batches
        first_frame = torch.from_numpy(rng.random(count) < config.loss.first_frame_clips)
        plans = tuple(
            PassPlan(
                tasks=torch.from_numpy(drawn),
                first_frame=first_frame if gives_frames else None,
                conditions=conditions,
            )
            for drawn, conditions in zip(tasks, self._conditions(clips, tasks, anchors, rng, alike), strict=True)
        )
        return ClipBatch(clean, sigma, noise_seed, plans, draw.position)

    def _conditions(
        self,
        clips: Sequence[CachedClip],
        tasks: list[np.ndarray],
        anchors: np.ndarray,
        rng: np.random.Generator,
        alike: np.random.Generator,
    ) -> Iterator[ConditionBatch]:
        """The conditions of each pass; whether there are references, and how long, is one draw for the batch."""
        config = self.config.conditions
        timeline = self.cache.info.timeline
        length = 0
        if alike.random() < config.reference_batches:
            length = round(alike.uniform(*config.reference_seconds) * timeline.audio_latent_rate)
            length -= length % self._multiple
        same = config.reference == "same_clip"
        voices = [cut_voice(self.cache, clip, length, rng, same_clip=same) if length else None for clip in clips]
        scenes = [clip.scene for clip in clips]
        for drawn in tasks:
            shown = [
                choose_shown(scene, Task(task), config, rng, reference=voice)
                for scene, task, voice in zip(scenes, drawn.tolist(), voices, strict=True)
            ]
            shown = [anchor_shown(s) if anchor else s for s, anchor in zip(shown, anchors, strict=True)]
            yield collate(shown, self.tokenizer, timeline, reference_latents=length).padded(self._multiple)

    @property
    def _multiple(self) -> int:
        """What divides the lengths of conditions, so that batches have few shapes."""
        return _FEW_LENGTHS if self.config.run.cuda_graphs else 1


def load_clean(
    cache: LatentCache, clips: Sequence[CachedClip], *, anchors: np.ndarray | None = None, streams: str = "both"
) -> Streams:
    """Clean latents of the clips, float16; anchors are replaced by their first frame held still, and silence.

    A stream that is not in ``streams`` ("video", "audio", "both") is None.
    """
    audio = None if streams == "video" else torch.from_numpy(cache.latents("audio", clips))
    pictures = None if streams == "audio" else torch.from_numpy(cache.latents("video", clips))
    if anchors is not None and anchors.any():
        rows = np.flatnonzero(anchors)
        if audio is not None:
            audio[rows] = torch.from_numpy(cache.silence)
        if pictures is not None:
            still = torch.from_numpy(cache.latents("still", [clips[row] for row in rows]))
            pictures[rows, :, 1:] = still[:, :, None]
    return Streams(pictures, audio)


def few_latents(video: Tensor, count: int, rng: np.random.Generator) -> Tensor:
    """The first latent of each clip and others drawn by chance, in their order: (B, C, T, h, w) to (B, C, count, h, w).

    They stand close together then; what they have in common, a scene's place and colours, is as it was.
    """
    size = video.shape[2]
    if count >= size:
        return video
    chosen = [np.sort(rng.permutation(size - 1)[: count - 1]) + 1 for _ in range(len(video))]
    return torch.stack([clip[:, [0, *rows]] for clip, rows in zip(video, chosen, strict=True)])


def to_device(batch: ClipBatch, device: torch.device) -> ClipBatch:
    """The batch's tensors on ``device``, the latents in float32."""
    moved = batch.map(lambda x: x.to(device, non_blocking=True))
    return replace(moved, clean=Streams(*(None if x is None else x.float() for x in moved.clean)))
