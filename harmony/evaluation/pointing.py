"""Does attention point at what sounds? The peak of a heat map inside the true source mask, against a centre guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F


@dataclass(frozen=True)
class Pointing:
    """One event: whether the map's peak, and whether the picture's centre, lies on the true source."""

    hit: bool
    centre_hit: bool


def enlarge(heat: NDArray, height: int, width: int) -> NDArray:
    """A coarse map (h, w) drawn bilinearly at picture size (H, W)."""
    grid = torch.as_tensor(np.ascontiguousarray(heat), dtype=torch.float32)[None, None]
    return F.interpolate(grid, (height, width), mode="bilinear", align_corners=False)[0, 0].numpy()


def point(heat: NDArray, mask: NDArray) -> Pointing | None:
    """Judge one event by its map (h, w) and the true source mask (H, W); ``None`` where the source is out of sight."""
    if not mask.any():
        return None
    height, width = mask.shape
    big = enlarge(heat, height, width)
    # Towards the picture's edge the enlarged map is flat: the middle of the highest plateau is its peak.
    plateau = np.argwhere(big >= big.max() - 1e-4 * (big.max() - big.min() + 1e-12))
    peak = tuple(np.round(plateau.mean(0)).astype(int))
    return Pointing(bool(mask[peak]), bool(mask[height // 2, width // 2]))


def louder_side(heat: NDArray, masks: Sequence[NDArray]) -> int:
    """Which of several sources the map favours: the one with the highest mean heat inside its mask."""
    height, width = masks[0].shape
    big = enlarge(heat, height, width)
    return int(np.argmax([big[mask].mean() if mask.any() else -np.inf for mask in masks]))
