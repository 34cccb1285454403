"""Names and shapes of public checkpoints, spelled out as their files have them."""

from __future__ import annotations

import torch
from torch import Tensor

Shapes = dict[str, tuple[int, ...]]


def with_bias(name: str, *shape: int) -> Shapes:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def attention(name: str, dim: int) -> Shapes:
    shapes: Shapes = {}
    for part in "qkvo":
        shapes |= with_bias(f"{name}.{part}", dim, dim)
    return shapes | {f"{name}.norm_q.weight": (dim,), f"{name}.norm_k.weight": (dim,)}


def wan_layout(
    *, dim: int = 3072, ffn: int = 14336, layers: int = 30, channels: int = 48, text: int = 4096, freq: int = 256
) -> Shapes:
    """Wan2.2-TI2V-5B in its own names."""
    shapes = with_bias("patch_embedding", dim, channels, 1, 2, 2) | tower(dim, text, freq, out=4 * channels)
    for n in range(layers):
        shapes |= layer(f"blocks.{n}", dim, ffn) | {f"blocks.{n}.modulation": (1, 6, dim)}
    return shapes


def tower(dim: int, text: int, freq: int, *, out: int) -> Shapes:
    return (
        with_bias("text_embedding.0", dim, text)
        | with_bias("text_embedding.2", dim, dim)
        | with_bias("time_embedding.0", dim, freq)
        | with_bias("time_embedding.2", dim, dim)
        | with_bias("time_projection.1", 6 * dim, dim)
        | {"head.modulation": (1, 2, dim)}
        | with_bias("head.head", out, dim)
    )


def layer(name: str, dim: int, ffn: int) -> Shapes:
    return (
        attention(f"{name}.self_attn", dim)
        | {f"{name}.norm3.weight": (dim,), f"{name}.norm3.bias": (dim,)}
        | attention(f"{name}.cross_attn", dim)
        | with_bias(f"{name}.ffn.0", ffn, dim)
        | with_bias(f"{name}.ffn.2", dim, ffn)
    )


def ovi_layout(
    *, dim: int = 3072, ffn: int = 14336, layers: int = 30, video: int = 48, audio: int = 20, text: int = 4096,
    freq: int = 256, conv: int = 8192,
) -> Shapes:  # fmt: skip
    """Ovi's released files: 2073 tensors at full size."""
    pictures = with_bias("patch_embedding", dim, video, 1, 2, 2)
    sounds = with_bias("patch_embedding.0", dim, audio, 7) | {
        "patch_embedding.2.w1.weight": (conv, dim, 7),
        "patch_embedding.2.w2.weight": (dim, conv, 7),
        "patch_embedding.2.w3.weight": (conv, dim, 7),
    }
    shapes: Shapes = {}
    for model, patches, out in (("video_model", pictures, 4 * video), ("audio_model", sounds, audio)):
        stream = patches | tower(dim, text, freq, out=out)
        for n in range(layers):
            stream |= layer(f"blocks.{n}", dim, ffn) | other_stream(f"blocks.{n}.cross_attn", dim)
            stream[f"blocks.{n}.modulation.modulation"] = (1, 6, dim)
        shapes |= {f"{model}.{name}": shape for name, shape in stream.items()}
    return shapes


def other_stream(name: str, dim: int) -> Shapes:
    return (
        with_bias(f"{name}.k_fusion", dim, dim)
        | with_bias(f"{name}.v_fusion", dim, dim)
        | {f"{name}.pre_attn_norm_fusion.{kind}": (dim,) for kind in ("weight", "bias")}
        | {f"{name}.norm_k_fusion.weight": (dim,)}
    )


def random_weights(shapes: Shapes, *, seed: int = 0) -> dict[str, Tensor]:
    """Weights that let every part count: matrices as after a usual start, norms around 1."""
    g = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in shapes.items():
        spread = 0.1 if len(shape) == 1 else torch.Size(shape[1:]).numel() ** -0.5
        weights[name] = torch.randn(shape, generator=g) * spread
        if "norm" in name and name.endswith("weight"):
            weights[name] += 1
    return weights
