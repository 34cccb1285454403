"""Both ends of a stream: from latents and conditions to tokens and layer inputs, and from tokens back to a velocity.

Shape letters: B clips, C latent channels, T video latents, h and w latent rows and columns, A audio latents,
K null reference tokens, R reference tokens, S tokens, D width, L caption tokens, N transcript tokens,
G groups of tokens with one timestep each.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harmony.models.conditioning import Conditioning
from harmony.models.config import HarmonyConfig
from harmony.models.embeddings import (
    ConditionEmbedder,
    ConvAudioEmbed,
    ConvHead,
    ConvStem,
    LinearAudioEmbed,
    patchify,
    unpatchify,
)
from harmony.models.geometry import appended_rotation, audio_rotation, target_rotation, video_rotation
from harmony.models.layer_inputs import JointInputs, StreamInputs, TextInputs
from harmony.models.stream import modulate


class StreamEnds(nn.Module):
    """What both streams have: an embedder of time and text in front, a norm and a projection behind (as in Wan)."""

    def __init__(self, config: HarmonyConfig, dim: int, out_features: int) -> None:
        super().__init__()
        self.shape = config
        self.condition_embedder = ConditionEmbedder(
            dim, freq_dim=config.freq_dim, text_dim=config.text_dim, cross_timestep=config.cross_timestep
        )
        self.proj_out = nn.Linear(dim, out_features)
        self.scale_shift_table = nn.Parameter(torch.randn(1, 2, dim) / dim**0.5)

    @property
    def dtype(self) -> torch.dtype:
        """What this stream computes in."""
        return self.proj_out.weight.dtype

    def project(self, x: Tensor, temb: Tensor) -> Tensor:
        """Tokens (B, S, D) and temb (B, G, D) to numbers (B, S, out_features)."""
        shift, scale = (self.scale_shift_table + temb[:, :, None]).unbind(2)
        return self.proj_out(modulate(x, shift, scale, eps=self.shape.eps))

    def cross_time(self, timestep: Tensor | None, interaction: Tensor | None) -> Tensor | None:
        """What the other stream's timesteps (B,) or (B, latents) add to temb, (B, 1, D).

        Nothing where the other stream is absent (``None``), or for a clip whose streams do not interact.
        """
        if timestep is None or not self.shape.cross_timestep:
            return None
        cross = self.condition_embedder.embed_cross_time(timestep.float().reshape(len(timestep), -1).mean(1))
        return cross if interaction is None else cross * interaction[:, None, None]

    def caption(self, tokens: Tensor | None, mask: Tensor | None) -> TextInputs | None:
        """Caption embeddings (B, L, text_dim) as keys (B, L, D)."""
        if tokens is None:
            return None
        return TextInputs(self.condition_embedder.text_embedder(tokens.to(self.dtype)), mask)


class VideoEnds(StreamEnds):
    """The video stream's ends: patches, and the convolutions on the latent grid where the model has them."""

    def __init__(self, config: HarmonyConfig) -> None:
        width = config.stem_width if config.conv_stem else config.in_channels_video
        super().__init__(config, config.dim_video, width * math.prod(config.patch_size))
        self.patch_embedding = nn.Conv3d(width, config.dim_video, config.patch_size, stride=config.patch_size)
        self.stem = ConvStem(config.in_channels_video, width) if config.conv_stem else None
        self.head = ConvHead(width, config.in_channels_video) if config.conv_stem else None
        self.gain = None
        if config.latent_gain:
            self.gain = nn.Linear(config.dim_video, config.in_channels_video)
            nn.init.zeros_(self.gain.weight)
            nn.init.zeros_(self.gain.bias)
        self.position = None
        if config.spatial_positions:
            self.position = nn.Parameter(torch.randn(1, config.dim_video, *config.spatial_positions) / 2)

    def grid(self, latents: Tensor) -> tuple[int, int, int]:
        """Tokens along time, height and width of latents (B, C, T, h, w)."""
        if any(size % patch for size, patch in zip(latents.shape[2:], self.shape.patch_size, strict=True)):
            raise ValueError(
                f"video latents of {tuple(latents.shape[2:])} (time, height, width) do not divide into patches of "
                f"{self.shape.patch_size}; choose another size"
            )
        return tuple(size // patch for size, patch in zip(latents.shape[2:], self.shape.patch_size, strict=True))

    def embed(self, latents: Tensor) -> tuple[Tensor, Tensor | None]:
        """Latents (B, C, T, h, w) to tokens (B, S, D) and the stem's features (B, T, h, w, width)."""
        latents = channels_last(latents)
        features = None if self.stem is None else self.stem(latents)
        x = patchify(latents if features is None else features, self.patch_embedding)
        return x if self.position is None else x + self._positions(*self.grid(latents.permute(0, 4, 1, 2, 3))), features

    def _positions(self, t: int, h: int, w: int) -> Tensor:
        """The learned table as (1, t h w, D), stretched to h x w tokens."""
        table = self.position
        if tuple(table.shape[2:]) != (h, w):
            table = F.interpolate(table.float(), (h, w), mode="bilinear", align_corners=False).to(table.dtype)
        return table.flatten(2).transpose(1, 2).repeat(1, t, 1)

    def inputs(
        self, x: Tensor, grid: tuple[int, int, int], timestep: Tensor, cross: Tensor | None, conditioning: Conditioning
    ) -> tuple[Tensor, StreamInputs]:
        """temb (B, G, D) and what the layers share, for timesteps (B,) or (B, T)."""
        timestep = timestep.reshape(len(x), -1)
        if timestep.shape[1] > 1:  # one per latent; a patch of several latents takes the first one's
            timestep = timestep[:, :: self.shape.patch_size[0]]
        temb, rows = self.condition_embedder.embed_time(timestep, cross)
        caption = self.caption(conditioning.video_caption, conditioning.video_caption_mask)
        return temb, StreamInputs(rows, video_rotation(self.shape, grid, x.device, table_dtype(x)), caption=caption)

    def velocity(
        self, x: Tensor, temb: Tensor, grid: tuple[int, int, int], features: Tensor | None, latents: Tensor
    ) -> Tensor:
        """Tokens (B, S, D) to a velocity (B, C, T, h, w)."""
        out = unpatchify(self.project(x, temb), grid, self.shape.patch_size)
        latents = channels_last(latents)
        if self.head is not None:
            out = self.head(out, features, latents)
        if self.gain is not None:
            gain = self.gain(temb.to(latents.dtype))  # (B, G, C), one row for each T / G latents
            out = out + gain.repeat_interleave(latents.shape[1] // gain.shape[1], dim=1)[:, :, None, None] * latents
        return out.permute(0, 4, 1, 2, 3)


class AudioEnds(StreamEnds):
    """The audio stream's ends: latent embedding, timing track, transcript, reference and null reference tokens."""

    def __init__(self, config: HarmonyConfig) -> None:
        dim = config.dim_audio
        super().__init__(config, dim, config.in_channels_audio)
        embed = ConvAudioEmbed if config.audio_embed == "conv" else LinearAudioEmbed
        self.patch_embedding = embed(config.in_channels_audio, dim)
        self.joint, self.appended = config.text_form == "joint", config.reference_form == "appended"
        if config.transcript_dim:
            self.timing_proj = nn.Linear(config.transcript_dim, dim, bias=False)
            nn.init.zeros_(self.timing_proj.weight)
        if config.transcript_dim and self.joint:
            self.transcript_embedder = nn.Linear(config.transcript_dim, dim)
        if config.num_null_reference_tokens:
            self.null_reference = nn.Parameter(torch.randn(config.num_null_reference_tokens, dim) / dim**0.5)

    def embed(self, latents: Tensor, conditioning: Conditioning) -> tuple[Tensor, Tensor | None]:
        """Tokens [null ; reference ; targets] (B, K + R + A, D), and which of the first K + R are real (``None``: all).

        A clip has either its reference or the null tokens; the others are masked. In the ``appended`` form a clip
        without a reference has one of zeros, DreamID-Omni's null.
        """
        x = self.patch_embedding(latents)
        if conditioning.timing is not None:
            if conditioning.timing.shape[1] != x.shape[1]:
                raise ValueError(f"the timing track has {conditioning.timing.shape[1]} steps, the sound {x.shape[1]}")
            x = x + self.timing_proj(conditioning.timing.to(self.dtype))
        parts, masks = [x], []
        reference, given = conditioning.reference, conditioning.reference_mask
        if reference is not None:
            if given is None:
                given = torch.ones(len(reference), reference.shape[2], dtype=torch.bool, device=x.device)
            parts, masks = [self.patch_embedding(reference.to(self.dtype), given), x], [given]
            if self.appended:
                parts[0], masks = self.patch_embedding(reference.to(self.dtype) * given[:, None]), []
        if self.shape.num_null_reference_tokens:
            null = self.null_reference.to(self.dtype).expand(len(x), -1, -1)
            parts = [null, *parts]
            if reference is not None:
                masks = [~given.any(1, keepdim=True).expand(-1, null.shape[1]), *masks]
        return torch.cat(parts, dim=1) if len(parts) > 1 else x, torch.cat(masks, dim=1) if masks else None

    def inputs(
        self, x: Tensor, num_latents: int, reference_mask: Tensor | None, timestep: Tensor, cross: Tensor | None,
        conditioning: Conditioning,
    ) -> tuple[Tensor, StreamInputs, Tensor | None]:  # fmt: skip
        """temb (B, G, D) of the targets, what the layers share, and the text tokens of the ``joint`` form.

        Reference tokens stand at t = 0. Their positions count back from -1, whatever padding surrounds them. In the
        ``appended`` form they share the targets' t, stand far behind, and count as targets to every layer.
        """
        num_reference = x.shape[1] - num_latents
        timestep = timestep.reshape(len(x), -1)
        temb, rows = self.condition_embedder.embed_time(timestep, cross)
        target_rows = rows
        if num_reference:
            clean = rows[:, :1]
            if not self.appended:
                _, clean = self.condition_embedder.embed_time(torch.zeros_like(timestep[:, :1]), cross)
            spread = clean.expand(-1, num_reference, -1, -1), rows.expand(-1, num_latents, -1, -1)
            rows = torch.cat(spread, dim=1)
        mask = None
        if self.appended and num_reference:
            rotation = appended_rotation(self.shape, num_reference, num_latents, x.device, table_dtype(x))
            num_reference = 0
        elif reference_mask is None:
            rotation = target_rotation(self.shape, -num_reference, num_latents, x.device, table_dtype(x))
        else:
            mask = F.pad(reference_mask, (0, num_latents), value=True)
            positions = mask.cumsum(1) - 1 - reference_mask.sum(1, keepdim=True)
            rotation = audio_rotation(self.shape, positions, table_dtype(x))
        shared = dict(mask=mask, num_reference=num_reference)
        caption = self.caption(conditioning.audio_caption, conditioning.audio_caption_mask)
        if self.joint:
            text, joint = self._joint_text(conditioning, caption, target_rows.mean(1, keepdim=True), x)
            return temb, StreamInputs(rows, rotation, joint=joint, **shared), text
        transcript = self._transcript(conditioning, num_latents, x)
        return temb, StreamInputs(rows, rotation, caption=caption, transcript=transcript, **shared), None

    def velocity(self, x: Tensor, temb: Tensor, num_latents: int) -> Tensor:
        """Tokens (B, R + A, D) to a velocity (B, C, A)."""
        return self.project(x[:, -num_latents:], temb).transpose(1, 2)

    def _transcript(self, conditioning: Conditioning, num_latents: int, x: Tensor) -> TextInputs | None:
        """Transcript tokens as keys with positions; audio latent j stands for the time from j to j + 1."""
        if conditioning.transcript is None:
            return None
        return TextInputs(
            conditioning.transcript.to(x.dtype),
            conditioning.transcript_mask,
            target_rotation(self.shape, 0, num_latents, x.device, table_dtype(x)),
            audio_rotation(self.shape, conditioning.transcript_position.double() - 0.5, table_dtype(x)),
        )

    def _joint_text(
        self, conditioning: Conditioning, caption: TextInputs | None, rows: Tensor, x: Tensor
    ) -> tuple[Tensor | None, JointInputs | None]:
        """Text tokens [transcript ; caption] (B, N + L, D) of the ``joint`` form. A caption stands at position 0."""
        parts, masks, positions = [], [], []
        if conditioning.transcript is not None:
            parts.append(self.transcript_embedder(conditioning.transcript.to(x.dtype)))
            masks.append(conditioning.transcript_mask)
            positions.append(conditioning.transcript_position.double() - 0.5)
        if caption is not None:
            parts.append(caption.tokens)
            masks.append(caption.mask)
            positions.append(torch.zeros(caption.tokens.shape[:2], dtype=torch.float64, device=x.device))
        if not parts:
            return None, None
        masks = [
            torch.ones(part.shape[:2], dtype=torch.bool, device=x.device) if mask is None else mask
            for part, mask in zip(parts, masks, strict=True)
        ]
        rotation = audio_rotation(self.shape, torch.cat(positions, dim=1), table_dtype(x))
        return torch.cat(parts, dim=1), JointInputs(rows, rotation, torch.cat(masks, dim=1))


def channels_last(latents: Tensor) -> Tensor:
    """(B, C, T, h, w) to (B, T, h, w, C)."""
    return latents.permute(0, 2, 3, 4, 1)


def table_dtype(x: Tensor) -> torch.dtype:
    """On CPUs the rotations are in the activations' dtype: mixed arithmetic is slow there."""
    return x.dtype if x.device.type == "cpu" else torch.float32
