"""A range of a file as one of ffmpeg-python's nodes, cut exactly.

Zero is the start of the file, as in a player, so that sound and pictures of one file over one range stay in sync.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import av
import ffmpeg

from harmony.media.errors import MediaError
from harmony.media.probe import MediaInfo, moving_pictures, opened
from harmony.media.program import file_url

# Decoding starts this much earlier than asked: lossy codecs need a moment to settle, and the picture on screen at the
# start may have come before it.
_RUN_UP_SOUND = 0.5
_RUN_UP_PICTURE = 2.0
_REORDERING = 1.0  # seconds by which a later packet may hold an earlier picture
_A_MOMENT = 0.001  # less than any picture lasts


def sound_stream(info: MediaInfo, *, start: float = 0.0, duration: float | None = None) -> Any:
    """ffmpeg-python's node for a range of a file's sound, starting exactly at ``start``, gaps filled with silence.

    Raises:
        MediaError: if there is no sound in that range.
    """
    if not info.has_audio:
        raise MediaError(f"'{info.name}' has no sound; choose a file with a sound track")
    run_up = _check_range(info, start, duration, _RUN_UP_SOUND)
    sound = _input(info, seek=start - run_up)["a:0"].filter("asetpts", f"round{_since(info, start - run_up)}")
    sound = sound.filter("aresample", **{"async": 1}, first_pts=0)
    cut = {} if duration is None else {"duration": f"{duration:.9f}"}
    return sound.filter("atrim", start=f"{run_up:.9f}", **cut).filter("asetpts", "PTS-STARTPTS")


def picture_stream(
    info: MediaInfo, *, start: float = 0.0, duration: float | None = None, frame_rate: float | None = None
) -> tuple[Any, Fraction]:
    """ffmpeg-python's node for a range of a film at a steady rate, and that rate.

    Raises:
        MediaError: if there are no pictures in that range.
    """
    _check_pictures(info)
    run_up = _check_range(info, start, duration, _RUN_UP_PICTURE)
    rate = exact_rate(info.frame_rate if frame_rate is None else frame_rate)
    pictures = _input(info, seek=start - run_up)["V:0"].filter("setpts", f"round{_since(info, start)}")
    return pictures.filter("fps", fps=str(rate), start_time=0, round="near"), rate


def film_stream(info: MediaInfo, *, start: float = 0.0, duration: float | None = None) -> Any:
    """ffmpeg-python's node for a range of a film with each picture at its own time, even where they come unevenly.

    The picture on screen at ``start`` comes first.

    Raises:
        MediaError: if there are no pictures in that range.
    """
    _check_pictures(info)
    _check_range(info, start, duration, 0.0)
    seek = max(_shown_at(info, start) - _A_MOMENT, 0.0) if start else 0.0
    pictures = _input(info, seek=seek)["V:0"].filter("setpts", f"round(max({_since(info, start)},0))")
    return pictures if duration is None else pictures.filter("trim", end=f"{duration:.9f}")


def whole_film(info: MediaInfo) -> Any:
    """ffmpeg-python's node of all pictures of a film, to be copied."""
    _check_pictures(info)
    return _input(info, shift=-info.start_time)["V:0"]


def exact_rate(frame_rate: float) -> Fraction:
    """A frame rate as the fraction that was meant: 29.97 is 30000/1001."""
    if not 0 < frame_rate < 1_000:
        raise MediaError(f"a frame rate of {frame_rate:g} makes no film; it must lie between 0 and 1000")
    return Fraction(frame_rate).limit_denominator(1_001)


def _input(info: MediaInfo, *, seek: float = 0.0, shift: float = 0.0) -> Any:
    """The file from ``seek`` seconds on, its time stamps as they are in the file, plus ``shift``."""
    options = {name: f"{value:.6f}" for name, value in (("ss", seek), ("itsoffset", shift)) if value}
    # The demuxer is named, so that no file can be taken for a list of other files.
    return ffmpeg.input(file_url(info.path), format=info.demuxer, **options)


def _since(info: MediaInfo, seconds: float) -> str:
    """Time stamps counted from ``seconds`` of a player's clock, in ffmpeg's language."""
    return f"(PTS-{info.start_time + seconds:.9f}/TB)"


def _check_range(info: MediaInfo, start: float, duration: float | None, run_up: float) -> float:
    """Raises ``MediaError`` if the range lies outside the file; returns by how much to start earlier."""
    if not (math.isfinite(start) and start >= 0):
        raise MediaError(f"the start must be 0 seconds or later, got {start:g}")
    if duration is not None and not (math.isfinite(duration) and duration > 0):
        raise MediaError(f"the duration must be longer than 0 seconds, got {duration:g}")
    if info.duration <= 0:
        raise MediaError(f"'{info.name}' lasts 0 seconds, so there is nothing in it; choose another file")
    if start >= info.duration:
        raise MediaError(
            f"'{info.name}' lasts {info.duration:.2f} s, so nothing starts at {start:.2f} s; start earlier"
        )
    return min(start, run_up)


def _check_pictures(info: MediaInfo) -> None:
    if not info.has_video:
        raise MediaError(f"'{info.name}' has no moving pictures; choose a video")


def _shown_at(info: MediaInfo, seconds: float) -> float:
    """When the picture that is on screen at ``seconds`` came, told by the packets around."""
    with opened(info.path) as container:
        video = moving_pictures(container)
        zero = info.start_time
        container.seek(round((seconds + zero) * av.time_base))
        shown = seconds
        found = False
        for packet in container.demux(video):
            if packet.pts is None:
                continue
            time = float(packet.pts * packet.time_base) - zero
            if time <= seconds + _A_MOMENT and (not found or time > shown):
                shown, found = time, True
            if time > seconds + _REORDERING:
                break
    return shown
