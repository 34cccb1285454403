"""What a forward pass, a text encoder and a codec need while they work: their own code, run on fake tensors.

Shape letters: T video latents, h and w latent height and width, A audio latents.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from transformers import UMT5Config, UMT5EncoderModel

from harmony.encoding import UMT5_LENGTH
from harmony.memory.track import Cost, Rehearsal, cost_of
from harmony.models.conditioning import Conditioning
from harmony.models.config import HarmonyConfig
from harmony.models.geometry import forget_shapes
from harmony.models.rotary import latent_midpoints
from harmony.models.transformer import HarmonyTransformer
from harmony.precision import cast

TEXTS = 4  # captions of one request: two, and two negative ones


@lru_cache(maxsize=32)
def layers_cost(
    config: HarmonyConfig, grid: tuple[int, int, int], num_audio: int, clips: int, dtype: torch.dtype
) -> Cost:
    """A forward pass of a model of ``config`` on fake tensors. Tables of positions are made before, not counted."""
    t, h, w = grid
    forget_shapes()
    latent_midpoints(
        t, num_audio, frame_rate=config.frame_rate, temporal_stride=config.temporal_stride,
        audio_latent_rate=config.audio_latent_rate,
    )  # fmt: skip
    # Windows are counted from numbers, which fake tensors have not; global attention stands in for them.
    config = replace(config, interaction_window=None)
    try:
        with _transformer(config, dtype).stage() as model:
            video = torch.empty(clips, config.in_channels_video, t, h, w, dtype=dtype)
            audio = torch.empty(clips, config.in_channels_audio, num_audio, dtype=dtype)
            text = torch.empty(clips, UMT5_LENGTH, config.text_dim, dtype=dtype)
            time = torch.zeros(clips)
            told = Conditioning(video_caption=text, audio_caption=text)
            return cost_of(lambda: model(video, audio, timestep_video=time, timestep_audio=time, conditioning=told))
    finally:
        forget_shapes()


@lru_cache(maxsize=8)
def _transformer(config: HarmonyConfig, dtype: torch.dtype) -> Rehearsal:
    return Rehearsal(lambda: _cast(HarmonyTransformer.from_harmony_config(config), dtype))


def rehearsed(codec: nn.Module) -> Rehearsal:
    """A codec of the same options, without its memory."""
    options = {name: value for name, value in codec.config.items() if not name.startswith("_")}
    return Rehearsal(lambda: type(codec)(**options))


def codec_cost(codec: Rehearsal, way: str, shape: tuple[int, ...]) -> Cost:
    """``decode`` latents or ``encode`` pictures of a shape, in float32."""
    with codec.stage() as working:
        given = torch.empty(shape)
        return cost_of(lambda: getattr(working, way)(given), warm_up=False)


def text_cost(config: UMT5Config, layers: int, dtype: torch.dtype) -> Cost:
    """A request's captions through umT5 with ``layers`` layers."""
    settings = config.to_dict() | dict(num_layers=layers)
    rehearsal = Rehearsal(lambda: _cast(UMT5EncoderModel(UMT5Config.from_dict(settings)), dtype))
    with rehearsal.stage() as model:
        ids = torch.zeros(TEXTS, UMT5_LENGTH, dtype=torch.long)
        mask: Tensor = torch.ones_like(ids)
        return cost_of(lambda: model(ids, attention_mask=mask), warm_up=False)


def _cast(model: Any, dtype: torch.dtype) -> Any:
    cast(model, dtype)
    return model
