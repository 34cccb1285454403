"""What depends on a clip's shape alone: rotations and windows, made once per shape and shared by all layers.

Shape letters: T video latents, h and w token rows and columns, A audio latents, R reference tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from harmony.models.config import HarmonyConfig
from harmony.models.rotary import Rotation, aligned_positions, grid_rotation, latent_midpoints, line_rotation
from harmony.models.windows import Windows, make_windows

CACHED_SHAPES = 16
APPENDED_AT = 150.0  # video latents after the clip's beginning, where an appended reference starts (DreamID-Omni)


@lru_cache(maxsize=CACHED_SHAPES)
def video_rotation(
    config: HarmonyConfig, grid: tuple[int, int, int], device: torch.device, dtype: torch.dtype
) -> Rotation:
    """Rotation of the video's self-attention: (T h w, 1, D)."""
    with torch.inference_mode(False):
        time = torch.arange(grid[0], dtype=torch.float64)
        rotation = grid_rotation(
            time, grid[1], grid[2], head_dim=config.head_dim, theta=config.rope_theta, spatial=True
        )
        return rotation.to(device, dtype, num_heads=config.num_heads_video)


def audio_rotation(config: HarmonyConfig, positions: Tensor, dtype: torch.dtype) -> Rotation:
    """Rotation of audio tokens at ``positions`` (..., S), in audio latents: (..., S, 1, D).

    In ``video`` alignment (Ovi) audio lives on the video's time axis, in self-attention too: scaled, and only the
    part of a head that carries time in a video is turned.
    """
    in_video_units = config.rope_alignment == "video"
    scale = config.audio_rope_scale if in_video_units else 1.0
    rotation = line_rotation(
        positions * scale, head_dim=config.head_dim, theta=config.rope_theta, time_part_only=in_video_units
    )
    return rotation.to(positions.device, dtype, num_heads=config.num_heads_audio)


def appended_positions(config: HarmonyConfig, num_reference: int) -> Tensor:
    """Positions (R,) of an ``appended`` reference, in audio latents: further off than any clip is long."""
    return int(APPENDED_AT / config.audio_rope_scale) + torch.arange(num_reference, dtype=torch.float64)


@lru_cache(maxsize=CACHED_SHAPES)
def target_rotation(config: HarmonyConfig, start: int, stop: int, device: torch.device, dtype: torch.dtype) -> Rotation:
    """Rotation of audio tokens at start, ..., stop - 1; reference tokens have negative positions."""
    with torch.inference_mode(False):
        return audio_rotation(config, torch.arange(start, stop, device=device), dtype)


@lru_cache(maxsize=CACHED_SHAPES)
def appended_rotation(
    config: HarmonyConfig, num_reference: int, num_latents: int, device: torch.device, dtype: torch.dtype
) -> Rotation:
    """Rotation of an ``appended`` reference and of the audio tokens 0, ..., num_latents - 1 behind it."""
    with torch.inference_mode(False):
        targets = torch.arange(num_latents, dtype=torch.float64)
        return audio_rotation(config, torch.cat([appended_positions(config, num_reference), targets]).to(device), dtype)


def forget_shapes() -> None:
    """Empty all tables that were kept by shape. Not while a clip is being made."""
    for table in (video_rotation, target_rotation, appended_rotation, shared_clock, latent_midpoints):
        table.cache_clear()


class RotationPair(NamedTuple):
    """Of video tokens (T h w, 1, D) and audio tokens (A, 1, D)."""

    video: Rotation
    audio: Rotation


@dataclass(frozen=True, eq=False)
class SharedClock:
    """Rotations of the interaction in each direction, its windows (``None`` = global), and the grid (T, h, w).

    ``num_reference`` audio tokens in front are an ``appended`` reference.
    """

    a2v: RotationPair
    v2a: RotationPair
    windows: Windows | None
    grid: tuple[int, int, int]
    num_reference: int = 0


@lru_cache(maxsize=CACHED_SHAPES)
def shared_clock(
    config: HarmonyConfig,
    grid: tuple[int, int, int],
    num_audio: int,
    frame_rate: float,
    device: torch.device,
    dtype: torch.dtype,
    num_reference: int = 0,
) -> SharedClock:
    """Brings T x h x w video tokens and ``num_audio`` audio tokens onto one clock, by the configured alignment.

    ``num_reference`` tokens of an ``appended`` reference stand before the audio tokens.
    """
    num_time, height, width = grid
    per_token = config.patch_size[0]
    midpoints_v, midpoints_a = latent_midpoints(
        num_time * per_token, num_audio,
        frame_rate=frame_rate, temporal_stride=config.temporal_stride, audio_latent_rate=config.audio_latent_rate,
    )  # fmt: skip
    midpoints_v = midpoints_v.unflatten(0, (num_time, per_token)).mean(1)
    unit_v = per_token * config.temporal_stride / frame_rate
    head = dict(head_dim=config.head_dim, theta=config.rope_theta)
    rotations = {}
    with torch.inference_mode(False):
        for direction, heads in (("a2v", config.num_heads_video), ("v2a", config.num_heads_audio)):
            video, audio = aligned_positions(
                config.rope_alignment, direction, (midpoints_v, midpoints_a), seconds_per_video_latent=unit_v,
                seconds_per_audio_latent=1 / config.audio_latent_rate, audio_scale=config.audio_rope_scale,
            )  # fmt: skip
            if num_reference:
                audio = torch.cat([appended_positions(config, num_reference) * config.audio_rope_scale, audio])
            of_video = grid_rotation(video, height, width, spatial=config.interaction_rope == "3d", **head)
            of_audio = line_rotation(audio, time_part_only=True, **head)
            rotations[direction] = RotationPair(
                *(rotation.to(device, dtype, num_heads=heads) for rotation in (of_video, of_audio))
            )
    windows = None
    if config.interaction_window is not None:
        with torch.inference_mode(False):
            both = make_windows(
                midpoints_v / unit_v, midpoints_a / unit_v, config.interaction_window, tokens=height * width
            )
            windows = Windows(*(blocks.to(device, dtype) for blocks in both))
    return SharedClock(windows=windows, grid=grid, num_reference=num_reference, **rotations)
