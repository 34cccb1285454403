"""The graphics card of this machine: how much it holds, how fast it multiplies."""

from __future__ import annotations

import os
import time

import torch


def on_zero_gpu() -> bool:
    """Whether this is a Hugging Face Space with a shared GPU."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def has_card() -> bool:
    """Whether there is a card that torch computes on."""
    return torch.cuda.is_available()


def card_bytes() -> int | None:
    """Bytes of the card that are free for us; ``None`` where there is no card."""
    if not has_card():
        return None
    if on_zero_gpu():  # outside of a GPU call only the properties can be asked for
        return torch.cuda.get_device_properties(0).total_memory
    return torch.cuda.mem_get_info()[0]


def matmul_rate(
    device: torch.device | str, *, dtype: torch.dtype = torch.bfloat16, size: int = 8192, repeats: int = 5
) -> float:
    """Operations per second of one square matrix product, best of a few: what no model can exceed.

    Args:
        device: where it is measured. dtype: of the matrices.
        size: rows and columns. repeats: timed products; one more goes before them to warm up.
    """
    a = torch.ones(size, size, dtype=dtype, device=device)
    times = []
    for _ in range(repeats + 1):
        _wait(a.device)
        start = time.perf_counter()
        a @ a
        _wait(a.device)
        times.append(time.perf_counter() - start)
    return 2 * size**3 / min(times[1:])


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
