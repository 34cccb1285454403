"""One stream's own part of a layer: Wan's block, with the same parameters, and what Harmony adds for text.

Shape letters: B clips, S tokens, D width, G groups of tokens with one timestep each, H heads, L text tokens.
"""

from __future__ import annotations

import torch
from diffusers.models.attention import FeedForward
from torch import Tensor, nn
from torch.nn import functional as F

from harmony.models.attention import Attention, attention
from harmony.models.functional import gelu
from harmony.models.layer_inputs import JointInputs, StreamInputs, TextInputs
from harmony.models.rotary import rotate

Rows = tuple[Tensor, ...]


def modulate(x: Tensor, shift: Tensor, scale: Tensor, *, eps: float) -> Tensor:
    """adaLN: norm(x) (1 + scale) + shift, for x (B, S, D) and rows (B, G, D), each row for S / G tokens."""
    normed = F.layer_norm(x, x.shape[-1:], eps=eps).unflatten(1, (shift.shape[1], -1))
    return torch.addcmul(shift[:, :, None], normed, 1 + scale[:, :, None]).flatten(1, 2).to(x.dtype)


def add_gated(x: Tensor, gate: Tensor, update: Tensor) -> Tensor:
    """x + gate * update, for x and update (B, S, D) and gate (B, G, D)."""
    groups = (gate.shape[1], -1)
    moved = torch.addcmul(x.unflatten(1, groups), gate[:, :, None], update.unflatten(1, groups))
    return moved.flatten(1, 2).to(x.dtype)


class WanFeedForward(FeedForward):
    """diffusers' FFN (same parameters), with the activation that is quick on this machine."""

    def __init__(self, dim: int, inner_dim: int) -> None:
        super().__init__(dim, inner_dim=inner_dim, activation_fn="gelu-approximate")

    def forward(self, x: Tensor) -> Tensor:
        activation, _, project = self.net
        return project(gelu(activation.proj(x)))


class StreamBlock(nn.Module):
    """Self-attention, text attentions and FFN of one stream.

    Args:
        dim: width of the stream.
        ffn_dim: inner width of the FFN.
        eps: of the norms.
        cross_text: whether captions are cross-attended (not so in the ``joint`` form).
        transcript_dim: width of the transcript's tokens; 0: there is no transcript attention.
        heads: ``num_heads``, ``head_dim`` and ``qk_norm`` of all attentions.
    """

    def __init__(
        self, dim: int, *, ffn_dim: int, eps: float, cross_text: bool = True, transcript_dim: int = 0, **heads
    ) -> None:
        super().__init__()
        self.eps = eps
        self.attn1 = Attention(dim, eps=eps, **heads)
        if cross_text:
            self.norm2 = nn.LayerNorm(dim, eps=eps)
            self.attn2 = Attention(dim, eps=eps, **heads)
        if cross_text and transcript_dim:
            # No bias: a clip without words gets exactly nothing.
            self.attn_transcript = Attention(dim, source_dim=transcript_dim, output_bias=False, eps=eps, **heads)
        self.ffn = WanFeedForward(dim, ffn_dim)
        self.scale_shift_table = nn.Parameter(torch.randn(1, 6, dim) / dim**0.5)

    def rows(self, inputs: StreamInputs) -> Rows:
        """Shift, scale and gate of the self-attention, then of the FFN: six rows (B, G, D)."""
        return (self.scale_shift_table + inputs.rows).unbind(2)

    def attend_self(self, x: Tensor, rows: Rows, inputs: StreamInputs) -> Tensor:
        """The self-attention's residual step, x (B, S, D)."""
        q, k, v = self.attn1.qkv(modulate(x, rows[0], rows[1], eps=self.eps), inputs.rotation)
        mask = None if inputs.mask is None else inputs.mask[:, None, None, :]
        return add_gated(x, rows[2], self.attn1.output(attention(q, k, v, mask)))

    def attend_self_and_text(
        self, x: Tensor, rows: Rows, inputs: StreamInputs, text: Tensor, block: JointTextBlock
    ) -> tuple[Tensor, Tensor]:
        """The ``joint`` form (Eq. 2): one softmax over [z_r ; x_a ; e], text e (B, L, D) with its own projections."""
        size = x.shape[1]
        q, k, v = self.attn1.qkv(modulate(x, rows[0], rows[1], eps=self.eps), inputs.rotation)
        text_rows = block.rows(inputs.joint)
        q_e, k_e, v_e = block.qkv(text, text_rows, inputs.joint)
        mask = inputs.joint.mask
        mask = F.pad(mask, (size, 0), value=True) if inputs.mask is None else torch.cat([inputs.mask, mask], dim=1)
        q = q if q_e is None else torch.cat([q, q_e], dim=1)
        attended = attention(q, torch.cat([k, k_e], dim=1), torch.cat([v, v_e], dim=1), mask[:, None, None, :])
        x = add_gated(x, rows[2], self.attn1.output(attended[:, :size]))
        return x, block.update(text, text_rows, attended[:, size:])

    def text_query(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The normed state (B, S, D) that text attention reads, and its queries (B, S, H, D)."""
        h = self.norm2(x)
        return h, self.attn2.query(h)

    def text_update(self, h: Tensor, q: Tensor, inputs: StreamInputs, *, heard: Tensor | None = None) -> Tensor | int:
        """What captions and transcript add to x (B, S, D); exactly zero for a clip that has neither.

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

    def feed_forward(self, x: Tensor, rows: Rows) -> Tensor:
        """The FFN's residual step, x (B, S, D)."""
        return add_gated(x, rows[5], self.ffn(modulate(x, rows[3], rows[4], eps=self.eps)))


class JointTextBlock(nn.Module):
    """The text tokens' own part of a layer in the ``joint`` form: modulation, projections and FFN.

    In the last layer text is only read: nothing would read what it became.
    """

    def __init__(self, dim: int, *, ffn_dim: int, eps: float, last: bool, **heads) -> None:
        super().__init__()
        self.eps, self.last = eps, last
        self.attn = Attention(dim, eps=eps, own_query_and_output=not last, **heads)
        self.ffn = None if last else WanFeedForward(dim, ffn_dim)
        self.scale_shift_table = nn.Parameter(torch.randn(1, 2 if last else 6, dim) / dim**0.5)

    def rows(self, inputs: JointInputs) -> Rows:
        """As :meth:`StreamBlock.rows`; in the last layer only shift and scale of the attention."""
        return (self.scale_shift_table + inputs.rows[:, :, : self.scale_shift_table.shape[1]]).unbind(2)

    def qkv(self, text: Tensor, rows: Rows, inputs: JointInputs) -> tuple[Tensor | None, Tensor, Tensor]:
        h = modulate(text, rows[0], rows[1], eps=self.eps)
        if not self.last:
            return self.attn.qkv(h, inputs.rotation)
        k, v = self.attn.key_value(h)
        return None, rotate(k, inputs.rotation), v

    def update(self, text: Tensor, rows: Rows, attended: Tensor) -> Tensor:
        """Residual steps of attention (attended: (B, L, H * D)) and FFN; text (B, L, D)."""
        if self.last:
            return text
        text = add_gated(text, rows[2], self.attn.output(attended))
        return add_gated(text, rows[5], self.ffn(modulate(text, rows[3], rows[4], eps=self.eps)))


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
