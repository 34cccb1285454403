"""All parameters in one tensor: float32 masters, the model's own copies, and their gradients.

A step on a small model is over in a second on one core, so a loop over hundreds of parameters would be felt. Here the
parameters are views into one tensor, and clipping, AdamW, the moving average and the copy back are one operation each.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

_ALIGNMENT = 64  # numbers: every view starts at a cache line, in bfloat16 too


class FlatWeights:
    """Moves a model's parameters into flat storage.

    Args:
        model: its parameters become views of ``copies`` and their gradients views of ``grads``.
        dtype: of the model; in float32 the copies *are* the masters.
        trained: names of the parameters that learn; the others are frozen and only kept.

    Attributes:
        masters: float32 (N,) with N the size of all parameters and their padding.
        copies: (N,) in ``dtype``; grads: of the learning parameters, likewise.
    """

    def __init__(self, model: nn.Module, *, dtype: torch.dtype, trained: Collection[str]) -> None:
        named = dict(model.named_parameters())
        # Learning ones first; among these the matrices first, for only they decay.
        order = sorted(named, key=lambda name: (name not in trained, named[name].ndim < 2))
        self._places: dict[str, tuple[int, torch.Size]] = {}
        end = decayed = learning = 0
        for name in order:
            parameter = named[name]
            self._places[name] = (end, parameter.shape)
            end += -(-parameter.numel() // _ALIGNMENT) * _ALIGNMENT
            if name in trained:
                learning = end
                decayed = end if parameter.ndim >= 2 else decayed
        device = next(iter(named.values())).device
        self.masters = torch.zeros(end, device=device)
        self.copies = self.masters if dtype == torch.float32 else torch.zeros(end, device=device, dtype=dtype)
        self.grads = torch.zeros(learning, device=device, dtype=dtype)
        self._master_grads = self.grads if dtype == torch.float32 else torch.zeros(learning, device=device)
        self._decayed, self._learning = decayed, learning
        for name, view in self.named(self.masters).items():
            view.copy_(named[name].detach())
        self.publish()
        self._attach(named, trained)

    def _attach(self, named: dict[str, nn.Parameter], trained: Collection[str]) -> None:
        copies, grads = self.named(self.copies), self.named(self.grads)
        for name, parameter in named.items():
            parameter.data = copies[name]
            parameter.requires_grad_(name in trained)
            if name in trained:
                parameter.grad = grads[name]

    def named(self, flat: Tensor) -> dict[str, Tensor]:
        """Views of a flat tensor by parameter name; a shorter tensor gives the learning parameters only."""
        return {
            name: flat[start : start + shape.numel()].view(shape)
            for name, (start, shape) in self._places.items()
            if start + shape.numel() <= len(flat)
        }

    @torch.no_grad()
    def publish(self) -> None:
        """Show the model the masters."""
        if self.copies is not self.masters:
            self.copies.copy_(self.masters)

    @contextmanager
    def showing(self, weights: Tensor) -> Iterator[None]:
        """Show the model other weights (N,), such as the moving average, for a while."""
        kept = self.copies.clone()
        self.copies.copy_(weights)
        try:
            yield
        finally:
            self.copies.copy_(kept)

    def adamw(self, *, lr: float, betas: tuple[float, float], weight_decay: float) -> torch.optim.AdamW:
        """AdamW on the masters: two parameters, the matrices with weight decay and all else without."""
        parts = [(slice(0, self._decayed), weight_decay), (slice(self._decayed, self._learning), 0.0)]
        groups = []
        for part, decay in parts:
            parameter = nn.Parameter(self.masters[part])
            parameter.grad = self._master_grads[part]
            groups.append({"params": [parameter], "weight_decay": decay})
        return torch.optim.AdamW(groups, lr=lr, betas=betas, fused=True)

    def moments(self, optimizer: torch.optim.AdamW) -> dict[str, Tensor]:
        """AdamW's first and second moments as flat tensors (learning parameters), zeros before the first step."""
        found = {}
        for key in ("exp_avg", "exp_avg_sq"):
            parts = [g["params"][0] for g in optimizer.param_groups]
            found[key] = torch.cat([optimizer.state[p].get(key, torch.zeros_like(p)).detach() for p in parts])
        return found

    def load_moments(self, optimizer: torch.optim.AdamW, moments: dict[str, Tensor], step: int) -> None:
        """The inverse of :meth:`moments`, after ``step`` optimizer steps."""
        start = 0
        for group in optimizer.param_groups:
            parameter = group["params"][0]
            stop = start + parameter.numel()
            state = {key: flat[start:stop].clone() for key, flat in moments.items()}
            optimizer.state[parameter] = {"step": torch.tensor(float(step), device=parameter.device), **state}
            start = stop

    @torch.no_grad()
    def clip_grads(self, max_norm: float, *, reduce: Callable[[Tensor], Tensor] | None = None) -> Tensor:
        """Bring the gradients to float32, average them over processes, and clip them; returns their norm before."""
        if self._master_grads is not self.grads:
            self._master_grads.copy_(self.grads)
        if reduce is not None:
            self._master_grads.copy_(reduce(self._master_grads))
        norm = torch.linalg.vector_norm(self._master_grads)
        self._master_grads.mul_((max_norm / (norm + 1e-6)).clamp(max=1.0))
        return norm

    def zero_grads(self) -> None:
        self.grads.zero_()
