"""Which number format the transformer computes in: chosen once per machine, kept in every request.

bfloat16 pays on CPUs with AVX-512 BF16 or AMX units and on GPUs; elsewhere it is emulated and slow. float16 is never
used on a CPU: its matrix products run hundreds of times slower there. Codecs always stay in float32.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Literal

import torch

Precision = Literal["float32", "bfloat16"]

DTYPES: dict[str, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def name_of(dtype: torch.dtype) -> str:
    """``torch.float32`` to ``"float32"``."""
    return str(dtype).removeprefix("torch.")


def dtype_of(precision: str, device: torch.device | str = "cpu") -> torch.dtype:
    """The dtype for ``"auto"``, ``"float32"`` or ``"bfloat16"``.

    Raises:
        ValueError: for any other name, float16 on a CPU included.
    """
    if precision == "auto":
        return DTYPES[best_precision(torch.device(device).type)]
    if precision not in DTYPES:
        raise ValueError(f"precision must be 'auto', 'float32' or 'bfloat16', got '{precision}'")
    return DTYPES[precision]


@lru_cache
def best_precision(device_type: str = "cpu") -> Precision:
    """The faster format on this machine; on a CPU decided by its features and one short measurement."""
    if device_type == "cuda":
        return "bfloat16"
    if device_type == "cpu" and cpu_has_bfloat16_units() and bfloat16_speedup() > 1.2:
        return "bfloat16"
    return "float32"


def cast(model: torch.nn.Module, dtype: torch.dtype) -> None:
    """Convert a diffusers model in place; what it wants in float32 (``_keep_in_fp32_modules``) stays there."""
    keep = getattr(model, "_keep_in_fp32_modules", None) or ()
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.is_floating_point() and not any(part in name.split(".") for part in keep):
            tensor.data = tensor.data.to(dtype)


def cpu_has_bfloat16_units() -> bool:
    """Whether the CPU multiplies bfloat16 natively (AVX-512 BF16 or AMX)."""
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, probe, lambda: False)() for probe in probes)


@lru_cache
def bfloat16_speedup(size: int = 512, repeats: int = 5) -> float:
    """How many times faster a bfloat16 matrix product is than a float32 one, best of a few; takes some 10 ms."""
    return _best_seconds(torch.float32, size, repeats) / _best_seconds(torch.bfloat16, size, repeats)


def _best_seconds(dtype: torch.dtype, size: int, repeats: int) -> float:
    a = torch.ones(size, size, dtype=dtype)
    times = []
    for _ in range(repeats + 1):  # the first one warms up
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    return min(times[1:])
