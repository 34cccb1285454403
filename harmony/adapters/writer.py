"""Writes a checkpoint shard by shard, in the names that diffusers and transformers open."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

SHARD_BYTES = 1 << 30  # saving a shard takes twice its size for a moment


def plan_shards(sizes: Mapping[str, int], shard_bytes: int = SHARD_BYTES) -> list[list[str]]:
    """Names in groups of at most ``shard_bytes``, in their order; a bigger tensor stands alone."""
    shards: list[list[str]] = []
    filled = 0
    for name, size in sizes.items():
        if not shards or filled + size > shard_bytes:
            shards.append([])
            filled = 0
        shards[-1].append(name)
        filled += size
    return shards


def write_shards(
    folder: Path,
    sizes: Mapping[str, int],
    read: Callable[[str], Tensor],
    *,
    stem: str = "diffusion_pytorch_model",
    shard_bytes: int = SHARD_BYTES,
    on_bytes: Callable[[int], None] | None = None,
) -> list[Path]:
    """Write tensors to safetensors, one shard in memory at a time, and their index where there are several.

    Args:
        folder: where to.
        sizes: bytes of each tensor as it will be written.
        read: gives a tensor by its name.
        stem: of the file names: ``diffusion_pytorch_model``, or ``model`` for transformers.
        shard_bytes: size of a shard.
        on_bytes: told after each shard how many bytes it has.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shards = plan_shards(sizes, shard_bytes)
    files, weight_map = [], {}
    for number, names in enumerate(shards, 1):
        part = f"-{number:05d}-of-{len(shards):05d}" if len(shards) > 1 else ""
        files.append(folder / f"{stem}{part}.safetensors")
        save_file(_apart({name: read(name) for name in names}), files[-1], metadata={"format": "pt"})
        weight_map |= dict.fromkeys(names, files[-1].name)
        if on_bytes is not None:
            on_bytes(sum(sizes[name] for name in names))
    if len(shards) > 1:
        index = {"metadata": {"total_size": sum(sizes.values())}, "weight_map": weight_map}
        text = json.dumps(index, indent=2, sort_keys=True) + "\n"
        (folder / f"{stem}.safetensors.index.json").write_text(text, encoding="utf-8")
    return files


def _apart(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors that share no memory, as safetensors wants them."""
    seen: set[int] = set()
    for name, tensor in tensors.items():
        tensor = tensor.contiguous()
        tensors[name] = tensor.clone() if tensor.data_ptr() in seen else tensor
        seen.add(tensors[name].data_ptr())
    return tensors


def num_bytes(shapes: Mapping[str, Iterable[int]], dtypes: Mapping[str, torch.dtype]) -> dict[str, int]:
    """Bytes of each tensor."""
    return {name: torch.Size(shape).numel() * dtypes[name].itemsize for name, shape in shapes.items()}
