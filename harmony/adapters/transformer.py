"""A public transformer as a Harmony transformer's folder, and back; one shard in memory at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from harmony.adapters.families import Family, family_of
from harmony.adapters.keymap import KeyMap, WrongCheckpoint
from harmony.adapters.ovi import ovi_map, to_ovi_map
from harmony.adapters.source import Checkpoint
from harmony.adapters.wan import wan_map
from harmony.adapters.writer import SHARD_BYTES, num_bytes, write_shards
from harmony.models.blocks import HarmonyBlock
from harmony.models.config import HarmonyConfig
from harmony.models.ends import AudioEnds, VideoEnds
from harmony.models.transformer import HarmonyTransformer


@dataclass(frozen=True)
class Converted:
    """What a conversion did: tensors taken over, and the names of those that start fresh or at zero."""

    family: str
    num_taken: int
    fresh: tuple[str, ...]
    num_parameters: int


def model_shapes(config: HarmonyConfig) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a model of ``config``, without its memory."""
    with torch.device("meta"):
        model = HarmonyTransformer.from_harmony_config(config)
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def map_for(source: Checkpoint, config: HarmonyConfig, *, expected: Sequence[Family]) -> KeyMap:
    """The checked map from a checkpoint to a model of ``config``.

    Raises:
        WrongCheckpoint: another family, or anything missing, left over or of another shape.
    """
    names, target = source.shapes, model_shapes(config)
    family = family_of(names)
    if family not in expected:
        raise WrongCheckpoint(f"{source.path.name} is a {family} checkpoint, not one of {' or '.join(expected)}")
    if family == "Ovi":
        keys = ovi_map(target, config)
    else:
        keys = wan_map(target, num_layers=config.num_layers, layout="original" if family == "Wan2.2" else "diffusers")
    keys.check(names, target)
    return keys


def convert_transformer(
    source: Checkpoint,
    folder: Path,
    config: HarmonyConfig,
    *,
    expected: Sequence[Family] = ("Ovi",),
    seed: int = 0,
    shard_bytes: int = SHARD_BYTES,
    on_bytes: Callable[[int], None] | None = None,
) -> Converted:
    """Write the folder of a :class:`HarmonyTransformer` from a public checkpoint. Dtypes stay (8-bit: bfloat16).

    Args:
        source: an open checkpoint of Ovi or Wan2.2.
        folder: where the config and the shards go.
        config: of the model.
        expected: families that are welcome; Wan2.2 fills the video stream alone.
        seed: of what starts fresh.
        shard_bytes: size of a shard.
        on_bytes: told after each shard how many bytes it has.

    Raises:
        WrongCheckpoint: see :func:`map_for`.
    """
    keys, shapes = map_for(source, config, expected=expected), model_shapes(config)
    origin = keys.sources
    fresh = FreshTensors(config, keys.fresh, seed=seed)
    new_dtype = source.main_dtype

    def read(name: str) -> Tensor:
        if name in origin:
            return source.read(origin[name])
        return torch.zeros(shapes[name], dtype=new_dtype) if name in keys.zeros else fresh[name].to(new_dtype)

    dtypes = {name: source.dtype(origin[name]) if name in origin else new_dtype for name in shapes}
    write_shards(folder, num_bytes(shapes, dtypes), read, shard_bytes=shard_bytes, on_bytes=on_bytes)
    save_config(folder, config)
    total = sum(torch.Size(shape).numel() for shape in shapes.values())
    return Converted(keys.family, len(keys.pairs), tuple(sorted(keys.fresh | keys.zeros)), total)


def num_bytes_of(source: Checkpoint, config: HarmonyConfig) -> int:
    """How many bytes :func:`convert_transformer` will write."""
    shapes = model_shapes(config)
    return sum(num_bytes(shapes, dict.fromkeys(shapes, source.main_dtype)).values())


def save_config(folder: Path, config: HarmonyConfig) -> None:
    """The ``config.json`` of a transformer that was never in memory."""
    with torch.device("meta"):
        HarmonyTransformer.from_harmony_config(config).save_config(folder)


def export_ovi(source: Checkpoint, file: Path, config: HarmonyConfig) -> int:
    """Write a Harmony transformer in Ovi's names as one file, and return how many tensors it has.

    Needs as much memory as the model: safetensors writes a file in one go.

    Raises:
        WrongCheckpoint: where Ovi has no place for what the model learned.
    """
    keys = to_ovi_map(config)
    with_ovi_names = {ovi: source.shapes.get(ours) for ours, ovi in keys.pairs}
    keys.check(source.shapes, {name: shape or () for name, shape in with_ovi_names.items()})
    save_file({ovi: source.read(ours) for ours, ovi in keys.pairs}, file, metadata={"format": "pt"})
    return len(keys.pairs)


class FreshTensors:
    """Start values of the parts that a checkpoint has not, made one layer at a time."""

    def __init__(self, config: HarmonyConfig, names: Iterable[str], *, seed: int) -> None:
        self.config, self.names, self.seed = config, frozenset(names), seed
        self._made: dict[str, Tensor] = {}

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.names:
            raise KeyError(name)
        if name not in self._made:
            self._make(name)
        return self._made.pop(name)

    def _make(self, name: str) -> None:
        """All fresh tensors of the layer or end that has this one."""
        parts = name.split(".")
        part = ".".join(parts[:2]) if parts[0] == "blocks" else parts[0]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed + sum(part.encode()))
            if parts[0] == "blocks":
                module: torch.nn.Module = HarmonyBlock(self.config, layer=int(parts[1]))
            else:
                module = {"video": VideoEnds, "audio": AudioEnds}[part](self.config)
        for local, tensor in module.state_dict().items():
            if f"{part}.{local}" in self.names:
                self._made[f"{part}.{local}"] = tensor


def config_of(folder: str | Path) -> HarmonyConfig:
    """The shape of a saved Harmony transformer."""
    settings = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    known = {name: value for name, value in settings.items() if not name.startswith("_")}
    return HarmonyConfig(**known | {"patch_size": tuple(known["patch_size"])})
