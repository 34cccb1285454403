"""Several clips at a time through the one denoise loop: an evaluation's thousand, or one clip under several guidances.

Every clip is encoded and decoded by the functions that the pipeline uses for its one clip, starts from its own noise,
and comes out as :class:`~harmony.pipeline.HarmonyPipeline` makes it alone, up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from itertools import repeat
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from harmony.abilities import cautions
from harmony.conditions import Conditions
from harmony.encoding import (
    EncodedCaptions,
    decode_tracks,
    encode_conditions,
    encode_given,
    grey_latents,
    make_anchors,
)
from harmony.generation import Generation, GenerationRequest
from harmony.guidance import GuidanceConfig
from harmony.models.conditioning import Conditioning, Streams
from harmony.models.recorder import AttentionRecorder
from harmony.passes import Anchors
from harmony.pipeline import HarmonyPipeline
from harmony.prompts import told
from harmony.sampling import GenerationCancelled, GivenStreams, denoise, initial_noise, shifted_sigmas, step_nearest
from harmony.timeline import Timeline

Wish = Mapping[str, Any]  # what the pipeline would be called with: ``prompt``, ``audio``, ..., and ``seed``


@torch.no_grad()
def generate_batch(
    pipe: HarmonyPipeline,
    wishes: Sequence[Wish],
    *,
    guidance: GuidanceConfig | Sequence[GuidanceConfig] | None = None,
    num_frames: int | None = None,
    captions: EncodedCaptions | None = None,
    recorder: AttentionRecorder | None = None,
    callback: Callable[[int, int], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> list[Generation]:
    """Make one clip for each wish, all of one length and of the model's own size.

    Args:
        pipe: the model.
        wishes: conditions and seed of each clip; all of one task, and either all or none with a first frame.
        guidance: in place of the checkpoint's; a list holds one for each wish, see :func:`~harmony.sampling.denoise`.
        num_frames: in place of the checkpoint's.
        captions: of wishes that all have the same texts, encoded before.
        recorder: is shown the step nearest to half noise.
        callback: called after every step with the steps done, and of how many.
        cancel: asked before each step.

    Raises:
        ValueError: if the wishes are of different tasks, or one does not fit the model's length.
        GenerationCancelled: if ``cancel`` said so.
    """
    timeline = pipe.timeline
    guidances = [guidance or pipe.guidance] if not isinstance(guidance, Sequence) else list(guidance)
    guidances = guidances * len(wishes) if len(guidances) == 1 else guidances
    settings = guidances[0]
    if num_frames is not None:
        timeline = timeline.with_num_frames(num_frames)
    conditions = [Conditions.of(**{k: v for k, v in wish.items() if k != "seed"}) for wish in wishes]
    for one in conditions:
        one.clock(timeline, num_frames=timeline.num_frames, max_num_frames=pipe.config.max_num_frames)
    seeds = [wish["seed"] for wish in wishes]
    requests = [_request(pipe, *row) for row in zip(conditions, repeat(timeline), guidances, seeds, strict=False)]
    models = dict(tokenizer=pipe.tokenizer, text_encoder=pipe.text_encoder, transcript_encoder=pipe.transcript_encoder)
    codecs = dict(video_codec=pipe.video_codec, audio_codec=pipe.audio_codec)
    size, device = dict(height=pipe.config.height, width=pipe.config.width), pipe._execution_device
    speaking = dict(audio_codec=pipe.audio_codec, captions=captions, device=device)
    encoded = [
        encode_conditions(told(one, pipe.prompt_family), timeline, **models, **speaking, seed=seed)
        for one, seed in zip(conditions, seeds, strict=True)
    ]
    given = [encode_given(one, timeline, **codecs, **size, device=device) for one in conditions]
    given, first_frame = _stack_given(given)
    no_text = stack_conditioning([one.no_text or Conditioning() for one in encoded])
    anchors = _anchors(pipe, timeline, settings, first_frame, no_text)
    sigmas = shifted_sigmas(settings.num_inference_steps, shift=settings.shift, start=settings.sigma_max)
    latents = denoise(
        pipe.transformer,
        _noise(pipe, timeline, seeds),
        conditioning=stack_conditioning([one.conditioning for one in encoded]),
        sigmas=sigmas,
        guidance=guidances if len(set(guidances)) > 1 else settings,
        given=given,
        anchors=anchors,
        scheduler=pipe.scheduler,
        batch_passes=pipe.batch_passes,
        dtype=pipe.transformer.dtype,
        callback=None if callback is None else lambda step, total, _: callback(step, total),
        cancel=cancel,
        recorder=recorder,
        record_steps={step_nearest(sigmas)},
    )
    if cancel is not None and cancel():
        raise GenerationCancelled("stopped before the clips were decoded")
    rows = zip(conditions, requests, encoded, *(stream.split(1) for stream in latents), strict=True)
    return [
        Generation(
            **decode_tracks(Streams(video, audio), one, timeline, **codecs),
            seed=request.seed,
            request=request,
            schedule=encoding.schedule,
            cautions=cautions(one, request.guidance, pipe.config.trained_for),
        )
        for one, request, encoding, video, audio in rows
    ]


def stack_conditioning(items: Sequence[Conditioning]) -> Conditioning:
    """Join clips of B = 1 along B: shorter texts and voices are padded under their masks, missing ones masked out."""
    joined: dict[str, Tensor | None] = {}
    for name in (field.name for field in fields(Conditioning)):
        values = [getattr(item, name) for item in items]
        known = [value for value in values if value is not None]
        if not known:
            joined[name] = None
            continue
        axis = 2 if name == "reference" else 1
        length = max(value.shape[axis] for value in known)
        blank = torch.zeros_like(known[0]).narrow(axis, 0, 0)
        rows = (blank if value is None else value for value in values)
        joined[name] = torch.cat([_padded(row, axis, length) for row in rows])
    return Conditioning(**joined)


def _padded(value: Tensor, axis: int, length: int) -> Tensor:
    missing = [0, 0] * (value.dim() - 1 - axis) + [0, length - value.shape[axis]]
    return F.pad(value, missing)


def _request(
    pipe: HarmonyPipeline, conditions: Conditions, timeline: Timeline, guidance: GuidanceConfig, seed: int
) -> GenerationRequest:
    """What the clip's file says of how it was made; the pipeline makes the same clip from it, up to rounding."""
    return GenerationRequest.of(
        conditions,
        model=pipe.model_id,
        license=pipe.config.license,
        guidance=guidance,
        seed=seed,
        num_frames=timeline.num_frames,
        height=pipe.config.height,
        width=pipe.config.width,
        precision=pipe.precision,
        batch_passes=pipe.batch_passes,
    )


