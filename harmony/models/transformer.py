"""The two-stream transformer: wiring only. Layers are in :mod:`harmony.models.blocks`, both ends of a stream in
:mod:`harmony.models.ends`.

Shape letters: B clips, C latent channels, T video latents, h and w latent rows and columns, A audio latents.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import ClassVar

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.loaders import PeftAdapterMixin
from torch import Tensor, nn

from harmony.models.blocks import HarmonyBlock
from harmony.models.conditioning import Conditioning, Streams
from harmony.models.config import HarmonyConfig
from harmony.models.ends import AudioEnds, VideoEnds, table_dtype
from harmony.models.geometry import shared_clock
from harmony.models.layer_inputs import LayerInputs, Tokens
from harmony.models.recorder import AttentionRecorder


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

    Takes the fields of :class:`~harmony.models.config.HarmonyConfig` as arguments. The video stream alone equals
    diffusers' ``WanTransformer3DModel``: its ``blocks.N.X`` is ``blocks.N.video.X`` here, any other ``X`` is
    ``video.X``. The config's ``ovi`` preset has exactly the tensors of Ovi's released weights.
    """

    _supports_gradient_checkpointing = True
    _no_split_modules: ClassVar = ["HarmonyBlock"]
    _repeated_blocks: ClassVar = ["HarmonyBlock"]
    _keep_in_fp32_modules: ClassVar = ["time_embedder", "scale_shift_table"]
    _skip_layerwise_casting_patterns: ClassVar = ["patch_embedding", "condition_embedder", "norm", "stem", "head"]

    @register_to_config
    @_takes_fields_of(HarmonyConfig)
    def __init__(self, **settings) -> None:
        super().__init__()
        # A config read from a file has lists where the dataclass has tuples.
        self.shape = HarmonyConfig(**{k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()})
        if self.shape.share_text_qo and (self.shape.interaction_order, self.shape.text_form) != ("parallel", "cross"):
            raise ValueError("share_text_qo needs interaction_order='parallel' and text_form='cross'")
        if self.shape.reference_form == "appended" and not self.shape.takes_appended_reference:
            raise ValueError(
                "an appended reference needs Ovi's form: rope_alignment='video', a global interaction, "
                "text_form='cross', no transcript, no null reference tokens"
            )
        self.video = VideoEnds(self.shape)
        self.audio = AudioEnds(self.shape)
        self.blocks = nn.ModuleList(HarmonyBlock(self.shape, layer=n) for n in range(self.shape.num_layers))
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
            video: (B, C_v, T, h, w) noisy latents; ``None``: the sound alone, without interaction and style.
            audio: (B, C_a, A) noisy latents; ``None``: the picture alone.
            timestep_video: (B,) or, per latent, (B, T): sigma * 1000, 0 where a latent is clean.
            timestep_audio: (B,) or (B, A).
            conditioning: encoded conditions.
            frame_rate: pictures per second; the config's where left out.
            interaction: (B,) bool; False switches all that passes between the streams off for that clip.
            skip_layers: layers to leave out (skip-layer guidance).
            skip_mask: (B,) bool, the clips that leave them out; ``None`` = all.
            recorder: catches attention maps.

        Returns:
            Shapes of the inputs; ``None`` for a stream that was not given.

        Raises:
            ValueError: where the inputs do not fit the model or each other; the message carries the numbers.
        """
        self._check(video, audio, timestep_video, timestep_audio, conditioning)
        both = video is not None and audio is not None
        x_v = x_a = text = inputs_v = inputs_a = clock = keep = None
        if video is not None:
            video, grid = video.to(self.video.dtype), self.video.grid(video)
            x_v, features = self.video.embed(video)
            cross = self.video.cross_time(timestep_audio if both else None, interaction)
            temb_v, inputs_v = self.video.inputs(x_v, grid, timestep_video, cross, conditioning)
        if audio is not None:
            x_a, reference_mask = self.audio.embed(audio.to(self.audio.dtype), conditioning)
            cross = self.audio.cross_time(timestep_video if both else None, interaction)
            temb_a, inputs_a, text = self.audio.inputs(
                x_a, audio.shape[2], reference_mask, timestep_audio, cross, conditioning
            )
        if both:
            rate = float(frame_rate or self.shape.frame_rate)
            listening = x_a.shape[1] - audio.shape[2] if self.audio.appended else 0
            clock = shared_clock(self.shape, grid, audio.shape[2], rate, x_v.device, table_dtype(x_v), listening)
            keep = None if interaction is None else interaction.to(x_v.dtype)[:, None, None]

        inputs = LayerInputs(inputs_v, inputs_a, clock, keep)
        x = self._layers(Tokens(x_v, x_a, text), inputs, skip_layers, skip_mask, recorder)
        return Streams(
            None if video is None else self.video.velocity(x.video, temb_v, grid, features, video),
            None if audio is None else self.audio.velocity(x.audio, temb_a, audio.shape[2]),
        )

    def _layers(
        self, x: Tokens, inputs: LayerInputs, skip_layers: Sequence[int], skip_mask: Tensor | None,
        recorder: AttentionRecorder | None,
    ) -> Tokens:  # fmt: skip
        for layer, block in enumerate(self.blocks):
            skips = layer in skip_layers
            if skips and skip_mask is None:
                continue
            before = x
            if torch.is_grad_enabled() and self.gradient_checkpointing:
                x = self._gradient_checkpointing_func(block, x, inputs, recorder)
            else:
                x = block(x, inputs, recorder)
            if skips:
                x = Tokens(*(_where_clip(skip_mask, old, new) for old, new in zip(before, x, strict=True)))
        return x

    def _check(
        self, video: Tensor | None, audio: Tensor | None, timestep_video: Tensor | None,
        timestep_audio: Tensor | None, conditioning: Conditioning,
    ) -> None:  # fmt: skip
        if video is None and audio is None:
            raise ValueError("give a video, a sound, or both")
        if video is not None and audio is not None and len(video) != len(audio):
            raise ValueError(f"{len(video)} videos cannot go with {len(audio)} sounds")
        for name, latents, channels, timestep in (
            ("video", video, self.shape.in_channels_video, timestep_video),
            ("audio", audio, self.shape.in_channels_audio, timestep_audio),
        ):
            if latents is None:
                continue
            if latents.shape[1] != channels:
                raise ValueError(f"{name} latents need {channels} channels, got {latents.shape[1]}")
            clips, length = len(latents), latents.shape[2]
            if timestep is None or tuple(timestep.shape) not in {(clips,), (clips, 1), (clips, length)}:
                got = None if timestep is None else tuple(timestep.shape)
                raise ValueError(f"timestep_{name} must be ({clips},) or ({clips}, {length}), got {got}")
        knows_words = self.shape.transcript_dim > 0
        if not knows_words and not (conditioning.transcript is None and conditioning.timing is None):
            raise ValueError("this model takes no transcript and no timing track; put the words into the caption")


def _where_clip(condition: Tensor, old: Tensor | None, new: Tensor | None) -> Tensor | None:
    return None if old is None else torch.where(condition[:, None, None], old, new)
