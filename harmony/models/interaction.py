"""What the streams tell each other: frame-wise local attention both ways, and Global Style Alignment.

Paper, Eqs. 5 to 7. Shape letters: B clips, S queries, L keys, H heads, D head_dim.
"""

from __future__ import annotations

from torch import Tensor, nn

from harmony.models.attention import Attention, attention
from harmony.models.windows import Blocks


class CrossModalAttention(Attention):
    """One stream's tokens look at the other stream's: A2V or V2A (Eq. 5), or the style path (Eq. 7).

    Both inputs are normed first, queries and keys have RMS norms. There is no gate (Eq. 6); ``zero_init`` starts the
    output projection at zero, so that training starts from two separate branches. Without a query and output
    projection of its own it borrows those of the text attention (Ovi).

    Args:
        dim: width of the tokens that look.
        source_dim: width of the tokens looked at.
    """

    def __init__(self, dim: int, *, source_dim: int, eps: float, zero_init: bool, **settings) -> None:
        super().__init__(dim, source_dim=source_dim, eps=eps, **settings)
        self.norm_source = nn.LayerNorm(source_dim, eps=eps)
        if not self.own_query_and_output:
            return
        self.norm = nn.LayerNorm(dim, eps=eps)
        if zero_init:
            nn.init.zeros_(self.to_out[0].weight)
            nn.init.zeros_(self.to_out[0].bias)

    def query(self, x: Tensor) -> Tensor:
        return super().query(self.norm(x))

    def key_value(self, source: Tensor) -> tuple[Tensor, Tensor]:
        return super().key_value(self.norm_source(source))

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        """Global attention without positions: the style path. (B, S, dim) and (B, L, source_dim) to (B, S, dim)."""
        return self.output(attention(self.query(x), *self.key_value(source)))


def local_attention(q: Tensor, k: Tensor, v: Tensor, blocks: Blocks | None) -> Tensor:
    """Frame-wise local attention in either direction (Eq. 5): each block of latents looks at its gathered window.

    Args:
        q: (B, S, H, D), the tokens that look, latent by latent; k, v: (B, L, H, D), all rotated.
        blocks: ``None`` for global attention.

    Returns:
        (B, S, H * D).
    """
    if blocks is None:
        return attention(q, k, v)
    attended = attention(blocks.queries(q), blocks.keys(k), blocks.keys(v), blocks.bias)
    return blocks.scatter(attended)
