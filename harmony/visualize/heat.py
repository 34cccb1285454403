"""Attention drawn over the clip it belongs to."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from matplotlib import colormaps
from torch.nn import functional as F

from harmony.timeline import Timeline

_COLD = 60.0  # the percentile that becomes 0: more than half of the picture keeps its own colours
_FADE = 0.6  # how much colour the picture itself loses, so that the map's colours stand out


def overlay_heat(
    frames: np.ndarray,
    heat: np.ndarray,
    *,
    timeline: Timeline | None = None,
    alpha: float = 0.75,
    colormap: str = "inferno",
    normalise: Literal["clip", "frame"] = "clip",
) -> np.ndarray:
    """Draw where attention lies over a moving clip. Where it is cold the picture stays as it is, but paler.

    Shape letters: F frames, T video latents, H, W the picture's size, h, w the map's.

    Args:
        frames: uint8 (F, H, W, 3).
        heat: (T, h, w) or (F, h, w), non-negative; numbers or a tensor on the CPU.
        timeline: tells which latent a frame belongs to; needed where T is not F.
        alpha: how much of the hottest place the colour covers, 0 to 1.
        colormap: matplotlib's name of one.
        normalise: ``clip``: one scale for the whole clip, so that strong moments stand out; ``frame``: a scale for
            each frame, so that even faint attention shows where it lies.

    Returns:
        uint8 (F, H, W, 3).

    Raises:
        ValueError: if the shapes do not fit.
    """
    heat = heat_of_frames(frames, heat, timeline)
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha}")
    if normalise not in ("clip", "frame"):
        raise ValueError(f"normalise must be 'clip' or 'frame', got '{normalise}'")
    heat = _normalised(heat, per_frame=normalise == "frame")
    height, width = frames.shape[1:3]
    # The lowest fifth of these maps is nearly black; it would darken the picture instead of warming it.
    colours = colormaps[colormap](np.linspace(0.25, 1.0, 256))[:, :3].astype(np.float32) * 255
    drawn = np.empty_like(frames)
    for k, frame in enumerate(frames):
        warm = enlarge(heat[k], height, width).clip(0, 1)
        cover = (alpha * warm**0.7)[..., None]
        mixed = (1 - cover) * _pale(frame) + cover * colours[np.rint(warm * 255).astype(int)]
        drawn[k] = mixed.round().clip(0, 255)
    return drawn


def enlarge(heat: np.ndarray, height: int, width: int) -> np.ndarray:
    """A coarse map (h, w) at picture size (H, W), bicubic: its peak may lie between the middles of two cells, which a
    bilinear map's never does. It can overshoot the map's values by a little."""
    cells = torch.as_tensor(np.ascontiguousarray(heat), dtype=torch.float32)[None, None]
    return F.interpolate(cells, (height, width), mode="bicubic", align_corners=False)[0, 0].numpy()


def heat_of_frames(frames: np.ndarray, heat: np.ndarray, timeline: Timeline | None) -> np.ndarray:
    """``heat`` (T, h, w) or (F, h, w) as float32 (F, h, w); raises ``ValueError`` if it does not fit ``frames``."""
    frames, heat = np.asarray(frames), np.asarray(heat, dtype=np.float32)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3:
        raise ValueError(f"frames must be uint8 (F, H, W, 3), got {frames.dtype} {frames.shape}")
    if heat.ndim != 3 or not np.isfinite(heat).all():
        raise ValueError(f"heat must be finite numbers (T, h, w) or (F, h, w), got shape {heat.shape}")
    if len(heat) == len(frames):
        return heat
    if timeline is None or timeline.num_frames != len(frames) or timeline.num_video_latents != len(heat):
        raise ValueError(f"{len(heat)} maps do not fit {len(frames)} frames; hand in the clip's timeline")
    return heat[[timeline.video_latent_of_frame(k) for k in range(len(frames))]]


def _normalised(heat: np.ndarray, *, per_frame: bool) -> np.ndarray:
    """From the cold percentile to the hottest place as [0, 1]; a map without differences shows nothing."""
    axes = (1, 2) if per_frame else None
    cold = np.percentile(heat, _COLD, axis=axes, keepdims=True).astype(np.float32)
    hot = heat.max(axis=axes, keepdims=True)
    span = hot - cold
    flat = span <= 1e-6 * np.abs(hot) + 1e-12
    return np.where(flat, 0, (heat - cold) / np.where(flat, 1, span)).clip(0, 1).astype(np.float32)


def _pale(frame: np.ndarray) -> np.ndarray:
    grey = (frame @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]
    return (1 - _FADE) * frame + _FADE * grey
