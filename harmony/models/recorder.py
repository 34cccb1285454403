"""Catches what was attended where, for pictures of where a sound comes from.

Shape letters: K recorded clips, T video latents, h and w token rows and columns, N = h w, A audio latents, H heads,
D head_dim; W, U and G as in :mod:`harmony.models.windows`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from harmony.models.attention import attention_weights
from harmony.models.geometry import SharedClock


class AttentionRecorder:
    """Keeps attention maps of chosen clips of a batch: means over heads and over the forward passes it was shown.

    Show it to one or several forward passes, then ask. Every question takes one layer, or ``None`` for the mean over
    the recorded layers; answers are float32 on the CPU.

    Args:
        clips: indices into the batch.
        layers: layers to record; ``None`` = all.
    """

    def __init__(self, clips: Sequence[int] = (0,), *, layers: Collection[int] | None = None) -> None:
        self.clips = list(clips)
        self.wanted = None if layers is None else set(layers)
        self._maps: dict[str, dict[int, list[Tensor]]] = defaultdict(lambda: defaultdict(list))

    @property
    def layers(self) -> list[int]:
        """The layers recorded so far."""
        return sorted(self._maps["v2a"])

    def sound_sources(self, layer: int | None = None) -> Tensor:
        """V2A weights (K, A, T, h, w): where audio latent j looks. They sum to 1 over (T, h, w)."""
        return self._mean("v2a", layer)

    def audio_of_frames(self, layer: int | None = None) -> Tensor:
        """A2V weights (K, T, A), averaged over space: what video latent i listens to. They sum to 1 over A."""
        return self._mean("a2v", layer)

    def update_norms(self, layer: int | None = None) -> Tensor:
        """Length (K, T, h, w) of what A2V adds to each video token."""
        return self._mean("update", layer)

    # -- called by the layers ------------------------------------------------------------------------------------------

    @torch.no_grad()
    def attention(
        self, layer: int, *, a2v: tuple[Tensor, Tensor], v2a: tuple[Tensor, Tensor], clock: SharedClock
    ) -> None:
        """Record from rotated (queries, keys) of both directions, each (B, tokens, H, D)."""
        if not self._wants(layer):
            return
        a2v, v2a = (tuple(x[self.clips].float() for x in pair) for pair in (a2v, v2a))
        self._keep("a2v", layer, _audio_per_frame(*a2v, clock))
        self._keep("v2a", layer, _video_per_audio(*v2a, clock))

    @torch.no_grad()
    def update(self, layer: int, update: Tensor, clock: SharedClock) -> None:
        """Record from what A2V adds to the video tokens, (B, T h w, D_v)."""
        if self._wants(layer):
            self._keep("update", layer, update[self.clips].float().norm(dim=-1).unflatten(1, clock.grid))

    def _wants(self, layer: int) -> bool:
        return self.wanted is None or layer in self.wanted

    def _keep(self, name: str, layer: int, value: Tensor) -> None:
        self._maps[name][layer].append(value.cpu())

    def _mean(self, name: str, layer: int | None) -> Tensor:
        if not self._maps[name]:
            raise ValueError("nothing was recorded: run the model with both streams and this recorder first")
        if layer is not None and layer not in self._maps[name]:
            raise ValueError(f"layer {layer} was not recorded, only {self.layers}")
        layers = self.layers if layer is None else [layer]
        return torch.stack([value for one in layers for value in self._maps[name][one]]).mean(0)


def _audio_per_frame(q: Tensor, k: Tensor, clock: SharedClock) -> Tensor:
    """A2V weights (K, T, A), averaged over heads and space."""
    q, k = q.unflatten(1, (clock.grid[0], -1)).transpose(2, 3), k.transpose(1, 2)
    if clock.windows is None:
        return attention_weights(q, k[:, None]).mean((2, 3))
    index = clock.windows.audio_index
    weights = attention_weights(q, k[:, :, index].transpose(1, 2), clock.windows.audio_mask[:, None, None])
    empty = q.new_zeros(len(q), clock.grid[0], k.shape[2])
    return empty.scatter_add(2, index.expand(len(q), -1, -1), weights.mean((2, 3)))


def _video_per_audio(q: Tensor, k: Tensor, clock: SharedClock) -> Tensor:
    """V2A weights (K, A, T, h, w), averaged over heads."""
    num_time, height, width = clock.grid
    if clock.windows is None:
        weights = attention_weights(q.transpose(1, 2), k.transpose(1, 2)).mean(1)
        return weights.unflatten(2, clock.grid)
    windows = clock.windows
    k = k.unflatten(1, (num_time, -1))[:, windows.video_index].flatten(2, 3).transpose(2, 3)
    mask = windows.video_mask.repeat_interleave(height * width, dim=-1)[:, None]
    weights = attention_weights(q[:, windows.group_index].transpose(2, 3), k, mask).mean(2)  # (K, T, G, U N)
    weights = weights.flatten(1, 2)[:, windows.group_slot].unflatten(2, (-1, height, width))
    largest = windows.group_index.shape[1]
    frames = windows.video_index[windows.group_slot // largest]  # (A, U): the window of each audio latent
    empty = q.new_zeros(len(q), q.shape[1], num_time, height, width)
    return empty.scatter_add(2, frames[None, :, :, None, None].expand_as(weights), weights)
