"""The transformer's shape, and its presets.

``HarmonyConfig.paper()`` is the paper's model on Wan2.2-5B, ``ovi()`` the layout of Ovi's released
weights (the paper's baseline), ``tiny()`` the small model that ships with the project, ``micro()`` a
random model for tests.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

RopeAlignment = Literal["paper", "seconds", "video", "native"]


@dataclass(frozen=True)
class HarmonyConfig:
    """Shape and options of :class:`~harmony.models.transformer.HarmonyTransformer`.

    Attributes:
        in_channels_video: channels of a video latent.
        in_channels_audio: channels of an audio latent.
        patch_size: video latents per token, (time, height, width).
        num_layers: layers; both streams have the same depth.
        num_heads_video, num_heads_audio: attention heads; head_dim: width of one head.
            The streams' widths are ``num_heads * head_dim``.
        ffn_dim_video, ffn_dim_audio: width of the feed-forward layers.
        text_dim: width of caption embeddings.
        transcript_dim: width of transcript and timing embeddings; 0 = the model knows neither.
        freq_dim: width of the sinusoidal timestep embedding.
        text_form: ``cross`` (caption and transcript are two cross-attentions) or ``joint`` (the paper's
            Eq. 2: text tokens take part in the audio self-attention with projections and FFN of their own).
        interaction_order: ``sequential`` (after text attention) or ``parallel`` (with it, Ovi).
        share_text_qo: the interaction uses the text attention's query and output projection (Ovi).
        zero_init_interaction: output projections of interaction and style start at zero.
        interaction_window: w of the local window in video latents, ``None`` = global.
        interaction_rope: ``temporal`` (only time is rotated on video keys) or ``3d`` (Ovi).
        rope_alignment: ``paper`` (j' = j T_v/T_a), ``seconds`` (true time), ``video`` (Ovi's units,
            audio positions times ``audio_rope_scale`` everywhere, self-attention too), ``native`` (each stream's own
            indices, not brought together: what the paper compares its alignment with).
        audio_rope_scale: the factor of ``video`` alignment (Ovi: 0.19676).
        rope_theta: base of the rotary frequencies.
        style: whether reference tokens read the whole video (Global Style Alignment).
        num_null_reference_tokens: learned tokens that stand in when no reference is given (0 = none).
        reference_form: ``prepended`` (clean, at t = 0, right before the sound, out of the interaction's sight) or
            ``appended`` (DreamID-Omni's way on Ovi's layout: far behind the sound, at its t, part of the interaction).
        conv_stem: 3x3x3 convolutions on the latent grid before patchify and after unpatchify; stem_width: channels.
        latent_gain: noisy latents also reach the velocity directly, by a learned gain per channel and timestep: a token
            need not carry the noise of its patch through the layers.
        spatial_positions: rows and columns of a learned table of places, added to the video tokens; ``None`` = none.
        audio_embed: ``linear`` or ``conv`` (Ovi: conv k7, SiLU, gated ConvMLP k7).
        cross_timestep: each stream also sees the other's t, through a projection that starts at zero.
        qk_norm: RMS norm of queries and keys over the full width (``full``, Wan) or per head (``head``).
        eps: of every norm.
        frame_rate, temporal_stride, audio_latent_rate: the clock the model was trained on.
    """

    in_channels_video: int = 24
    in_channels_audio: int = 40
    patch_size: tuple[int, int, int] = (1, 2, 2)
    num_layers: int = 6
    num_heads_video: int = 6
    num_heads_audio: int = 6
    head_dim: int = 32
    ffn_dim_video: int = 768
    ffn_dim_audio: int = 768
    text_dim: int = 192
    transcript_dim: int = 192
    freq_dim: int = 256
    text_form: Literal["cross", "joint"] = "cross"
    interaction_order: Literal["sequential", "parallel"] = "sequential"
    share_text_qo: bool = False
    zero_init_interaction: bool = True
    interaction_window: float | None = 1.0
    interaction_rope: Literal["temporal", "3d"] = "temporal"
    rope_alignment: RopeAlignment = "seconds"
    audio_rope_scale: float = 0.19676
    rope_theta: float = 10_000.0
    style: bool = True
    num_null_reference_tokens: int = 4
    reference_form: Literal["prepended", "appended"] = "prepended"
    conv_stem: bool = True
    latent_gain: bool = False
    spatial_positions: tuple[int, int] | None = None
    stem_width: int = 48
    audio_embed: Literal["linear", "conv"] = "linear"
    cross_timestep: bool = True
    qk_norm: Literal["full", "head"] = "head"
    eps: float = 1e-6
    frame_rate: float = 16.0
    temporal_stride: int = 2
    audio_latent_rate: float = 32.0

    @property
    def dim_video(self) -> int:
        return self.num_heads_video * self.head_dim

    @property
    def dim_audio(self) -> int:
        return self.num_heads_audio * self.head_dim

    @property
    def takes_appended_reference(self) -> bool:
        """Whether the ``appended`` form of a reference has a meaning here."""
        in_video_units = self.rope_alignment == "video" and self.interaction_window is None
        return (
            in_video_units and self.text_form == "cross" and not (self.transcript_dim or self.num_null_reference_tokens)
        )

    def to_dict(self) -> dict:
        return asdict(self)

    @classmethod
    def tiny(cls, **changes) -> HarmonyConfig:
        """The model in ``assets/harmony-tiny``: four by four tokens of 16 x 16 pixels and two frames."""
        small = dict(
            in_channels_video=160, patch_size=(1, 1, 1), num_layers=5, num_heads_video=8, ffn_dim_video=1024,
            text_dim=128, transcript_dim=128, rope_theta=100.0, conv_stem=False, latent_gain=True,
            spatial_positions=(4, 4),
        )  # fmt: skip
        return cls(**(small | changes))

    @classmethod
    def micro(cls, **changes) -> HarmonyConfig:
        """A random model for tests: every mechanism, some ten thousand weights."""
        small = dict(
            in_channels_video=4, in_channels_audio=6, num_layers=2, num_heads_video=2, num_heads_audio=2, head_dim=12,
            ffn_dim_video=32, ffn_dim_audio=32, text_dim=16, transcript_dim=16, freq_dim=32,
            stem_width=8, latent_gain=True, spatial_positions=(2, 2),
        )  # fmt: skip
        return cls(**(small | changes))

    @classmethod
    def paper(cls, **changes) -> HarmonyConfig:
        """The paper's model: Wan2.2-5B's video stream, a narrower audio stream of equal depth."""
        full = dict(
            in_channels_video=48, in_channels_audio=20, num_layers=30, num_heads_video=24, num_heads_audio=12,
            head_dim=128, ffn_dim_video=14336, ffn_dim_audio=8960, text_dim=4096, transcript_dim=512, text_form="joint",
            rope_alignment="paper", num_null_reference_tokens=32, conv_stem=False, audio_embed="conv", qk_norm="full",
            frame_rate=25.0, temporal_stride=4, audio_latent_rate=31.25,
        )  # fmt: skip
        return cls(**(full | changes))

    @classmethod
    def ovi(cls, **changes) -> HarmonyConfig:
        """The layout of Ovi's released weights: 2073 tensors, 11.660753 B parameters."""
        full = dict(
            in_channels_video=48, in_channels_audio=20, num_layers=30, num_heads_video=24, num_heads_audio=24,
            head_dim=128, ffn_dim_video=14336, ffn_dim_audio=14336, text_dim=4096, transcript_dim=0,
            interaction_order="parallel", share_text_qo=True, zero_init_interaction=False, interaction_window=None,
            interaction_rope="3d", rope_alignment="video", style=False, num_null_reference_tokens=0,
            reference_form="appended", conv_stem=False, audio_embed="conv", cross_timestep=False, qk_norm="full",
            frame_rate=24.0, temporal_stride=4, audio_latent_rate=31.25,
        )  # fmt: skip
        return cls(**(full | changes))
