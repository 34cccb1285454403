"""Catches what was attended where, for pictures of where a sound comes from.

Shape letters: K recorded clips, T video latents, h and w token rows and columns, A audio latents, S queries, L keys,
H heads, D head_dim.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from harmony.models.attention import attention_weights
from harmony.models.geometry import SharedClock
from harmony.models.windows import Blocks


class AttentionRecorder:
    """Keeps attention maps of chosen clips of a batch: means over heads and over the forward passes it was shown.

    Show it to one or several forward passes, then ask. Every question takes one layer, or ``None`` for the mean over
    the recorded layers; answers are float32 on the CPU.

    Args:
        clips: indices into the batch.
        layers: layers to record; ``None`` = all.
        pointing: (layer, head) pairs whose V2A weights are kept apart, see :meth:`source_maps`.
    """

    def __init__(
        self,
        clips: Sequence[int] = (0,),
        *,
        layers: Collection[int] | None = None,
        pointing: Collection[tuple[int, int]] = (),
    ) -> None:
        self.clips = list(clips)
        self.wanted = None if layers is None else set(layers)
        self.pointing: dict[int, list[int]] = defaultdict(list)
        for layer, head in pointing:
            self.pointing[layer].append(head)
        self._maps: dict[str, dict[int, list[Tensor]]] = defaultdict(lambda: defaultdict(list))

    @property
    def layers(self) -> list[int]:
        """The layers recorded so far."""
        return sorted(self._maps["v2a"])

    def sound_sources(self, layer: int | None = None) -> Tensor:
        """V2A weights (K, A, T, h, w): where audio latent j looks. They sum to 1 over (T, h, w)."""
        return self._mean("v2a", layer)

    def source_maps(self) -> Tensor:
        """Where a sound comes from, (K, A, T, h, w): the mean over the ``pointing`` heads, or over everything recorded
        where there are none. Few heads look at sources; a mean over all of them drowns these."""
        if not self.pointing:
            return self.sound_sources()
        counts = {layer: len(heads) for layer, heads in self.pointing.items()}
        total = sum(self._mean("points", layer) * count for layer, count in counts.items())
        return total / sum(counts.values())

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
        if not self._wants(layer) and layer not in self.pointing:
            return
        a2v, v2a = (tuple(x[self.clips].float() for x in pair) for pair in (a2v, v2a))
        if layer in self.pointing:
            self._keep("points", layer, _video_per_audio(*(x[:, :, self.pointing[layer]] for x in v2a), clock))
        if not self._wants(layer):
            return
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
            raise ValueError(f"layer {layer} was not recorded, only {sorted(self._maps[name])}")
        layers = self.layers if layer is None else [layer]
        return torch.stack([value for one in layers for value in self._maps[name][one]]).mean(0)


def _audio_per_frame(q: Tensor, k: Tensor, clock: SharedClock) -> Tensor:
    """A2V weights (K, T, A), averaged over heads and space."""
    weights = _weights(q, k, clock.windows and clock.windows.a2v)
    return weights.unflatten(1, (clock.grid[0], -1)).mean(2)


def _video_per_audio(q: Tensor, k: Tensor, clock: SharedClock) -> Tensor:
    """V2A weights (K, A, T, h, w), averaged over heads."""
    return _weights(q, k, clock.windows and clock.windows.v2a).unflatten(2, clock.grid)


def _weights(q: Tensor, k: Tensor, blocks: Blocks | None) -> Tensor:
    """Weights (K, S, L) of queries (K, S, H, D) over keys (K, L, H, D), averaged over heads; 0 outside of windows."""
    if blocks is None:
        return attention_weights(q.transpose(1, 2), k.transpose(1, 2)).mean(1)
    tokens = k.shape[1] // blocks.num_keys
    queries, keys = blocks.queries(q).transpose(2, 3), blocks.keys(k).transpose(2, 3)
    weights = attention_weights(queries, keys, blocks.bias.float()).mean(2)  # (K, M, Q tokens, K tokens)
    columns = (blocks.key_index[:, :, None] * tokens + torch.arange(tokens, device=k.device)).flatten(1)
    spread = weights.new_zeros(*weights.shape[:3], k.shape[1])
    return blocks.scatter(spread.scatter(3, columns[None, :, None].expand_as(weights), weights))
