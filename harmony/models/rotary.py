"""Rotary positions: the angle each token is turned by, within a stream and between the streams.

Shape letters: B clips, S tokens, H heads, D head_dim, T video latents, h and w token rows and columns, A audio latents.
Neighbouring numbers form a pair (x_0 + i x_1), as in Wan. A head is split over time, height and width as Wan does it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from harmony.models.config import RopeAlignment
from harmony.timeline import Timeline

Direction = Literal["a2v", "v2a"]


class Rotation(NamedTuple):
    """Cosines, and sines with the sign of their place in the pair: (S, 1, D), or (B, S, 1, D) where clips differ."""

    cos: Tensor
    sin: Tensor

    def to(self, device: torch.device, dtype: torch.dtype, *, num_heads: int) -> Rotation:
        """Ready for use. On CPUs one copy per head: broadcasting over heads in between would be twice as slow."""
        tables = (table.to(device, dtype) for table in self)
        if device.type != "cpu":
            return Rotation(*tables)
        return Rotation(*(table.expand(*table.shape[:-2], num_heads, -1).contiguous() for table in tables))


def rotate(x: Tensor, rotation: Rotation | None) -> Tensor:
    """Turn queries or keys (B, S, H, D): each pair (a, b) becomes (a cos - b sin, a sin + b cos)."""
    return x if rotation is None else _Rotate.apply(x, *rotation)


class _Rotate(torch.autograd.Function):
    """The gradient turns back; written out, it needs no activations and half as many passes over memory."""

    @staticmethod
    def forward(ctx, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return torch.addcmul(x * cos, swap_pairs(x), sin).to(x.dtype)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        return torch.addcmul(grad * cos, swap_pairs(grad), -sin).to(grad.dtype), None, None


def swap_pairs(x: Tensor) -> Tensor:
    """(..., a, b, c, d) to (..., b, a, d, c)."""
    if x.dtype == torch.bfloat16 and x.device.type == "cpu" and x.is_contiguous():
        pairs = x.view(torch.int32)  # two numbers as one integer: turning its bits by 16 is quicker than moving halves
        return ((pairs << 16) | ((pairs >> 16) & 0xFFFF)).view(torch.bfloat16)
    return x.unflatten(-1, (-1, 2)).flip(-1).flatten(-2)


def split_head_dim(head_dim: int) -> tuple[int, int, int]:
    """Numbers of a head that carry time, height and width: 128 gives (44, 42, 42), 32 gives (12, 10, 10)."""
    side = 2 * (head_dim // 6)
    return head_dim - 2 * side, side, side


def angles(positions: Tensor, dim: int, theta: float) -> Tensor:
    """Positions (...,) to angles (..., dim/2): position times theta^(-2k/dim), in float64."""
    frequencies = theta ** -(torch.arange(0, dim, 2, dtype=torch.float64, device=positions.device) / dim)
    return positions.double()[..., None] * frequencies


def rotation_of(turns: Tensor) -> Rotation:
    """Angles (..., S, D/2) to the factors that :func:`rotate` uses, float32."""
    cos = turns.cos().repeat_interleave(2, dim=-1)
    sin = torch.stack([-turns.sin(), turns.sin()], dim=-1).flatten(-2)
    return Rotation(cos.float().unsqueeze(-2), sin.float().unsqueeze(-2))


def grid_rotation(time: Tensor, height: int, width: int, *, head_dim: int, theta: float, spatial: bool) -> Rotation:
    """Rotation of T x h x w video tokens at times (T,); without ``spatial`` only the time part turns."""
    dim_t, dim_h, dim_w = split_head_dim(head_dim)
    rows, columns = torch.arange(height) * float(spatial), torch.arange(width) * float(spatial)
    shape = (len(time), height, width, -1)
    turns = [
        angles(time, dim_t, theta)[:, None, None].expand(shape),
        angles(rows, dim_h, theta)[None, :, None].expand(shape),
        angles(columns, dim_w, theta)[None, None, :].expand(shape),
    ]
    return rotation_of(torch.cat(turns, dim=-1).flatten(0, 2))


def line_rotation(positions: Tensor, *, head_dim: int, theta: float, time_part_only: bool) -> Rotation:
    """Rotation of tokens at positions (..., S): over the whole head, or over the part that carries time in a video."""
    if not time_part_only:
        return rotation_of(angles(positions, head_dim, theta))
    dim_t, dim_h, dim_w = split_head_dim(head_dim)
    turns = angles(positions, dim_t, theta)
    return rotation_of(torch.nn.functional.pad(turns, (0, (dim_h + dim_w) // 2)))


# -- one clock for both streams ----------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def latent_midpoints(
    num_video: int, num_audio: int, *, frame_rate: float, temporal_stride: int, audio_latent_rate: float
) -> tuple[Tensor, Tensor]:
    """Physical midpoints m_v (T,) and m_a (A,) in seconds, float64."""
    timeline = Timeline(
        num_frames=1 + (num_video - 1) * temporal_stride,
        frame_rate=frame_rate,
        temporal_stride=temporal_stride,
        audio_latent_rate=audio_latent_rate,
    )
    with torch.inference_mode(False):
        audio = (torch.arange(num_audio, dtype=torch.float64) + 0.5) / timeline.audio_latent_rate
        return torch.tensor(timeline.video_latent_midpoints(), dtype=torch.float64), audio


def aligned_positions(
    alignment: RopeAlignment,
    direction: Direction,
    midpoints: tuple[Tensor, Tensor],
    *,
    seconds_per_video_latent: float,
    seconds_per_audio_latent: float,
    audio_scale: float,
) -> tuple[Tensor, Tensor]:
    """Positions of video latents (T,) and audio latents (A,) on the axis that the two share in one direction.

    - ``paper``: the source moves to the target's index axis, j' = j T_v/T_a (A2V) and i' = i T_a/T_v (V2A).
    - ``seconds``: both at their true midpoints, in latents of the target stream.
    - ``video``: Ovi's units in both directions: video latents, audio index times ``audio_scale``.
    - ``native``: i and j as they are.
    """
    video, audio = (torch.arange(len(m), dtype=torch.float64) for m in midpoints)
    if alignment == "native":
        return video, audio
    if alignment == "video":
        return video, audio * audio_scale
    if alignment == "paper":
        if direction == "a2v":
            return video, audio * (len(video) / len(audio))
        return video * (len(audio) / len(video)), audio
    unit = seconds_per_video_latent if direction == "a2v" else seconds_per_audio_latent
    return midpoints[0] / unit, midpoints[1] / unit
