"""MMAudio's 16 kHz VAE (``v1-16.pth``) and vocoder (``best_netG.pt``) as our sound codec.

Both are pickles, opened with ``weights_only=True``: tensors, never code. Two things are folded once and for all: the
VAE's convolutions are stored before their normalisation, the vocoder's as direction and length (weight norm).
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import torch
from diffusers.models.autoencoders.autoencoder_mmaudio import normalize
from torch import Tensor

from harmony.adapters.keymap import KeyMap, WrongCheckpoint
from harmony.models.codecs.mmaudio import MMAudioCodec

_LENGTHS = (".weight_g", ".parametrizations.weight.original0")
_DIRECTIONS = (".weight_v", ".parametrizations.weight.original1")


def read_pickle(file: Path) -> dict[str, Any]:
    """A dictionary from a PyTorch file, tensors only.

    Raises:
        WrongCheckpoint: the file is cut off, or holds more than tensors.
    """
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WrongCheckpoint(f"{file.name} holds code or is no PyTorch file; it was not opened") from error
    except (BadZipFile, EOFError, RuntimeError, ValueError) as error:
        raise WrongCheckpoint(f"{file.name} cannot be read: it is cut off ({error}); fetch it again") from error
    if not isinstance(content, dict):
        raise WrongCheckpoint(f"{file.name} holds a {type(content).__name__}, not named tensors")
    return content


def load_mmaudio(codec: MMAudioCodec, vae_file: Path, vocoder_file: Path) -> None:
    """Fill a codec from the two published files.

    Raises:
        WrongCheckpoint: one sentence about the first thing that does not fit.
    """
    vocoder = read_pickle(vocoder_file)
    if "generator" not in vocoder:
        raise WrongCheckpoint(f"{vocoder_file.name} has no 'generator'; it is not MMAudio's 16 kHz vocoder")
    fill(codec.vae.vae, vae_weights(read_pickle(vae_file)), family="MMAudio 16 kHz VAE")
    fill(codec.vocoder, vocoder_weights(vocoder["generator"], codec.vocoder.state_dict()), family="BigVGAN 16 kHz")


@torch.no_grad()
def fill(module: torch.nn.Module, weights: Mapping[str, Tensor], *, family: str) -> None:
    """Load weights whose names are the module's own, strictly and with a sentence if they do not fit."""
    target = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    same_names = KeyMap(family, tuple((name, name) for name in target))
    same_names.check({name: tuple(getattr(value, "shape", ())) for name, value in weights.items()}, target)
    module.load_state_dict(dict(weights))


def vae_weights(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Every convolution weight (out, in, k) at unit norm per output channel, over the root of its fan-in."""

    def folded(weight: Tensor) -> Tensor:
        return normalize(weight.float()) / weight[0].numel() ** 0.5

    return {name: folded(tensor) if name.endswith(".weight") else tensor for name, tensor in stored.items()}


def vocoder_weights(stored: Mapping[str, Tensor], ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Length times direction for every convolution, in our names; filters are constants and may be missing."""
    weights: dict[str, Tensor] = {}
    for name, tensor in stored.items():
        module, kind = split_weight_norm(name)
        if kind == "length":
            continue
        if kind == "direction":
            lengths = [stored[module + end] for end in _LENGTHS if module + end in stored]
            if not lengths:
                raise WrongCheckpoint(f"the vocoder has '{name}' without its length")
            norm = torch.linalg.vector_norm(tensor, dim=list(range(1, tensor.dim())), keepdim=True)
            weights[f"{module}.weight"] = lengths[0] * tensor / norm
        else:
            weights[name] = tensor
    for kind in ("weight", "bias"):  # ours stands in front of a tanh
        if f"conv_post.{kind}" in weights:
            weights[f"conv_post.0.{kind}"] = weights.pop(f"conv_post.{kind}")
    filters = {name: tensor for name, tensor in ours.items() if name.endswith(".filter")}
    return filters | weights


def split_weight_norm(name: str) -> tuple[str, str | None]:
    """A name's module, and whether it is a ``length`` or a ``direction`` of weight norm (else ``None``)."""
    for kind, endings in (("length", _LENGTHS), ("direction", _DIRECTIONS)):
        for ending in endings:
            if name.endswith(ending):
                return name.removesuffix(ending), kind
    return name, None
