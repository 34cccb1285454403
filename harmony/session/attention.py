"""The attention of a finished clip as files: a film of it, a picture over time, and maps for drawing it otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harmony import media

if TYPE_CHECKING:
    from harmony.attention_view import AttentionMaps, View
    from harmony.generation import Generation
    from harmony.pipeline import HarmonyPipeline

_SHOWN = 256  # pixels to which small films are enlarged


@dataclass(frozen=True)
class AttentionFiles:
    """A film of the clip with a map over it (mp4), and the attention over time (png)."""

    film: Path
    picture: Path


def write_attention(pipe: HarmonyPipeline, generation: Generation, clip: Path) -> AttentionFiles:
    """Keep a clip's maps beside it, and draw where its sound looks.

    Raises:
        ValueError: if no attention was recorded.
    """
    from harmony.attention_view import AttentionMaps

    if generation.attention is None:
        raise ValueError("this clip was made without output_attention=True, so there is no attention to draw")
    timeline = pipe.timeline.with_num_frames(generation.request.num_frames)
    maps = AttentionMaps.of(generation.attention, timeline, window=pipe.transformer.config.interaction_window)
    maps.save(maps_file(clip))
    sound = (generation.waveform, generation.sample_rate)
    return _draw(maps, clip, generation.frames, generation.frame_rate, *sound, view="looks", layer=None)


def maps_file(clip: Path) -> Path:
    """Where a clip's maps are kept."""
    return clip.with_name(f"{clip.stem}-attention.npz")


def draw_attention(clip: Path, *, view: View, layer: int | None) -> AttentionFiles:
    """Another view of a clip's attention, from the maps that were kept; drawn once.

    Args:
        clip: the mp4 that :func:`write_attention` was called for.
        view, layer: see :meth:`harmony.attention_view.AttentionMaps.heat`.

    Raises:
        FileNotFoundError: the clip or its maps were swept away meanwhile.
    """
    from harmony.attention_view import AttentionMaps

    if not (clip.is_file() and maps_file(clip).is_file()):
        raise FileNotFoundError("this clip is no longer kept; make it again")
    files = _names(clip, view, layer)
    if files.film.is_file() and files.picture.is_file():
        return files
    maps = AttentionMaps.load(maps_file(clip))
    frames, frame_rate = media.read_video(clip)
    return _draw(maps, clip, frames, frame_rate, *media.read_audio(clip), view=view, layer=layer)


def recorded_layers(clip: Path) -> tuple[int, ...]:
    """Layers whose maps are kept for a clip; none where nothing was recorded."""
    from harmony.attention_view import AttentionMaps

    return AttentionMaps.load(maps_file(clip)).layers if maps_file(clip).is_file() else ()


def _names(clip: Path, view: View, layer: int | None) -> AttentionFiles:
    suffix = "" if (view, layer) == ("looks", None) else f"-{view}" + ("" if layer is None else f"-{layer}")
    stem = f"{clip.stem}-attention{suffix}"
    return AttentionFiles(clip.with_name(f"{stem}.mp4"), clip.with_name(f"{stem}.png"))


def _draw(
    maps: AttentionMaps, clip: Path, frames, frame_rate: float, waveform, sample_rate: int, *, view: View,
    layer: int | None,
) -> AttentionFiles:  # fmt: skip
    files = _names(clip, view, layer)
    drawn = maps.draw_over(frames, frame_rate, maps.heat(view, layer))
    scale = max(1, _SHOWN // min(frames.shape[1:3]))
    media.write_clip(files.film, drawn, waveform, frame_rate=frame_rate, sample_rate=sample_rate, scale=scale)
    maps.draw_matrix(maps.matrix(view, layer)).save(files.picture)
    return files
