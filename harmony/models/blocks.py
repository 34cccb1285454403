"""One layer of the two-stream transformer: both streams, what they tell each other, and the style path.

Shape letters: B clips, S tokens, D width, G groups of tokens with one timestep each (1, one per latent, or one per
token), R reference tokens, A audio latents, T video latents, L caption tokens, N transcript tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from diffusers.models.attention import FeedForward
from torch import Tensor, nn

from harmony.models.attention import Attention, attention
from harmony.models.config import HarmonyConfig
from harmony.models.geometry import SharedClock
from harmony.models.interaction import CrossModalAttention, audio_to_video, video_to_audio
from harmony.models.recorder import AttentionRecorder
from harmony.models.rotary import Rotation, rotate


@dataclass(frozen=True)
class TextInputs:
    """Keys of one text attention: tokens (B, L, D), mask (B, L) or ``None``, and rotations where text has positions."""

    tokens: Tensor
    mask: Tensor | None = None
    rotation_query: Rotation | None = None
    rotation_key: Rotation | None = None


@dataclass(frozen=True)
class StreamInputs:
    """What one stream's layers share.

    Attributes:
        rows: (B, G, 6, D) adaLN rows of the timesteps.
        rotation: of the self-attention's tokens.
        mask: (B, 1, 1, S) bool, or ``None``: which tokens are real (self-attention).
        caption, transcript: keys of the text attentions (``cross`` form).
        text_rows: (B, 1, 6, D) adaLN rows of the text tokens (``joint`` form).
    """

    rows: Tensor
    rotation: Rotation
    mask: Tensor | None = None
    caption: TextInputs | None = None
    transcript: TextInputs | None = None
    text_rows: Tensor | None = None


@dataclass(frozen=True)
class InteractionInputs:
    """The shared clock, and (B, 1, 1), 1 or 0 per clip, where only some clips take part (``None`` = all)."""

    clock: SharedClock
    keep: Tensor | None = None


def modulate(x: Tensor, shift: Tensor, scale: Tensor, *, eps: float) -> Tensor:
    """adaLN: norm(x) (1 + scale) + shift, for x (B, S, D) and rows (B, G, D), each row for S / G tokens."""
    normed = nn.functional.layer_norm(x, x.shape[-1:], eps=eps).unflatten(1, (shift.shape[1], -1))
    return torch.addcmul(shift[:, :, None], normed, 1 + scale[:, :, None]).flatten(1, 2).to(x.dtype)


def add_gated(x: Tensor, gate: Tensor, update: Tensor) -> Tensor:
    """x + gate * update, for x and update (B, S, D) and gate (B, G, D)."""
    groups = (gate.shape[1], -1)
    return (
        torch.addcmul(x.unflatten(1, groups), gate[:, :, None], update.unflatten(1, groups)).flatten(1, 2).to(x.dtype)
    )


class StreamBlock(nn.Module):
    """One stream's own part of a layer: Wan's block, same parameters, and a transcript attention where asked."""

    def __init__(
        self, dim: int, *, num_heads: int, head_dim: int, ffn_dim: int, qk_norm: str, eps: float,
        cross_text: bool = True, transcript_dim: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        heads = dict(num_heads=num_heads, head_dim=head_dim, qk_norm=qk_norm, eps=eps)
        self.eps = eps
        self.attn1 = Attention(dim, **heads)
        if cross_text:
            self.norm2 = nn.LayerNorm(dim, eps=eps)
            self.attn2 = Attention(dim, **heads)
            if transcript_dim:
                # No bias: a clip without words gets exactly nothing.
                self.attn_transcript = Attention(dim, source_dim=transcript_dim, output_bias=False, **heads)
        self.ffn = FeedForward(dim, inner_dim=ffn_dim, activation_fn="gelu-approximate")
        self.scale_shift_table = nn.Parameter(torch.randn(1, 6, dim) / dim**0.5)

    def rows(self, inputs: StreamInputs) -> tuple[Tensor, ...]:
        """Shift, scale and gate of the self-attention, then of the FFN: six rows (B, G, D)."""
        return (self.scale_shift_table + inputs.rows).unbind(2)

    def attend_self(self, x: Tensor, rows: tuple[Tensor, ...], inputs: StreamInputs) -> Tensor:
        q, k, v = self.attn1.qkv(modulate(x, rows[0], rows[1], eps=self.eps), inputs.rotation)
        return add_gated(x, rows[2], self.attn1.output(attention(q, k, v, inputs.mask)))

    def text_query(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The normed state (B, S, D) that text attention reads, and its queries (B, S, H, D)."""
        h = self.norm2(x)
        return h, self.attn2.query(h)

    def text_update(self, h: Tensor, q: Tensor, inputs: StreamInputs, *, heard: Tensor | None = None) -> Tensor | int:
        """What captions and transcript add to x (B, S, D).

        ``heard`` (B, S, H * D) is the interaction's share where it uses this query and output projection (Ovi).
        """
        update: Tensor | int = 0
        if heard is not None:
            if inputs.caption is not None:
                heard = heard + attend_text(self.attn2, q, inputs.caption)
            update = self.attn2.output(heard)
        elif inputs.caption is not None:
            update = blank_rows(self.attn2.output(attend_text(self.attn2, q, inputs.caption)), inputs.caption.mask)
        if inputs.transcript is not None:
            q = self.attn_transcript.query(h)
            update = update + self.attn_transcript.output(attend_text(self.attn_transcript, q, inputs.transcript))
        return update

    def feed_forward(self, x: Tensor, rows: tuple[Tensor, ...]) -> Tensor:
        return add_gated(x, rows[5], self.ffn(modulate(x, rows[3], rows[4], eps=self.eps)))


