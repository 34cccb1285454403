"""What the transformer is told, as tensors of one batch.

Shape letters: B clips, L caption tokens, N transcript tokens, R reference latents, A audio latents,
D width, C latent channels.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import torch
from torch import Tensor


class Streams(NamedTuple):
    """A pair of tensors, one per stream: latents, noise, velocities, timesteps."""

    video: Tensor
    audio: Tensor


@dataclass(frozen=True)
class Conditioning:
    """Encoded conditions. ``None`` means that no clip of the batch has this condition.

    Attributes:
        video_caption: (B, L, D) caption embeddings for the video stream.
        video_caption_mask: (B, L) bool, True where there is a token. ``None``: attend to every row (Wan, Ovi).
        audio_caption: (B, L, D) caption embeddings for the audio stream.
        audio_caption_mask: (B, L) bool.
        transcript: (B, N, D) embeddings of what is said.
        transcript_mask: (B, N) bool; an all-False row means no speech.
        transcript_position: (B, N) rotary position of each transcript token, in audio latents.
        timing: (B, A, D) frame-aligned embedding of the unit that sounds in each audio latent.
        reference: (B, C, R) clean audio latents of the voice to be cloned.
        reference_mask: (B, R) bool; an all-False row means no reference (the learned null tokens stay).
    """

    video_caption: Tensor | None = None
    video_caption_mask: Tensor | None = None
    audio_caption: Tensor | None = None
    audio_caption_mask: Tensor | None = None
    transcript: Tensor | None = None
    transcript_mask: Tensor | None = None
    transcript_position: Tensor | None = None
    timing: Tensor | None = None
    reference: Tensor | None = None
    reference_mask: Tensor | None = None

    def map(self, function) -> Conditioning:
        """Apply ``function`` to every tensor that is there."""
        present = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{name: function(value) for name, value in present.items() if value is not None})

    def to(self, *args, **kwargs) -> Conditioning:
        """Move to a device; floating tensors also take a dtype."""
        device_only = {k: v for k, v in kwargs.items() if k != "dtype"}
        args_device = [a for a in args if not isinstance(a, torch.dtype)]

        def move(tensor: Tensor) -> Tensor:
            return tensor.to(*args, **kwargs) if tensor.is_floating_point() else tensor.to(*args_device, **device_only)

        return self.map(move)

    def without(self, *names: str) -> Conditioning:
        """The same conditions with the named fields emptied: masked out where a mask exists, else dropped.

        Masked rows keep the batch's shapes, so that passes with and without a condition can share one batch.
        """
        changes: dict[str, Tensor | None] = {}
        for name in names:
            mask = getattr(self, f"{name}_mask", None)
            if mask is not None:
                changes[f"{name}_mask"] = torch.zeros_like(mask)
            elif getattr(self, name) is not None:
                changes[name] = torch.zeros_like(getattr(self, name))
        return replace(self, **changes)

    @staticmethod
    def cat(items: list[Conditioning]) -> Conditioning:
        """Join batches of equal shapes along B (the passes of one guided step)."""
        joined: dict[str, Tensor | None] = {}
        for field in fields(Conditioning):
            values = [getattr(item, field.name) for item in items]
            if all(value is None for value in values):
                joined[field.name] = None
            elif any(value is None for value in values):
                raise ValueError(f"cannot join conditionings: '{field.name}' is missing from some of them")
            else:
                joined[field.name] = torch.cat(values)
        return Conditioning(**joined)
