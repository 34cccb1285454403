"""What a clip's attention looks like: where its sound looks, and which moment of it the picture listens to.

These are the model's own weights in the middle of the denoising, means over heads. They tell how the clip was made;
they do not measure what it shows.

Shape letters: L layers, T video latents, h and w token rows and columns, A audio latents.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from harmony.models.recorder import AttentionRecorder
from harmony.timeline import Timeline
from harmony.visualize import attention_matrix_figure, overlay_heat, to_image

View = Literal["looks", "added"]
_MAPS = ("sources", "looks", "added", "listens", "seen")


@dataclass(frozen=True)
class AttentionMaps:
    """The maps of one clip, small enough to be kept beside it.

    Attributes:
        layers: that were recorded.
        sources: (T, h, w) V2A weights of the heads that point at sources, summed over the sound that looks; the mean
            over everything where nobody knows such heads.
        looks: (L, T, h, w) the same of each layer's heads.
        added: (L, T, h, w) length of what A2V attention adds to each place of the picture.
        listens: (L, T, A) A2V weights over the sound, a mean over places.
        seen: (L, T, A) V2A weights over time, summed over places.
        timeline: of the clip; window: of local attention, in video latents, ``None`` = global.
    """

    layers: tuple[int, ...]
    sources: np.ndarray
    looks: np.ndarray
    added: np.ndarray
    listens: np.ndarray
    seen: np.ndarray
    timeline: Timeline
    window: float | None

    @classmethod
    def of(cls, recorder: AttentionRecorder, timeline: Timeline, *, window: float | None) -> AttentionMaps:
        """The first recorded clip's maps. Raises ``ValueError`` if nothing was recorded."""
        layers = tuple(recorder.layers)
        by_layer = [recorder.sound_sources(layer)[0] for layer in layers]  # (A, T, h, w) each
        stacked = dict(
            looks=[sources.sum(0).numpy() for sources in by_layer],
            added=[recorder.update_norms(layer)[0].numpy() for layer in layers],
            listens=[recorder.audio_of_frames(layer)[0].numpy() for layer in layers],
            seen=[sources.sum((2, 3)).T.numpy() for sources in by_layer],
        )
        maps = {name: np.stack(values) for name, values in stacked.items()}
        return cls(layers, recorder.source_maps()[0].sum(0).numpy(), **maps, timeline=timeline, window=window)

    def save(self, path: Path) -> Path:
        """Write everything into one ``.npz``, in half precision."""
        clock = np.array(list(asdict(self.timeline).values()), dtype=np.float64)
        maps = {name: getattr(self, name).astype(np.float16) for name in _MAPS}
        window = np.nan if self.window is None else self.window
        np.savez(path, layers=np.array(self.layers), clock=clock, window=window, **maps)
        return path

    @classmethod
    def load(cls, path: Path) -> AttentionMaps:
        """The inverse of :meth:`save`; nothing is unpickled."""
        with np.load(path, allow_pickle=False) as file:
            named = zip(asdict(Timeline()).items(), file["clock"].tolist(), strict=True)
            clock = {name: type(usual)(value) for (name, usual), value in named}
            window = float(file["window"])
            maps = {name: file[name].astype(np.float32) for name in _MAPS}
            layers = tuple(int(layer) for layer in file["layers"])
        return cls(layers, **maps, timeline=Timeline(**clock), window=None if np.isnan(window) else window)

    def heat(self, view: View = "looks", layer: int | None = None) -> np.ndarray:
        """A map (T, h, w) to be drawn over the picture.

        Args:
            view: ``looks``: where the sound looks; ``added``: what listening changes in the picture.
            layer: one of :attr:`layers`; ``None``: the heads that point at sources, or for ``added`` all layers' mean.
        """
        if layer is None:
            return self.sources if view == "looks" else self.added.mean(0)
        return getattr(self, view)[self.layers.index(layer)]

    def matrix(self, view: View = "looks", layer: int | None = None) -> np.ndarray:
        """Time against time, (T, A): the sound that the picture listens to (``added``), or the picture that the sound
        looks at (``looks``)."""
        maps = self.seen if view == "looks" else self.listens
        return maps.mean(0) if layer is None else maps[self.layers.index(layer)]

    def draw_over(self, frames: np.ndarray, frame_rate: float, heat: np.ndarray) -> np.ndarray:
        """Pictures uint8 (F, H, W, 3) with ``heat`` (T, h, w) over them.

        The pictures may have another rate than the model's (a given film), but must show what the model saw.
        """
        times = [(k + 0.5) / frame_rate for k in range(len(frames))]
        return overlay_heat(frames, heat[[self.timeline.video_latent_at(seconds) for seconds in times]])

    def draw_matrix(self, matrix: np.ndarray) -> Image.Image:
        """A matrix (T, A) on both time axes, with the band of local attention."""
        return to_image(attention_matrix_figure(matrix, self.timeline, window=self.window))