def attend_text(attn: Attention, q: Tensor, text: TextInputs) -> Tensor:
    """Text attention before its output projection, (B, S, H * D); clips whose mask is all False get exactly zero."""
    k, v = attn.key_value(text.tokens)
    q, k = rotate(q, text.rotation_query), rotate(k, text.rotation_key)
    if text.mask is None:
        return attention(q, k, v)
    empty = ~text.mask.any(dim=1, keepdim=True)
    return blank_rows(attention(q, k, v, (text.mask | empty)[:, None, None, :]), text.mask)


def blank_rows(x: Tensor, mask: Tensor | None) -> Tensor:
    """x (B, S, D) with exact zeros for clips whose mask (B, L) is all False."""
    return x if mask is None else x * mask.any(dim=1)[:, None, None]


class HarmonyBlock(nn.Module):
    """One layer. Both streams keep their own width; the depth is shared.

    Args:
        config: the transformer's shape.
        layer: index of this layer. The last layer has no style path: nothing would read what it writes.
    """

    def __init__(self, config: HarmonyConfig, *, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.parallel = config.interaction_order == "parallel"
        self.share_text_qo = config.share_text_qo
        shared = dict(head_dim=config.head_dim, qk_norm=config.qk_norm, eps=config.eps)
        dim_v, dim_a = config.dim_video, config.dim_audio
        heads_v, heads_a = dict(num_heads=config.num_heads_video), dict(num_heads=config.num_heads_audio)
        self.video = StreamBlock(dim_v, ffn_dim=config.ffn_dim_video, **heads_v, **shared)
        self.audio = StreamBlock(
            dim_a, ffn_dim=config.ffn_dim_audio, transcript_dim=config.transcript_dim, **heads_a, **shared
        )
        cross = dict(zero_init=config.zero_init_interaction, **shared)
        own = dict(own_query_and_output=not config.share_text_qo)
        self.a2v = CrossModalAttention(dim_v, source_dim=dim_a, **heads_v, **cross, **own)
        self.v2a = CrossModalAttention(dim_a, source_dim=dim_v, **heads_a, **cross, **own)
        last = layer == config.num_layers - 1
        self.style = None
        if config.style and not last:
            self.style = CrossModalAttention(dim_a, source_dim=dim_v, **heads_a, **cross)

    def forward(
        self,
        x_v: Tensor | None,
        x_a: Tensor | None,
        inputs_v: StreamInputs | None,
        inputs_a: StreamInputs | None,
        interaction: InteractionInputs | None,
        num_reference: int = 0,
        recorder: AttentionRecorder | None = None,
    ) -> tuple[Tensor | None, Tensor | None]:
        """Video tokens (B, S_v, D_v) and audio tokens [z_r ; x_a] (B, R + A, D_a) through the layer."""
        z_r = None
        if x_v is not None:
            rows_v = self.video.rows(inputs_v)
            x_v = self.video.attend_self(x_v, rows_v, inputs_v)
        if x_a is not None:
            rows_a = self.audio.rows(inputs_a)
            x_a = self.audio.attend_self(x_a, rows_a, inputs_a)
            z_r, x_a = x_a.split([num_reference, x_a.shape[1] - num_reference], dim=1)

        if interaction is None:
            if x_v is not None:
                x_v = x_v + self.video.text_update(*self.video.text_query(x_v), inputs_v)
            if x_a is not None:
                x_a = x_a + self.audio.text_update(*self.audio.text_query(x_a), inputs_a)
        elif self.share_text_qo:
            x_v, x_a = self._interact_with_text(x_v, x_a, inputs_v, inputs_a, interaction, recorder)
        else:
            text_v = self.video.text_update(*self.video.text_query(x_v), inputs_v)
            text_a = self.audio.text_update(*self.audio.text_query(x_a), inputs_a)
            if not self.parallel:
                x_v, x_a, text_v, text_a = x_v + text_v, x_a + text_a, 0, 0
            heard, seen = self._interact(self.a2v.query(x_v), self.v2a.query(x_a), x_v, x_a, interaction, recorder)
            x_v = x_v + text_v + kept(self.a2v.output(heard), interaction.keep)
            x_a = x_a + text_a + kept(self.v2a.output(seen), interaction.keep)

        if interaction is not None and self.style is not None and num_reference:
            z_r = z_r + kept(self.style(z_r, x_v), interaction.keep)
        if x_v is not None:
            x_v = self.video.feed_forward(x_v, rows_v)
        if x_a is not None:
            x_a = self.audio.feed_forward(torch.cat([z_r, x_a], dim=1) if num_reference else x_a, rows_a)
        return x_v, x_a

    def _interact(
        self, q_v: Tensor, q_a: Tensor, x_v: Tensor, x_a: Tensor, inputs: InteractionInputs,
        recorder: AttentionRecorder | None,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """What each stream takes from the other, before output projections; both read the state before either update."""
        clock = inputs.clock
        k_a, v_a = self.a2v.key_value(x_a)
        q_v, k_a = rotate(q_v, clock.a2v[0]), rotate(k_a, clock.a2v[1])
        k_v, v_v = self.v2a.key_value(x_v)
        q_a, k_v = rotate(q_a, clock.v2a[1]), rotate(k_v, clock.v2a[0])
        return audio_to_video(q_v, k_a, v_a, clock.windows), video_to_audio(q_a, k_v, v_v, clock.windows)

    def _interact_with_text(
        self, x_v: Tensor, x_a: Tensor, inputs_v: StreamInputs, inputs_a: StreamInputs,
        interaction: InteractionInputs, recorder: AttentionRecorder | None,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Ovi: text and interaction share queries and output projection, and are summed before the latter."""
        (h_v, q_v), (h_a, q_a) = self.video.text_query(x_v), self.audio.text_query(x_a)
        heard, seen = self._interact(q_v, q_a, x_v, x_a, interaction, recorder)
        heard, seen = kept(heard, interaction.keep), kept(seen, interaction.keep)
        return (
            x_v + self.video.text_update(h_v, q_v, inputs_v, heard=heard),
            x_a + self.audio.text_update(h_a, q_a, inputs_a, heard=seen),
        )


def kept(update: Tensor, keep: Tensor | None) -> Tensor:
    """The update of the clips that take part, exact zeros for the others."""
    return update if keep is None else update * keep
