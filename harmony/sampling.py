"""The one denoise loop, for every task, as functions.

Rectified flow: ``z_sigma = (1 - sigma) z_0 + sigma eps``, the model predicts ``v = eps - z_0``, so the clean latents
predicted at any step are ``z_sigma - sigma v``. Sigma falls from 1 to 0; the timestep shown to the model is
``1000 sigma``, and 0 for everything that is given. Latents stay float32 whatever the model computes in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, SchedulerMixin, UniPCMultistepScheduler
from torch import Tensor

from harmony.guidance import GuidanceConfig, Solver, combine, null_weights, rescale, weights_of_each
from harmony.models.conditioning import Conditioning, Streams
from harmony.passes import Anchors, PassInput, VelocityModel, changes_nothing, null_input, run_passes

TRAIN_TIMESTEPS = 1000


class GenerationCancelled(RuntimeError):  # noqa: N818  (an event, not a fault)
    """Raised between two steps when the caller asked to stop."""


@dataclass(frozen=True)
class GivenStreams:
    """Clean latents that are given: shown to the model at t = 0, never updated, returned bit for bit.

    Attributes:
        video: (B, C, T, h, w), the whole picture (video-driven audio).
        audio: (B, C, A), the whole sound (audio-driven video).
        first_video_latent: (B, C, 1, h, w), only the first frame.
    """

    video: Tensor | None = None
    audio: Tensor | None = None
    first_video_latent: Tensor | None = None

    def __post_init__(self) -> None:
        if self.video is not None and self.audio is not None:
            raise ValueError("picture and sound are both given, so nothing is left to make; give one of them")


# Called after each step with the number of steps done, of how many, and a function that gives the clean latents
# predicted at this step.
Callback = Callable[[int, int, Callable[[], Streams]], None]


# -- noise and schedule --------------------------------------------------------------------------


def initial_noise(
    video_shape: Sequence[int],
    audio_shape: Sequence[int],
    *,
    seeds: Sequence[int],
    equal_noise: bool = False,
    device: torch.device | str = "cpu",
) -> Streams:
    """Standard normal noise, one seed per clip, drawn on the CPU so that every device starts alike.

    Each stream has a generator of its own, salted with its name: the length of one stream never changes the noise of
    the other, and the two are independent.

    Args:
        video_shape: (C, T, h, w) of one clip; audio_shape: (C, A) of one clip.
        seeds: one per clip of the batch.
        equal_noise: both generators get the bare seed, as in Ovi (which also lays sound out as (A, C)). Only for
            comparing with Ovi: the streams then start from the same numbers.
    """
    channels, length = audio_shape
    video, audio = [], []
    for seed in seeds:
        video.append(torch.randn(*video_shape, generator=_generator(seed, "" if equal_noise else "video")))
        if equal_noise:
            audio.append(torch.randn(length, channels, generator=_generator(seed, "")).T)
        else:
            audio.append(torch.randn(channels, length, generator=_generator(seed, "audio")))
    return Streams(torch.stack(video).to(device), torch.stack(audio).to(device))


def _generator(seed: int, salt: str) -> torch.Generator:
    if not salt:
        return torch.Generator().manual_seed(seed)
    digest = hashlib.sha256(f"{salt}:{seed}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


def shifted_sigmas(num_steps: int, *, shift: float, start: float = 1.0) -> np.ndarray:
    """(num_steps + 1,) noise levels from ``start`` to 0, ``s u / (1 + (s - 1) u)`` for u evenly spaced.

    ``start=0.999`` gives Ovi's and Wan's own schedule exactly.
    """
    u = np.linspace(start, 0.0, num_steps + 1)
    return shift * u / (1.0 + (shift - 1.0) * u)


_SOLVERS: dict[Solver, tuple[type[SchedulerMixin], dict[str, Any]]] = {
    "euler": (FlowMatchEulerDiscreteScheduler, dict(shift=1.0)),
    # flow_shift=1 with explicit sigmas: the only way to the released Wan schedules, bit for bit.
    "unipc": (UniPCMultistepScheduler, dict(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=1.0)),
}


def make_scheduler(
    solver: Solver,
    sigmas: np.ndarray,
    *,
    like: SchedulerMixin | None = None,
    device: torch.device | str = "cpu",
) -> SchedulerMixin:
    """A fresh diffusers scheduler that walks exactly through ``sigmas``; one per stream, since they keep state.

    ``like`` lends its other options (order, corrector, ...) if it is a scheduler of this solver's class.
    """
    if solver not in _SOLVERS:
        raise ValueError(f"solver must be 'euler' or 'unipc', got '{solver}'")
    kind, needed = _SOLVERS[solver]
    options = dict(like.config) if isinstance(like, kind) else {}
    scheduler = kind.from_config(options | needed | dict(num_train_timesteps=TRAIN_TIMESTEPS))
    scheduler.set_timesteps(sigmas=sigmas[:-1], device=device)
    scheduler.set_begin_index(0)
    return scheduler


def step_nearest(sigmas: np.ndarray, sigma: float = 0.5) -> int:
    """The step whose noise level is nearest to ``sigma``: by default the middle, where attention maps read best."""
    return int(np.abs(sigmas[:-1] - sigma).argmin())


# -- the loop ------------------------------------------------------------------------------------


def denoise(
    model: VelocityModel,
    noise: Streams,
    *,
    conditioning: Conditioning,
    sigmas: np.ndarray,
    guidance: GuidanceConfig | Sequence[GuidanceConfig],
    given: GivenStreams | None = None,
    anchors: Anchors | None = None,
    solver: Solver | None = None,
    scheduler: SchedulerMixin | None = None,
    batch_passes: bool = True,
    frame_rate: float | None = None,
    dtype: torch.dtype = torch.float32,
    callback: Callback | None = None,
    cancel: Callable[[], bool] | None = None,
    recorder: Any | None = None,
    record_steps: Collection[int] = (),
) -> Streams:
    """From noise to clean latents; what is given stays as it is.

    Joint generation, audio-driven video and video-driven audio differ only in ``given``.

    Args:
        model: predicts both velocities.
        noise: (B, C, T, h, w) and (B, C, A); of a given stream only the shape counts.
        conditioning: encoded conditions of the B clips.
        sigmas: (steps + 1,) noise levels, from :func:`shifted_sigmas`.
        guidance: terms, rescale, anchors' text, layers to skip; ``solver`` overrides its solver. A list holds one for
            each clip; they may differ in their terms.
        scheduler: lends its options to the solver, see :func:`make_scheduler`.
        given: frozen streams or a first frame.
        anchors: what SyncCFG's nulls are made of.
        batch_passes: run the passes of a step as one batch, or one after the other with less memory. A static
            anchor that comes from the current prediction lets the joint pass go first either way.
        frame_rate: of the clip, where it is not the model's own.
        dtype: what the model computes in.
        callback: called after each step, see :data:`Callback`.
        cancel: asked before each step; True raises :class:`GenerationCancelled`.
        recorder: attention recorder of the joint pass (clips 0 to B - 1 of each batch) at ``record_steps``.

    Returns:
        float32 latents of both streams.
    """
    given, anchors = given or GivenStreams(), anchors or Anchors()
    guidances = (guidance,) if isinstance(guidance, GuidanceConfig) else tuple(guidance)
    guidance = _shared(guidances, clips=noise.video.shape[0])
    run = _Run(model, conditioning.to(dtype), guidance, guidances, given, anchors, batch_passes, frame_rate, dtype)
    latents = _put_given(Streams(noise.video.float(), noise.audio.float()), given)
    num_steps = len(sigmas) - 1
    device = latents.video.device
    solver = solver or guidance.solver
    schedulers = Streams(*(make_scheduler(solver, sigmas, like=scheduler, device=device) for _ in range(2)))
    for step in range(num_steps):
        if cancel is not None and cancel():
            raise GenerationCancelled(f"stopped after {step} of {num_steps} steps")
        sigma = float(sigmas[step])
        velocity = run.velocity(latents, step, num_steps, sigma, recorder if step in record_steps else None)
        before = latents
        latents = _put_given(_advance(schedulers, velocity, latents, step, given), given)
        if callback is not None:
            callback(step + 1, num_steps, lambda z=before, v=velocity, s=sigma: _clean(z, v, s, given))
    return latents


@dataclass(frozen=True)
class _Run:
    """What stays the same over the steps."""

    model: VelocityModel
    conditioning: Conditioning
    guidance: GuidanceConfig
    guidances: tuple[GuidanceConfig, ...]  # one for all clips, or one for each
    given: GivenStreams
    anchors: Anchors
    batch_passes: bool
    frame_rate: float | None
    dtype: torch.dtype

    def velocity(self, latents: Streams, step: int, num_steps: int, sigma: float, recorder: Any | None) -> Streams:
        """The guided velocity of one step, both streams, float32."""
        made_video, made_audio = self.given.video is None, self.given.audio is None
        when = dict(step=step, num_steps=num_steps, video=made_video, audio=made_audio)
        each = [null_weights(guidance.terms, **when) for guidance in self.guidances]
        weights = each[0] if len(each) == 1 else weights_of_each(each, device=latents.video.device)
        weights = {n: w for n, w in weights.items() if not changes_nothing(n, self.conditioning)}
        results = self._predict(latents, list(weights), sigma, recorder)
        joint = results.pop("joint")
        by_stream = []
        for index, made in enumerate((made_video, made_audio)):
            if not made:
                by_stream.append(joint[index])
                continue
            nulls = {name: result[index] for name, result in results.items()}
            guided = combine(joint[index], nulls, {name: weight[index] for name, weight in weights.items()})
            by_stream.append(self._rescaled(guided, joint[index], latents[index], sigma, video=index == 0))
        return Streams(*by_stream)

    def _predict(self, latents: Streams, nulls: list, sigma: float, recorder: Any | None) -> dict[str, Streams]:
        joint = self._joint_input(latents, sigma)
        settings = dict(batched=self.batch_passes, skip_layers=self.guidance.skip_layers, frame_rate=self.frame_rate)
        passes, results = {"joint": joint}, {}

        def clean_video() -> Tensor:
            return _clean(latents, results["joint"], sigma, self.given).video

        if "static" in nulls and self.anchors.static_needs_prediction:
            results = run_passes(self.model, passes, **settings, recorder=recorder)
            passes, recorder = {}, None
        for null in nulls:
            passes[null] = null_input(null, joint, anchors=self.anchors, config=self.guidance, clean_video=clean_video)
        return results | run_passes(self.model, passes, **settings, recorder=recorder)

    def _joint_input(self, latents: Streams, sigma: float) -> PassInput:
        clips, device = latents.video.shape[0], latents.video.device
        timestep = sigma * TRAIN_TIMESTEPS
        time = torch.full((clips,), float(int(timestep)) if self.guidance.whole_timesteps else timestep, device=device)
        time_video = torch.zeros_like(time) if self.given.video is not None else time
        time_audio = torch.zeros_like(time) if self.given.audio is not None else time
        if self.given.first_video_latent is not None:
            time_video = time_video[:, None].repeat(1, latents.video.shape[2])
            time_video[:, 0] = 0.0
        video, audio = latents.video.to(self.dtype), latents.audio.to(self.dtype)
        return PassInput(video, audio, time_video, time_audio, self.conditioning)

    def _rescaled(self, guided: Tensor, joint: Tensor, latents: Tensor, sigma: float, *, video: bool) -> Tensor:
        """Guidance rescale, in the space of clean predictions; a held first frame takes no part."""
        if self.guidance.rescale == 0.0 or sigma == 0.0 or guided is joint:
            return guided
        held = int(video and self.given.first_video_latent is not None)
        z, g, j = latents[:, :, held:], guided[:, :, held:], joint[:, :, held:]
        clean = rescale(z - sigma * g, z - sigma * j, self.guidance.rescale)
        return torch.cat([guided[:, :, :held], (z - clean) / sigma], dim=2)


def _shared(guidances: tuple[GuidanceConfig, ...], *, clips: int) -> GuidanceConfig:
    """What the guidances of a batch have in common, which is everything but their terms.

    Raises:
        ValueError: if they differ in more, or if there is not one for each clip.
    """
    if len(guidances) not in (1, clips):
        raise ValueError(f"a batch of {clips} clips takes one guidance or {clips}, got {len(guidances)}")
    if len({replace(guidance, terms=()) for guidance in guidances}) > 1:
        raise ValueError("clips that are made together may differ in their guidance's terms only; make these in turn")
    return guidances[0]


def _advance(schedulers: Streams, velocity: Streams, latents: Streams, step: int, given: GivenStreams) -> Streams:
    moved = []
    for scheduler, v, z, frozen in zip(schedulers, velocity, latents, (given.video, given.audio), strict=True):
        if frozen is not None:
            moved.append(z)
            continue
        moved.append(scheduler.step(v, scheduler.timesteps[step], z, return_dict=False)[0])
    return Streams(*moved)


def _put_given(latents: Streams, given: GivenStreams) -> Streams:
    """Set what is given into the latents."""
    video, audio = latents
    if given.video is not None:
        video = _checked(given.video, video, "video")
    elif given.first_video_latent is not None:
        first = _checked(given.first_video_latent, video[:, :, :1], "first frame")
        video = torch.cat([first, video[:, :, 1:]], dim=2)
    if given.audio is not None:
        audio = _checked(given.audio, audio, "audio")
    return Streams(video, audio)


def _checked(given: Tensor, like: Tensor, name: str) -> Tensor:
    if given.shape != like.shape:
        raise ValueError(f"the given {name} has latents of shape {tuple(given.shape)}, the clip {tuple(like.shape)}")
    return given.to(like)


def _clean(latents: Streams, velocity: Streams, sigma: float, given: GivenStreams) -> Streams:
    """The clean latents predicted at noise level ``sigma``: ``z - sigma v``, and what is given as it is."""
    return _put_given(Streams(latents.video - sigma * velocity.video, latents.audio - sigma * velocity.audio), given)
