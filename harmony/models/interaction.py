"""What the streams tell each other: frame-wise local attention both ways, and Global Style Alignment.

Paper, Eqs. 5 to 7. Shape letters: B clips, T video latents, N tokens per video latent, A audio latents, S queries,
L keys, H heads, D head_dim; W, U and G as in :mod:`harmony.models.windows`.
"""

from __future__ import annotations

from torch import Tensor, nn

from harmony.models.attention import Attention, attention
from harmony.models.windows import Windows


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


def audio_to_video(q: Tensor, k: Tensor, v: Tensor, windows: Windows | None) -> Tensor:
    """Video tokens look at the audio latents in their latent's window.

    Args:
        q: (B, T * N, H, D); k, v: (B, A, H, D), all rotated.
        windows: ``None`` for global attention.

    Returns:
        (B, T * N, H * D).
    """
    if windows is None:
        return attention(q, k, v)
    index = windows.audio_index
    q = q.unflatten(1, (len(index), -1))
    out = attention(q, k[:, index], v[:, index], windows.audio_mask[:, None, None, :])
    return out.flatten(1, 2)


def video_to_audio(q: Tensor, k: Tensor, v: Tensor, windows: Windows | None) -> Tensor:
    """Audio latents look at all tokens of the video latents in their window; neighbours share one gathered window.

    Args:
        q: (B, A, H, D); k, v: (B, T * N, H, D), all rotated.
        windows: ``None`` for global attention.

    Returns:
        (B, A, H * D).
    """
    if windows is None:
        return attention(q, k, v)
    index = windows.video_index
    tokens = k.shape[1] // len(index)
    k, v = (x.unflatten(1, (-1, tokens))[:, index].flatten(2, 3) for x in (k, v))
    mask = windows.video_mask.repeat_interleave(tokens, dim=-1)[:, None]
    out = attention(q[:, windows.group_index], k, v, mask)
    return out.flatten(1, 2)[:, windows.group_slot]
