"""Bytes and operations of a piece of code, counted while it runs on fake tensors: shapes without their memory.

The count is of the very code that will run, so that it stays right when the code changes. What it cannot know: an
allocator's rounding, a driver's own memory, and scratch space inside a kernel.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry


@dataclass(frozen=True)
class Cost:
    """Of one run: bytes at its highest point beyond what was there before, and multiply-adds times two."""

    peak_bytes: int
    operations: int


class Tally(TorchDispatchMode):
    """Bytes of all storages made inside that are still referenced, their highest sum, and operations.

    Operations by torch's own formulas, without ``FlopCounterMode``: its account of every module takes longer than all
    the rest.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = self.operations = 0
        self._live: dict[int, int] = {}

    def __torch_dispatch__(self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        known = {id_of(t) for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)}
        result = function(*args, **(kwargs or {}))
        formula = _FORMULAS.get(function._overloadpacket)
        if formula is not None:
            self.operations += formula(*args, **(kwargs or {}), out_val=result)
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and id_of(tensor) not in known:
                self._count(tensor)
        return result

    def _count(self, tensor: Tensor) -> None:
        storage, key = tensor.untyped_storage(), id_of(tensor)
        if key in self._live:
            return
        self._live[key] = size = storage.nbytes()
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._release, key)

    def _release(self, key: int) -> None:
        self.now -= self._live.pop(key, 0)


def id_of(tensor: Tensor) -> int:
    """The identity of a tensor's memory."""
    return tensor.untyped_storage()._cdata


class Rehearsal:
    """A model without memory: its tensors have shapes and dtypes, nothing else. Made once, run as often as need be.

    Args:
        make: gives the model.
    """

    def __init__(self, make: Callable[[], nn.Module]) -> None:
        self._mode = FakeTensorMode(allow_non_fake_inputs=True)
        with self._mode:
            self._model = make().eval()

    @contextmanager
    def stage(self) -> Iterator[nn.Module]:
        """The model; tensors made inside have no memory either, and real ones may be mixed in."""
        with self._mode:
            yield self._model


@torch.no_grad()
def cost_of(run: Callable[[], Any], *, warm_up: bool = True) -> Cost:
    """Run something and count; ``warm_up`` runs it once before, so that caches are not counted."""
    if warm_up:
        run()
    with Tally() as tally:
        run()
    return Cost(tally.peak, tally.operations)


def _attention(query: Tensor, key: Tensor, value: Tensor, *_: Any, **__: Any) -> int:
    """Operations of attention for (B, H, S, D), (B, H, L, D) and (B, H, L, D_v)."""
    batch, heads, queries, dim = query.shape
    return 2 * batch * heads * queries * key.shape[2] * (dim + value.shape[3])


_FORMULAS = {**flop_registry, torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention}
