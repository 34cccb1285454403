"""Attention: one function for the arithmetic, one module for projections and norms (parameter names as in Wan).

Shape letters: B clips, S queries, L keys, H heads, D head_dim.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harmony.models.functional import rms_norm
from harmony.models.rotary import Rotation, rotate

# Above this many scores their matrix would take too much memory to be written out.
_MOST_SCORES = 1 << 27
# Below this many keys, softmax along the last dimension is slow on CPUs: rows do not fill a vector.
_SHORT_ROW = 32


def attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """softmax(q k^T / sqrt(D) + mask) v.

    Args:
        q: (*batch, S, H, D); k, v: (*batch, L, H, D).
        mask: broadcastable to (*batch, H, S, L). Bool: True where a query may look; or numbers that are added, -inf
            where it may not. Every query needs something to look at.

    Returns:
        (*batch, S, H * D).
    """
    q, k, v = (x.transpose(-3, -2) for x in (q, k, v))
    if q.device.type == "cpu" and q.shape[:-1].numel() * k.shape[-2] <= _MOST_SCORES:
        out = attention_weights(q, k, mask) @ v
    else:
        out = _fused(q, k, v, mask)
    return out.transpose(-3, -2).flatten(-2)


def _fused(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """Torch's kernel, which is quick for one batch dimension: (*batch, H, S, D) goes in as (B, H, S, D)."""
    batch = q.shape[:-3]
    if mask is not None:
        mask = mask if mask.dtype == torch.bool else mask.to(q.dtype)
        mask = mask.expand(*batch, *mask.shape[-3:]).reshape(-1, *mask.shape[-3:])
    q, k, v = (x.reshape(-1, *x.shape[-3:]) for x in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask).unflatten(0, batch)


def attention_weights(q: Tensor, k: Tensor, mask: Tensor | None = None) -> Tensor:
    """The softmax of q (*batch, H, S, D) over k (*batch, H, L, D): (*batch, H, S, L); mask as in :func:`attention`.

    Written out by hand: on CPUs, in bf16 and with gradients, faster than the fused kernel.
    """
    q = q * q.shape[-1] ** -0.5
    if mask is not None and mask.dtype == torch.bool:
        mask = torch.zeros_like(mask, dtype=q.dtype).masked_fill(~mask, -torch.inf)
    if k.shape[-2] < _SHORT_ROW:
        scores = k @ q.transpose(-1, -2)
        if mask is not None:
            scores = scores + mask.transpose(-1, -2)
        return scores.softmax(dim=-2).transpose(-1, -2)
    scores = q @ k.transpose(-1, -2)
    if mask is not None:
        scores = scores + mask
    return scores.softmax(dim=-1)


class RMSNorm(nn.RMSNorm):
    """Root-mean-square norm over the last dimension, by :func:`~harmony.models.functional.rms_norm`."""

    def forward(self, x: Tensor) -> Tensor:
        return rms_norm(x, self.weight, self.eps)


class Attention(nn.Module):
    """Projections, query and key norms, rotary positions, attention, output projection.

    Args:
        dim: width of the queries' tokens and of the result.
        num_heads, head_dim: inner width is their product.
        source_dim: width of the keys' tokens, ``dim`` if left out.
        qk_norm: ``full`` or ``head``, see :class:`~harmony.models.config.HarmonyConfig`.
        own_query_and_output: False leaves out both: another attention lends them.
    """

    def __init__(
        self,
        dim: int,
        *,
        num_heads: int,
        head_dim: int,
        source_dim: int | None = None,
        qk_norm: str = "full",
        eps: float = 1e-6,
        own_query_and_output: bool = True,
        output_bias: bool = True,
    ) -> None:
        super().__init__()
        inner = num_heads * head_dim
        source_dim = dim if source_dim is None else source_dim
        self.head_dim = head_dim
        self.own_query_and_output = own_query_and_output
        self.norm_heads = qk_norm == "head"
        norm_dim = head_dim if self.norm_heads else inner
        if own_query_and_output:
            self.to_q = nn.Linear(dim, inner)
            self.norm_q = RMSNorm(norm_dim, eps=eps)
            self.to_out = nn.ModuleList([nn.Linear(inner, dim, bias=output_bias)])
        self.to_k = nn.Linear(source_dim, inner)
        self.to_v = nn.Linear(source_dim, inner)
        self.norm_k = RMSNorm(norm_dim, eps=eps)

    def query(self, x: Tensor) -> Tensor:
        """Normed queries (B, S, H, D) of tokens (B, S, dim), not yet rotated."""
        return self._normed(self.to_q(x), self.norm_q)

    def key_value(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """Normed keys and values, each (B, L, H, D), of tokens (B, L, source_dim), not yet rotated."""
        return self._normed(self.to_k(source), self.norm_k), self._heads(self.to_v(source))

    def output(self, attended: Tensor) -> Tensor:
        """(B, S, H * D) to the update (B, S, dim)."""
        return self.to_out[0](attended)

    def qkv(self, x: Tensor, rotation: Rotation | None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of x (B, S, dim) for self-attention, rotated."""
        k, v = self.key_value(x)
        return rotate(self.query(x), rotation), rotate(k, rotation), v

    def _normed(self, x: Tensor, norm: RMSNorm) -> Tensor:
        return norm(self._heads(x)) if self.norm_heads else self._heads(norm(x))

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, self.head_dim))
