"""New sound under an old film, and old sound under new frames."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from harmony.media.encode import H264, as_yuv, own_times, raw_pictures, raw_sound, write_mp4
from harmony.media.probe import MediaInfo, probe
from harmony.media.source import film_stream, sound_stream, whole_film

_COPYABLE = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4"})  # what mp4 holds and players know


def mux(
    path: str | Path,
    *,
    video_from: str | Path | tuple[np.ndarray, float],
    audio_from: str | Path | tuple[np.ndarray, int],
    start: float | None = None,
    duration: float | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Put a sound under pictures, both whole: neither is cut to the other's length.

    The pictures of a whole film are copied bit for bit (where mp4 can hold their codec). Those of a part are encoded
    again, each at its own time, at the film's own size.

    Args:
        path: the mp4 to write.
        video_from: a film's file, or uint8 frames (F, H, W, 3) and their rate.
        audio_from: a file with sound, or a float waveform, (S,) or (channels, S), and its sample rate.
        start, duration: the part of each *file* that is kept, in seconds; arrays are taken as they are.
        metadata: tags of the new file; those of the sources are not taken over.

    Raises:
        MediaError: if a source cannot be read or the file cannot be written.
    """
    with TemporaryDirectory(prefix="harmony-") as folder:
        if isinstance(audio_from, tuple):
            sound = raw_sound(folder, *audio_from)
        else:
            sound = sound_stream(probe(audio_from), start=start or 0.0, duration=duration)
        if isinstance(video_from, tuple):
            pictures, data = raw_pictures(*video_from)
            _, height, width, _ = np.shape(video_from[0])
            pictures = as_yuv(pictures, height=height, width=width)
            return write_mp4(path, pictures, sound, metadata=metadata, data=data)
        pictures, options = _film(probe(video_from), start or 0.0, duration)
        return write_mp4(path, pictures, sound, metadata=metadata, **options)


def _film(info: MediaInfo, start: float, duration: float | None) -> tuple[Any, dict[str, Any]]:
    """The node of a film or of a part of it, and how it is written."""
    ends_early = duration is not None and duration < info.duration - 0.5 / (info.frame_rate or 1)
    if not start and not ends_early and info.video_codec in _COPYABLE:
        # Apple's players want to be told that HEVC's headers are out of band.
        return whole_film(info), dict(vcodec="copy") | (dict(vtag="hvc1") if info.video_codec == "hevc" else {})
    pictures = as_yuv(film_stream(info, start=start, duration=duration), height=info.height, width=info.width)
    return pictures, H264 | own_times(info.frame_rate)
