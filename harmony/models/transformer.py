"""The two-stream transformer: wiring only; the layers are in :mod:`harmony.models.blocks`.

Shape letters: B clips, C latent channels, T video latents, h and w latent rows and columns, A audio latents,
R reference tokens, S tokens, D width, L caption tokens, N transcript tokens, G groups of tokens with one timestep.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import fields

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.loaders import PeftAdapterMixin
from torch import Tensor, nn

from harmony.models.blocks import HarmonyBlock, InteractionInputs, StreamInputs, TextInputs, modulate
from harmony.models.conditioning import Conditioning, Streams
from harmony.models.config import HarmonyConfig
from harmony.models.embeddings import AudioEmbed, ConditionEmbedder, ConvHead, ConvStem, patchify, unpatchify
from harmony.models.geometry import audio_rotation, shared_clock, target_rotation, video_rotation
from harmony.models.recorder import AttentionRecorder


class StreamEnds(nn.Module):
    """One stream outside of its layers: embedders in front, norm and projection behind (names as in Wan)."""

    def __init__(self, config: HarmonyConfig, dim: int, out_features: int) -> None:
        super().__init__()
        self.eps = config.eps
        self.condition_embedder = ConditionEmbedder(
            dim, freq_dim=config.freq_dim, text_dim=config.text_dim, cross_timestep=config.cross_timestep
        )
        self.proj_out = nn.Linear(dim, out_features)
        self.scale_shift_table = nn.Parameter(torch.randn(1, 2, dim) / dim**0.5)

    def project(self, x: Tensor, temb: Tensor) -> Tensor:
        """Tokens (B, S, D) and temb (B, G, D) to numbers (B, S, out_features)."""
        shift, scale = (self.scale_shift_table + temb[:, :, None]).unbind(2)
        return self.proj_out(modulate(x, shift, scale, eps=self.eps))


class VideoEnds(StreamEnds):
    """The video stream's ends: patches, and the convolutions on the latent grid where the model has them."""

    def __init__(self, config: HarmonyConfig) -> None:
        grid_channels = config.stem_width if config.conv_stem else config.in_channels_video
        super().__init__(config, config.dim_video, grid_channels * math.prod(config.patch_size))
        patch = dict(kernel_size=config.patch_size, stride=config.patch_size)
        self.patch_embedding = nn.Conv3d(grid_channels, config.dim_video, **patch)
        self.stem = ConvStem(config.in_channels_video, config.stem_width) if config.conv_stem else None
        self.head = ConvHead(config.stem_width, config.in_channels_video) if config.conv_stem else None


class AudioEnds(StreamEnds):
    """The audio stream's ends: latent embedding, timing track, null reference tokens."""

    def __init__(self, config: HarmonyConfig) -> None:
        dim = config.dim_audio
        super().__init__(config, dim, config.in_channels_audio)
        self.patch_embedding = AudioEmbed(config.in_channels_audio, dim, form=config.audio_embed)
        if config.transcript_dim:
            self.timing_proj = nn.Linear(config.transcript_dim, dim, bias=False)
            nn.init.zeros_(self.timing_proj.weight)
        if config.num_null_reference_tokens:
            self.null_reference = nn.Parameter(torch.randn(config.num_null_reference_tokens, dim) / dim**0.5)


def _takes_fields_of(dataclass_type: type) -> Callable:
    """Give ``__init__`` the dataclass's fields as its keyword arguments, for ``register_to_config`` to read."""

    def decorate(init: Callable) -> Callable:
        own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        named = [
            inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default) for f in fields(dataclass_type)
        ]
        init.__signature__ = inspect.Signature([own, *named])
        return init

    return decorate


