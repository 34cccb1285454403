"""Ovi's forward pass, written from its published equations and nothing else, on weights in Ovi's own names.

One clip, float32. x_v and x_a are tokens (L, D); e0 is (L, 6, D), one row per token.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

EPS = 1e-6
AUDIO_SCALE = 0.19676


@dataclass(frozen=True)
class OviReference:
    weights: dict[str, Tensor]
    layers: int
    heads: int
    head_dim: int
    freq_dim: int

    def __call__(
        self, video: Tensor, audio: Tensor, *, text_video: Tensor, text_audio: Tensor, timestep: float,
        first_frame_is_clean: bool = False, skip_layer: int | None = None, voice: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """(C, T, h, w) and (C, A) to velocities of the same shapes; texts are (rows, text_dim), zero rows included.

        ``voice`` (C, R) is appended to the sound the DreamID-Omni way: same t, positions from 150 video latents on.
        """
        grid = (video.shape[1], video.shape[2] // 2, video.shape[3] // 2)
        v, a = Tower(self, "video_model."), Tower(self, "audio_model.")
        x_v, x_a = v.embed_video(video), a.embed_audio(audio)
        positions = torch.arange(len(x_a))
        if voice is not None:
            x_a = torch.cat([x_a, a.embed_audio(voice)])
            positions = torch.cat([positions, int(150 / AUDIO_SCALE) + torch.arange(voice.shape[1])])
        t_v = torch.full((len(x_v),), timestep, dtype=torch.float64)
        if first_frame_is_clean:
            t_v[: grid[1] * grid[2]] = 0
        e_v, e0_v = v.time(t_v)
        e_a, e0_a = a.time(torch.full((len(x_a),), timestep, dtype=torch.float64))
        context_v, context_a = v.text(text_video), a.text(text_audio)
        rope_v, rope_a = self.rope_video(grid), self.rope_audio(positions)
        for n in range(self.layers):
            if n == skip_layer:
                continue
            x_a, rows_a = a.self_attention(n, x_a, e0_a, rope_a)
            x_v, rows_v = v.self_attention(n, x_v, e0_v, rope_v)
            before = x_a
            x_a = a.cross_attention_and_ffn(n, x_a, x_v, rows_a, context_a, rope_a, rope_v)
            x_v = v.cross_attention_and_ffn(n, x_v, before, rows_v, context_v, rope_v, rope_a)
        out_v = v.head(x_v, e_v).reshape(*grid, 1, 2, 2, -1)
        out_v = torch.einsum("fhwpqrc->cfphqwr", out_v).reshape(video.shape)
        return out_v, a.head(x_a, e_a).T[:, : audio.shape[1]]

    # -- positions: complex factors (L, 1, head_dim / 2), split 22 / 21 / 21 at Ovi's size ----------------------------

    def rope_video(self, grid: tuple[int, int, int]) -> Tensor:
        half = self.head_dim // 2
        sides = (half - 2 * (half // 3), half // 3, half // 3)
        parts = []
        for axis, (length, width) in enumerate(zip(grid, sides, strict=True)):
            turns = self._turns(torch.arange(length), width, 1.0)
            shape = [1, 1, 1, width]
            shape[axis] = length
            parts.append(turns.view(shape).expand(*grid, width))
        return torch.cat(parts, dim=-1).reshape(-1, 1, half)

    def rope_audio(self, positions: Tensor) -> Tensor:
        half = self.head_dim // 2
        width = half - 2 * (half // 3)
        still = torch.ones(len(positions), half - width, dtype=torch.complex128)
        return torch.cat([self._turns(positions, width, AUDIO_SCALE), still], dim=-1)[:, None]

    @staticmethod
    def _turns(index: Tensor, width: int, scale: float) -> Tensor:
        frequency = 10_000.0 ** -(torch.arange(width, dtype=torch.float64) / width)
        angle = torch.outer(index.double(), frequency * scale)
        return torch.polar(torch.ones_like(angle), angle)


@dataclass(frozen=True)
class Tower:
    model: OviReference
    prefix: str

    def w(self, name: str) -> Tensor:
        return self.model.weights[self.prefix + name]

    def linear(self, name: str, x: Tensor) -> Tensor:
        return x @ self.w(f"{name}.weight").T + self.w(f"{name}.bias")

    def rms(self, name: str, x: Tensor) -> Tensor:
        return x / (x.square().mean(-1, keepdim=True) + EPS).sqrt() * self.w(f"{name}.weight")

    def affine_norm(self, name: str, x: Tensor) -> Tensor:
        return plain_norm(x) * self.w(f"{name}.weight") + self.w(f"{name}.bias")

    def embed_video(self, video: Tensor) -> Tensor:
        weight, bias = self.w("patch_embedding.weight"), self.w("patch_embedding.bias")
        return F.conv3d(video[None], weight, bias, stride=(1, 2, 2))[0].flatten(1).T

    def embed_audio(self, audio: Tensor) -> Tensor:
        x = F.conv1d(audio[None], self.w("patch_embedding.0.weight"), self.w("patch_embedding.0.bias"), padding=3)
        x = F.silu(x)
        w1, w2, w3 = (self.w(f"patch_embedding.2.w{k}.weight") for k in (1, 2, 3))
        inner = F.silu(F.conv1d(x, w1, padding=3)) * F.conv1d(x, w3, padding=3)
        return F.conv1d(inner, w2, padding=3)[0].T

    def time(self, t: Tensor) -> tuple[Tensor, Tensor]:
        half = self.model.freq_dim // 2
        angle = torch.outer(t, 10_000.0 ** -(torch.arange(half, dtype=torch.float64) / half))
        waves = torch.cat([angle.cos(), angle.sin()], dim=1).float()
        e = self.linear("time_embedding.2", F.silu(self.linear("time_embedding.0", waves)))
        return e, self.linear("time_projection.1", F.silu(e)).unflatten(1, (6, -1))

    def text(self, text: Tensor) -> Tensor:
        return self.linear("text_embedding.2", F.gelu(self.linear("text_embedding.0", text), approximate="tanh"))

    def heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.model.heads, self.model.head_dim))

    def self_attention(self, n: int, x: Tensor, e0: Tensor, rope: Tensor) -> tuple[Tensor, list[Tensor]]:
        rows = list((self.w(f"blocks.{n}.modulation.modulation") + e0).unbind(1))
        name = f"blocks.{n}.self_attn"
        h = plain_norm(x) * (1 + rows[1]) + rows[0]
        q, k = (self.heads(self.rms(f"{name}.norm_{p}", self.linear(f"{name}.{p}", h))) for p in "qk")
        y = attend(turn(q, rope), turn(k, rope), self.heads(self.linear(f"{name}.v", h)))
        return x + rows[2] * self.linear(f"{name}.o", y), rows

    def cross_attention_and_ffn(
        self, n: int, x: Tensor, other: Tensor, rows: list[Tensor], context: Tensor, rope: Tensor, rope_other: Tensor
    ) -> Tensor:
        name = f"blocks.{n}.cross_attn"
        q = self.heads(self.rms(f"{name}.norm_q", self.linear(f"{name}.q", self.affine_norm(f"blocks.{n}.norm3", x))))
        k = self.heads(self.rms(f"{name}.norm_k", self.linear(f"{name}.k", context)))
        text = attend(q, k, self.heads(self.linear(f"{name}.v", context)))
        y = self.affine_norm(f"{name}.pre_attn_norm_fusion", other)
        k = self.heads(self.rms(f"{name}.norm_k_fusion", self.linear(f"{name}.k_fusion", y)))
        heard = attend(turn(q, rope), turn(k, rope_other), self.heads(self.linear(f"{name}.v_fusion", y)))
        x = x + self.linear(f"{name}.o", text + heard)
        h = plain_norm(x) * (1 + rows[4]) + rows[3]
        h = F.gelu(self.linear(f"blocks.{n}.ffn.0", h), approximate="tanh")
        return x + rows[5] * self.linear(f"blocks.{n}.ffn.2", h)

    def head(self, x: Tensor, e: Tensor) -> Tensor:
        shift, scale = (self.w("head.modulation") + e[:, None]).unbind(1)
        return self.linear("head.head", plain_norm(x) * (1 + scale) + shift)


def plain_norm(x: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + EPS).sqrt()


def turn(x: Tensor, rope: Tensor) -> Tensor:
    """Neighbouring numbers of (L, H, head_dim) as complex ones, times the factors (L, 1, head_dim / 2)."""
    return torch.view_as_real(torch.view_as_complex(x.double().unflatten(-1, (-1, 2))) * rope).flatten(-2).float()


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """(L, H, d), (S, H, d), (S, H, d) to (L, H d)."""
    scores = torch.einsum("lhd,shd->hls", q, k) / q.shape[-1] ** 0.5
    return torch.einsum("hls,shd->lhd", scores.softmax(-1), v).flatten(1)
