"""A checkpoint read one tensor at a time from memory-mapped safetensors: 23 GB on disk, one tensor in memory.

8-bit floats (e4m3) become bfloat16 on the way. Files that were scaled before rounding carry a factor beside each weight
(``X.scale_weight`` or ``X.weight_scale``: one number, one per row, or one per block of a row).
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from typing_extensions import Self

from harmony.adapters.keymap import WrongCheckpoint

FP8 = {"F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2}
DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, **FP8}

_SCALES = ("scale_weight", "weight_scale")  # beside "weight"
_NOTES = ("scale_input", "input_scale")  # of a runtime that also rounds activations; we do not
_MARKS = {"scaled_fp8"}


class Checkpoint:
    """Tensors by name, from one safetensors file, an index with its shards, or a folder with either.

    Use it as a context manager; files are open inside.

    Args:
        path: the file, the ``*.safetensors.index.json``, or the folder.

    Raises:
        FileNotFoundError: nothing is there.
        WrongCheckpoint: not safetensors, cut off, or a pickle.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._stack = ExitStack()
        self._files: dict[str, Any] = {}
        self._scales: dict[str, str] = {}

    def __enter__(self) -> Self:
        try:
            for file in find_files(self.path):
                handle = self._stack.enter_context(_open(file))
                self._files |= dict.fromkeys(handle.keys(), handle)
        except BaseException:
            self._stack.close()
            raise
        self._set_scales_apart()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the weights; scales of 8-bit floats belong to their weights and are not among them."""
        return {name: tuple(file.get_slice(name).get_shape()) for name, file in self._files.items()}

    def dtype(self, name: str) -> torch.dtype:
        """What :meth:`read` gives for this tensor."""
        stored = self._files[name].get_slice(name).get_dtype()
        return torch.bfloat16 if stored in FP8 else DTYPES[stored]

    @property
    def main_dtype(self) -> torch.dtype:
        """What most tensors are."""
        return Counter(self.dtype(name) for name in self._files).most_common(1)[0][0]

    def read(self, name: str) -> Tensor:
        """One tensor, left in the file's map if it can be; 8-bit floats as bfloat16, times their scale."""
        tensor = self._files[name].get_tensor(name)
        if tensor.dtype not in FP8.values():
            return tensor
        if name not in self._scales:
            return tensor.to(torch.bfloat16)
        scale = self._scale_files[name].get_tensor(self._scales[name]).float()
        return (tensor.float() * spread_scale(scale, tuple(tensor.shape), name)).to(torch.bfloat16)

    def _set_scales_apart(self) -> None:
        """Move scales, notes and marks out of the names; every scale must have its 8-bit weight."""
        self._scale_files = {}
        for name in list(self._files):
            module, _, last = name.rpartition(".")
            if last in _SCALES:
                weight = f"{module}.weight"
                if weight not in self._files:
                    raise WrongCheckpoint(f"{self.path.name} has a scale '{name}' without its weight")
                self._scales[weight] = name
                self._scale_files[weight] = self._files.pop(name)
            elif last in _NOTES or name in _MARKS:
                del self._files[name]


def spread_scale(scale: Tensor, shape: tuple[int, ...], name: str) -> Tensor:
    """The scale of a weight of ``shape`` (rows, columns, ...): one number, (rows,), (rows, 1) or one per block."""
    if scale.numel() == 1:
        return scale.reshape(())
    rows = shape[0]
    if scale.shape[0] != rows or len(shape) < 2:
        raise WrongCheckpoint(f"the scale {tuple(scale.shape)} of '{name}' does not fit its weight {shape}")
    blocks = scale.reshape(rows, -1)
    if shape[1] % blocks.shape[1]:
        raise WrongCheckpoint(f"the scale {tuple(scale.shape)} of '{name}' does not fit its weight {shape}")
    spread = blocks.repeat_interleave(shape[1] // blocks.shape[1], dim=1)
    return spread.reshape(rows, shape[1], *[1] * (len(shape) - 2))


def find_files(path: Path) -> list[Path]:
    """The safetensors files that ``path`` stands for.

    Raises:
        FileNotFoundError: nothing is there.
        WrongCheckpoint: not safetensors, or more than one checkpoint.
    """
    if path.is_dir():
        path = _only_checkpoint(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    if path.name.endswith(".index.json"):
        shards = sorted(set(json.loads(path.read_text(encoding="utf-8"))["weight_map"].values()))
        return [path.parent / shard for shard in shards]
    if path.suffix != ".safetensors":
        raise WrongCheckpoint(f"{path.name} is no safetensors file; other formats can carry code and are not opened")
    return [path]


def _only_checkpoint(folder: Path) -> Path:
    indices, files = sorted(folder.glob("*.safetensors.index.json")), sorted(folder.glob("*.safetensors"))
    found = indices or files
    if not found:
        raise FileNotFoundError(f"there are no safetensors in {folder}")
    if len(found) > 1:
        raise WrongCheckpoint(f"{folder} holds several checkpoints ({', '.join(f.name for f in found)}); name one")
    return found[0]


def _open(file: Path) -> Any:
    try:
        return safe_open(file, framework="pt")
    except (SafetensorError, OSError) as error:
        if not file.is_file():
            raise FileNotFoundError(f"{file.name} is missing beside its index; fetch it again") from error
        raise WrongCheckpoint(
            f"{file.name} cannot be read: it is cut off or no safetensors file ({error}); fetch it again"
        ) from error
