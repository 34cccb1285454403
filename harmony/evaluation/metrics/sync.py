"""Sync-C, Sync-D and offset as SyncNet defines them: how far apart picture and sound are at every shift.

Chung and Zisserman, "Out of time: automated lip sync in the wild" (2016): embed a window of picture and a window of
sound around every frame, compare each picture window with the sound windows ``k`` frames later, and take the mean over
the clip. The distance at the best shift is Sync-D, its lead over the median of all shifts is Sync-C, and the best shift
is the offset. The same definition serves our own network and the published one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class SyncScore:
    """One clip's.

    Attributes:
        confidence: Sync-C, higher is better.
        distance: Sync-D, lower is better.
        offset: in frames; positive where the sound comes late.
    """

    confidence: float
    distance: float
    offset: int


def shift_distances(picture_btd: Tensor, sound_btd: Tensor, *, max_shift: int, zero_pad: bool = False) -> Tensor:
    """Mean distance between the picture and the sound ``k`` frames later, for k = -max_shift..max_shift.

    Args:
        picture_btd, sound_btd: (B, T, D) embeddings of the windows around the same frames.
        max_shift: in frames.
        zero_pad: compare what has no partner with zeros, as the published script does; otherwise only windows that
            have a partner count. Zeros are near to everything that is small, so they blur short clips.

    Returns:
        (B, 2 * max_shift + 1).

    Raises:
        ValueError: if the clip has too few windows for ``max_shift``.
    """
    length = picture_btd.shape[1]
    if length <= max_shift:
        raise ValueError(f"{length} windows are too few to try shifts of {max_shift} frames; give a longer clip")
    padded = F.pad(sound_btd, (0, 0, max_shift, max_shift))
    found = []
    for index, shift in enumerate(range(-max_shift, max_shift + 1)):
        distance = (picture_btd - padded[:, index : index + length]).norm(dim=-1)
        has_partner = distance if zero_pad else distance[:, max(0, -shift) : length - max(0, shift)]
        found.append(has_partner.mean(1))
    return torch.stack(found, dim=1)


def sync_scores(distances: Tensor) -> list[SyncScore]:
    """Scores of each clip from its :func:`shift_distances` (B, 2 * max_shift + 1)."""
    lowest, best = distances.min(1)
    # As torch.median of an odd number of shifts: one of them, no mean of two.
    confidence = distances.median(1).values - lowest
    middle = distances.shape[1] // 2
    return [SyncScore(float(c), float(d), int(k) - middle) for c, d, k in zip(confidence, lowest, best, strict=True)]