class HarmonyTransformer(ModelMixin, ConfigMixin, PeftAdapterMixin):
    """Predicts the velocities of a noisy video and a noisy sound that listen to each other.

    Takes the fields of :class:`~harmony.models.config.HarmonyConfig` as arguments.
    """

    _supports_gradient_checkpointing = True
    _no_split_modules = ["HarmonyBlock"]
    _repeated_blocks = ["HarmonyBlock"]
    _keep_in_fp32_modules = ["time_embedder", "scale_shift_table"]
    _skip_layerwise_casting_patterns = ["patch_embedding", "condition_embedder", "norm", "stem", "head"]

    @register_to_config
    @_takes_fields_of(HarmonyConfig)
    def __init__(self, **settings) -> None:
        super().__init__()
        self.shape = config = HarmonyConfig(**settings | {"patch_size": tuple(settings["patch_size"])})
        self.video = VideoEnds(config)
        self.audio = AudioEnds(config)
        self.blocks = nn.ModuleList(HarmonyBlock(config, layer=layer) for layer in range(config.num_layers))
        self.gradient_checkpointing = False

    @classmethod
    def from_harmony_config(cls, config: HarmonyConfig) -> HarmonyTransformer:
        """A model with fresh weights."""
        return cls(**config.to_dict())

    def forward(
        self,
        video: Tensor | None,
        audio: Tensor | None,
        *,
        timestep_video: Tensor | None,
        timestep_audio: Tensor | None,
        conditioning: Conditioning,
        frame_rate: float | None = None,
        interaction: Tensor | None = None,
        skip_layers: Sequence[int] = (),
        skip_mask: Tensor | None = None,
        recorder: AttentionRecorder | None = None,
    ) -> Streams:
        """Velocities of both streams.

        Args:
            video: (B, C_v, T, h, w) noisy latents; ``None``: the sound alone.
            audio: (B, C_a, A) noisy latents; ``None``: the picture alone.
            timestep_video: (B,) or (B, T), sigma * 1000; 0 where a latent is clean.
            timestep_audio: (B,) or (B, A).
            conditioning: encoded conditions.
            frame_rate: pictures per second; the config's where left out.
            interaction: (B,) bool, False switches everything between the streams off for that clip.
            skip_layers: layers to leave out (skip-layer guidance).
            skip_mask: (B,) bool, the clips that leave them out; ``None`` = all.
            recorder: catches attention maps.

        Returns:
            Shapes of the inputs; ``None`` for a stream that was not given.

        Raises:
            ValueError: where shapes do not fit each other; the message carries the numbers.
        """
        x_v = x_a = inputs_v = inputs_a = shared = features = None
        num_reference = 0
        if video is not None:
            x_v, features, grid = self._embed_video(video)
            cross = self._cross_time(self.video, timestep_audio, audio, interaction)
            temb_v, inputs_v = self._video_inputs(x_v, grid, timestep_video, cross, conditioning)
        if audio is not None:
            x_a, reference_mask = self._embed_audio(audio, conditioning)
            num_reference = x_a.shape[1] - audio.shape[2]
            cross = self._cross_time(self.audio, timestep_video, video, interaction)
            temb_a, inputs_a = self._audio_inputs(
                x_a, audio.shape[2], reference_mask, timestep_audio, cross, conditioning
            )
        if video is not None and audio is not None:
            clock = shared_clock(
                self.shape,
                grid,
                audio.shape[2],
                float(frame_rate or self.shape.frame_rate),
                x_v.device,
                _table_dtype(x_v),
            )
            keep = None if interaction is None else interaction.to(x_v.dtype)[:, None, None]
            shared = InteractionInputs(clock, keep)

        for layer, block in enumerate(self.blocks):
            skips = layer in skip_layers
            if skips and skip_mask is None:
                continue
            before = x_v, x_a
            arguments = (x_v, x_a, inputs_v, inputs_a, shared, num_reference, recorder)
            if torch.is_grad_enabled() and self.gradient_checkpointing:
                x_v, x_a = self._gradient_checkpointing_func(block, *arguments)
            else:
                x_v, x_a = block(*arguments)
            if skips:
                x_v, x_a = (_where_clip(skip_mask, old, new) for old, new in zip(before, (x_v, x_a), strict=True))

        velocity_v = velocity_a = None
        if video is not None:
            velocity_v = unpatchify(self.video.project(x_v, temb_v), grid, self.shape.patch_size)
            if self.video.head is not None:
                velocity_v = self.video.head(velocity_v, features, video.to(x_v.dtype))
        if audio is not None:
            velocity_a = self.audio.project(x_a[:, num_reference:], temb_a).transpose(1, 2)
        return Streams(velocity_v, velocity_a)

    # -- in front of the layers ----------------------------------------------------------------------------------------

    def _embed_video(self, video: Tensor) -> tuple[Tensor, Tensor | None, tuple[int, int, int]]:
        """Tokens (B, S, D), the stem's features, and the grid of tokens (t, h, w)."""
        grid = tuple(size // patch for size, patch in zip(video.shape[2:], self.shape.patch_size, strict=True))
        latents = video.to(self.video.patch_embedding.weight.dtype)
        features = None if self.video.stem is None else self.video.stem(latents)
        tokens = patchify(latents if features is None else features, self.video.patch_embedding)
        return tokens, features, grid

    def _embed_audio(self, audio: Tensor, conditioning: Conditioning) -> tuple[Tensor, Tensor | None]:
        """Tokens [null tokens ; reference ; targets] (B, R + A, D), and which of the first R are real, (B, R) bool."""
        embed, ends, reference = self.audio.patch_embedding, self.audio, conditioning.reference
        dtype = self.audio.proj_out.weight.dtype
        x = embed(audio.to(dtype))
        if conditioning.timing is not None:
            x = x + ends.timing_proj(conditioning.timing.to(dtype))
        parts, masks = [x], []
        given = None
        if reference is not None:
            given = conditioning.reference_mask
            if given is None:
                given = reference.new_ones(reference.shape[0], reference.shape[2], dtype=torch.bool)
            parts, masks = [embed(reference.to(dtype)), x], [given]
        if self.shape.num_null_reference_tokens:
            null = ends.null_reference.to(dtype).expand(len(x), -1, -1)
            parts = [null, *parts]
            if given is not None:
                masks = [~given.any(1, keepdim=True).expand(-1, null.shape[1]), *masks]
        return torch.cat(parts, dim=1) if len(parts) > 1 else x, torch.cat(masks, dim=1) if masks else None

    def _cross_time(
        self, ends: StreamEnds, other: Tensor | None, other_latents: Tensor | None, interaction: Tensor | None
    ) -> Tensor | None:
        """What the other stream's time adds to this stream's, (B, 1, D); nothing for a clip without interaction."""
        if not self.shape.cross_timestep or other_latents is None:
            return None
        cross = ends.condition_embedder.embed_cross_time(other.float().reshape(len(other), -1).mean(1))
        return cross if interaction is None else cross * interaction[:, None, None]

    def _video_inputs(
        self, x: Tensor, grid: tuple[int, int, int], timestep: Tensor, cross: Tensor | None, conditioning: Conditioning
    ) -> tuple[Tensor, StreamInputs]:
        embedder = self.video.condition_embedder
        temb, rows = embedder.embed_time(timestep.reshape(len(x), -1), cross)
        caption = _caption(embedder, conditioning.video_caption, conditioning.video_caption_mask, x.dtype)
        rotation = video_rotation(self.shape, grid, x.device, _table_dtype(x))
        return temb, StreamInputs(rows, rotation, caption=caption)

    def _audio_inputs(
        self, x: Tensor, num_latents: int, reference_mask: Tensor | None, timestep: Tensor, cross: Tensor | None,
        conditioning: Conditioning,
    ) -> tuple[Tensor, StreamInputs]:  # fmt: skip
        embedder, num_reference = self.audio.condition_embedder, x.shape[1] - num_latents
        timestep = timestep.reshape(len(x), -1)
        temb, rows = embedder.embed_time(timestep, cross)
        if num_reference:
            _, clean = embedder.embed_time(torch.zeros_like(timestep[:, :1]), cross)
            spread = (clean.expand(-1, num_reference, -1, -1), rows.expand(-1, num_latents, -1, -1))
            rows = torch.cat(spread, dim=1)
        dtype, mask = _table_dtype(x), None
        if reference_mask is None:
            rotation = target_rotation(self.shape, -num_reference, num_latents, x.device, dtype)
        else:
            real = nn.functional.pad(reference_mask, (0, num_latents), value=True)
            mask = real[:, None, None, :]
            # Counted back from the first target, so that padding moves nothing.
            positions = real.cumsum(1) - 1 - reference_mask.sum(1, keepdim=True)
            rotation = audio_rotation(self.shape, positions, dtype)
        caption = _caption(embedder, conditioning.audio_caption, conditioning.audio_caption_mask, x.dtype)
        transcript = self._transcript(conditioning, num_latents, x)
        return temb, StreamInputs(rows, rotation, mask=mask, caption=caption, transcript=transcript)

    def _transcript(self, conditioning: Conditioning, num_latents: int, x: Tensor) -> TextInputs | None:
        if conditioning.transcript is None:
            return None
        dtype = _table_dtype(x)
        return TextInputs(
            conditioning.transcript.to(x.dtype),
            conditioning.transcript_mask,
            # Latent j covers the time from j to j + 1.
            target_rotation(self.shape, 0, num_latents, x.device, dtype),
            audio_rotation(self.shape, conditioning.transcript_position.double() - 0.5, dtype),
        )


def _caption(embedder: ConditionEmbedder, tokens: Tensor | None, mask: Tensor | None, dtype: torch.dtype):
    return None if tokens is None else TextInputs(embedder.text_embedder(tokens.to(dtype)), mask)


def _table_dtype(x: Tensor) -> torch.dtype:
    """On CPUs the rotations are in the activations' dtype: mixed arithmetic is slow there."""
    return x.dtype if x.device.type == "cpu" else torch.float32


def _where_clip(condition: Tensor, old: Tensor | None, new: Tensor | None) -> Tensor | None:
    return None if old is None else torch.where(condition[:, None, None], old, new)
