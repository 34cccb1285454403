"""A training's whole state in one safetensors file, written so that a crash leaves the old one or the new one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

STATE_NAME = "state.safetensors"
CONFIG_NAME = "config.yaml"
LOG_NAME = "log.jsonl"
TOKENIZER_FOLDER = "tokenizer"


@dataclass(frozen=True)
class Progress:
    """Where a training stands.

    Attributes:
        step: optimizer steps done; samples: clips seen by all processes; minutes: of training so far.
        batches: batches made per process; positions: each process' place in the shuffled clips.
    """

    step: int = 0
    samples: int = 0
    minutes: float = 0.0
    batches: int = 0
    positions: tuple[dict[str, Any], ...] = ()


def save_state(folder: Path, tensors: dict[str, dict[str, Tensor]], progress: Progress) -> Path:
    """Write the state.

    Args:
        folder: of the run.
        tensors: parts ("master", "ema", "exp_avg", "exp_avg_sq") of tensors by parameter name.
        progress: where the training stands.
    """
    flat = {
        f"{part}/{name}": tensor.detach().cpu().contiguous()
        for part, named in tensors.items()
        for name, tensor in named.items()
    }
    hidden = folder / f".{STATE_NAME}.new"
    save_file(flat, hidden, metadata={"progress": json.dumps(vars(progress))})
    hidden.replace(folder / STATE_NAME)
    return folder / STATE_NAME


def read_progress(folder: Path) -> Progress | None:
    """Where the run in ``folder`` stands, None if it has not been saved yet."""
    path = folder / STATE_NAME
    if not path.is_file():
        return None
    with safe_open(path, framework="pt") as file:
        fields = json.loads(file.metadata()["progress"])
    return Progress(**fields | {"positions": tuple(fields["positions"])})


def read_part(folder: Path, part: str) -> dict[str, Tensor]:
    """One part of a saved state by parameter name."""
    with safe_open(folder / STATE_NAME, framework="pt") as file:
        names = [key for key in file.keys() if key.startswith(f"{part}/")]  # noqa: SIM118 (not a dict)
        return {key.removeprefix(f"{part}/"): file.get_tensor(key) for key in names}


def fill(views: dict[str, Tensor], saved: dict[str, Tensor], *, where: Path) -> None:
    """Copy saved tensors into views of the same names.

    Raises:
        ValueError: if names or shapes differ: the run was made with another model.
    """
    different = sorted(
        name for name in views.keys() | saved.keys()
        if name not in views or name not in saved or views[name].shape != saved[name].shape
    )  # fmt: skip
    if different:
        raise ValueError(
            f"the run in '{where}' was made with another model ({different[0]} and {len(different) - 1} more differ); "
            "use another name, and init_from to start from its weights"
        )
    with torch.no_grad():
        for name, view in views.items():
            view.copy_(saved[name])