def _stack_given(items: Sequence[tuple[GivenStreams, Tensor | None]]) -> tuple[GivenStreams, Tensor | None]:
    streams, first_frames = zip(*items, strict=True)

    def stack(values: list[Tensor | None]) -> Tensor | None:
        if all(value is None for value in values):
            return None
        if any(value is None for value in values):
            raise ValueError("clips that are made together must all be of one task; sort them by what is given")
        return torch.cat(values)

    names = (field.name for field in fields(GivenStreams))
    given = GivenStreams(**{name: stack([getattr(one, name) for one in streams]) for name in names})
    return given, stack(list(first_frames))


def _anchors(
    pipe: HarmonyPipeline,
    timeline: Timeline,
    guidance: GuidanceConfig,
    first_frame: Tensor | None,
    no_text: Conditioning,
) -> Anchors:
    grey = None
    if guidance.static_anchor == "grey" and first_frame is None:
        size = dict(height=pipe.config.height, width=pipe.config.width)
        latents = timeline.num_video_latents
        grey = grey_latents(pipe.video_codec, latents, **size, device=pipe._execution_device)
    codecs = dict(video_codec=pipe.video_codec, audio_codec=pipe.audio_codec)
    return make_anchors(first_frame, timeline, **codecs, no_text=no_text, grey=grey)


def _noise(pipe: HarmonyPipeline, timeline: Timeline, seeds: Sequence[int]) -> Streams:
    stride = pipe.video_codec.spatial_stride
    grid = (timeline.num_video_latents, pipe.config.height // stride, pipe.config.width // stride)
    return initial_noise(
        (pipe.video_codec.latent_channels, *grid),
        (pipe.audio_codec.latent_channels, timeline.num_audio_latents),
        seeds=seeds,
        device=pipe._execution_device,
    )
