"""Local windows: which audio latents a video latent sees, as indices to gather.

A video latent i and an audio latent j see each other when |m_a(j) - m_v(i)| <= w + 1/2, with m their physical midpoints
in units of video latents. Windows are cut off at the ends; where a window would be empty (audio coarser than the
window), the nearest neighbour is seen.

Shape letters: T video latents, A audio latents, W audio latents in the widest window, U video latents in the widest
window of a group, G audio latents in the largest group.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Windows:
    """What to gather for local attention. Rows are as short as the widest window; masks blank what is too much.

    Attributes:
        audio_index: (T, W) audio latents that each video latent sees; audio_mask: (T, W).
        group_index: (T, G) audio latents nearest to each video latent: they share one gathered window.
        group_slot: (A,) where each audio latent stands in the flattened (T * G) groups.
        video_index: (T, U) video latents that each group sees; video_mask: (T, G, U).
    """

    audio_index: Tensor
    audio_mask: Tensor
    group_index: Tensor
    group_slot: Tensor
    video_index: Tensor
    video_mask: Tensor


def visible(midpoints_video: Tensor, midpoints_audio: Tensor, window: float) -> Tensor:
    """Who sees whom, (T, A) bool, from midpoints (T,) and (A,) in units of video latents."""
    distance = (midpoints_video[:, None] - midpoints_audio[None, :]).abs()
    nearest = (distance == distance.amin(0, keepdim=True)) | (distance == distance.amin(1, keepdim=True))
    # A millionth of a latent forgives the rounding of midpoints that lie exactly on the edge.
    return (distance <= window + 0.5 + 1e-6) | nearest


def make_windows(midpoints_video: Tensor, midpoints_audio: Tensor, window: float) -> Windows:
    """Gathering indices of a clip whose latents have these midpoints, in units of video latents, both rising."""
    sees = visible(midpoints_video, midpoints_audio, window)
    num_video, num_audio = sees.shape
    audio_index, audio_mask = _spans(sees)

    group = (midpoints_video[:, None] - midpoints_audio[None, :]).abs().argmin(0)
    sizes = torch.bincount(group, minlength=num_video)
    first = sizes.cumsum(0) - sizes
    largest = int(sizes.max())
    slots = torch.arange(largest)
    group_index = (first[:, None] + slots).clamp(max=num_audio - 1)
    filled = slots < sizes[:, None]
    group_slot = group * largest + (torch.arange(num_audio) - first[group])

    group_sees = (sees.T[group_index] & filled[..., None]).any(1)
    video_index, inside = _spans(group_sees)
    video_mask = sees.T[group_index].gather(2, video_index[:, None].expand(-1, largest, -1)) & inside[:, None]
    # Empty places of a group are computed and thrown away; they only need something to look at.
    video_mask = video_mask | ~filled[..., None]
    return Windows(audio_index, audio_mask, group_index, group_slot, video_index, video_mask)


def _spans(sees: Tensor) -> tuple[Tensor, Tensor]:
    """Each row's run of True (R, N) as indices (R, W) and a mask of those that belong to the row."""
    columns = torch.arange(sees.shape[1])
    first = torch.where(sees, columns, sees.shape[1]).amin(1)
    last = torch.where(sees, columns, -1).amax(1)
    width = int((last - first).amax()) + 1
    first = first.clamp(max=sees.shape[1] - width)[:, None]
    index = (first + torch.arange(width)).clamp(min=0)
    return index, sees.gather(1, index)


def windows_for(midpoints_video: Tensor, midpoints_audio: Tensor, window: float, device: torch.device) -> Windows:
    """:func:`make_windows` on a device, usable in and outside of inference mode."""
    with torch.inference_mode(False):
        windows = make_windows(midpoints_video, midpoints_audio, window)
        return Windows(**{name: tensor.to(device) for name, tensor in vars(windows).items()})
