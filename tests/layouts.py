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


def mmaudio_vae_layout(*, mels: int = 80, latents: int = 20, dim: int = 384) -> Shapes:
    """MMAudio's ``v1-16.pth``: 1-D convolutions without bias, three levels, attention in the middle."""
    widths = (dim, 2 * dim, 4 * dim)
    top = widths[-1]

    def block(name: str, inner: int, outer: int) -> Shapes:
        shapes: Shapes = {f"{name}.conv1.weight": (outer, inner, 3), f"{name}.conv2.weight": (outer, outer, 3)}
        return shapes if inner == outer else shapes | {f"{name}.nin_shortcut.weight": (outer, inner, 1)}

    def middle(name: str) -> Shapes:
        attention = {f"{name}.attn_1.qkv.weight": (3 * top, top, 1), f"{name}.attn_1.proj_out.weight": (top, top, 1)}
        return block(f"{name}.block_1", top, top) | attention | block(f"{name}.block_2", top, top)

    shapes: Shapes = {"data_mean": (1, mels, 1), "data_std": (1, mels, 1)}
    shapes |= {"encoder.learnable_gain": (), "encoder.conv_in.weight": (dim, mels, 3)} | middle("encoder.mid")
    shapes |= {"encoder.conv_out.weight": (2 * latents, top, 3)}
    shapes |= {f"encoder.down.0.downsample.conv{k}.weight": (dim, dim, 1) for k in (1, 2)}
    shapes |= {"decoder.learnable_gain": (), "decoder.conv_in.weight": (top, latents, 3)} | middle("decoder.mid")
    shapes |= {"decoder.conv_out.weight": (mels, dim, 3), "decoder.up.1.upsample.conv.weight": (2 * dim, 2 * dim, 3)}
    for level, width in enumerate(widths):
        below, above = widths[max(level - 1, 0)], widths[min(level + 1, 2)]
        for k in range(2):
            shapes |= block(f"encoder.down.{level}.block.{k}", below if k == 0 else width, width)
        for k in range(3):
            shapes |= block(f"decoder.up.{level}.block.{k}", above if k == 0 else width, width)
    return shapes


def bigvgan_layout(
    *, mels: int = 80, dim: int = 1536, kernels: tuple[int, ...] = (8, 8, 4, 4, 4, 4), filters: bool = True
) -> Shapes:
    """MMAudio's ``best_netG.pt`` under "generator": BigVGAN with weight norm, snake activations and tanh."""

    def convolution(name: str, *shape: int, bias: int) -> Shapes:
        return {f"{name}.weight_g": (shape[0], 1, 1), f"{name}.weight_v": shape, f"{name}.bias": (bias,)}

    def activation(name: str, width: int) -> Shapes:
        shapes: Shapes = {f"{name}.act.alpha": (width,), f"{name}.act.beta": (width,)}
        constants: Shapes = {f"{name}.{where}.filter": (1, 1, 12) for where in ("upsample", "downsample.lowpass")}
        return shapes | constants if filters else shapes

    shapes = convolution("conv_pre", dim, mels, 7, bias=dim)
    for stage, kernel in enumerate(kernels):
        width = dim // 2 ** (stage + 1)
        shapes |= convolution(f"ups.{stage}.0", 2 * width, width, kernel, bias=width)
        for block, size in enumerate((3, 7, 11)):
            name = f"resblocks.{3 * stage + block}"
            for k in range(3):
                for convs in ("convs1", "convs2"):
                    shapes |= convolution(f"{name}.{convs}.{k}", width, width, size, bias=width)
            for k in range(6):
                shapes |= activation(f"{name}.activations.{k}", width)
    return shapes | activation("activation_post", width) | convolution("conv_post", 1, width, 7, bias=1)


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
