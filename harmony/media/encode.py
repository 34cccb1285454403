"""Muxing to mp4: what is encoded how, which tags it gets, and what ffmpeg is fed from arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np

from harmony.media.errors import MediaError
from harmony.media.files import replacing
from harmony.media.program import ffmpeg_binary, file_url, has_option, run
from harmony.media.source import exact_rate

_AAC_RATE = 48_000  # at 16 kHz the codec's priming alone is 64 ms, and some players do not skip it
_TICKS = 90_000  # per second: finer than any picture's time needs
_MAX_CHANNELS = 8
_MAX_TAG = 100_000  # bytes: a tag travels as one word of a command line
_TAG_NAME = re.compile(r"[\w.-]+")
# What MP4 has names for; other keys need QuickTime's table of keys.
_MP4_TAGS = (
    "title artist album_artist composer album date comment genre copyright grouping lyrics description synopsis "
    "show episode_id network keywords"
)
_SCALERS = {"nearest": "neighbor", "lanczos": "lanczos+accurate_rnd+full_chroma_int"}
H264 = dict(
    vcodec="libx264",
    crf=16,  # no loss that one sees
    preset="medium",
    pix_fmt="yuv420p",
    bf=0,  # no reordering delay: pictures start at zero without an edit list
    color_range="tv",
    colorspace="bt709",
    color_primaries="bt709",
    color_trc="bt709",
)


def write_mp4(
    path: str | Path,
    pictures: Any,
    sound: Any | None,
    *,
    metadata: Mapping[str, str] | None = None,
    data: memoryview | None = None,
    **video_options: Any,
) -> Path:
    """Mux ffmpeg-python's nodes of pictures and sound to an mp4.

    ``video_options`` replace how the pictures are encoded (``vcodec="copy"`` for not at all). Neither stream is cut to
    the other's length: ``-shortest`` drops the last picture in recent versions of ffmpeg.

    Raises:
        MediaError: if ffmpeg fails; nothing is left behind.
    """
    tags = _checked_tags(metadata or {})
    flags = "+faststart" if set(tags).issubset(_MP4_TAGS.split()) else "+faststart+use_metadata_tags"
    streams, options = [pictures], video_options or H264
    if sound is not None:
        streams.append(sound.filter("aresample", _AAC_RATE))
        options = options | dict(acodec="aac", audio_bitrate="192k")
    # Tags of the sources are not taken over: a phone writes down where a film was shot.
    options = options | {"map_metadata": -1, **{f"metadata:g:{k}": f"{key}={tags[key]}" for k, key in enumerate(tags)}}
    if has_option(ffmpeg_binary(), "muxer=mp4", "movie_timescale"):
        options["movie_timescale"] = _AAC_RATE  # else the sound's length is rounded down to a millisecond
    with replacing(path) as temporary:
        output = ffmpeg.output(*streams, file_url(temporary), format="mp4", movflags=flags, **options)
        run(output, data=data, failure=f"'{Path(path).name}' could not be written; check the folder and the space left")
    return Path(path)


def as_yuv(pictures: Any, *, height: int, width: int, scaler: str = "lanczos") -> Any:
    """ffmpeg-python's node of ``pictures`` at this size, even, in 4:2:0 and BT.709, and marked so."""
    pictures = pictures.filter(
        "scale", width, height, flags=_SCALERS[scaler], in_color_matrix="auto", out_color_matrix="bt709", out_range="tv"
    ).filter("setsar", 1)
    if height % 2 or width % 2:
        pictures = pictures.filter("format", "yuv444p").filter("pad", width + width % 2, height + height % 2)
        pictures = pictures.filter("fillborders", right=width % 2, bottom=height % 2, mode="smear")
    return pictures.filter("format", "yuv420p").filter(
        "setparams", range="tv", color_primaries="bt709", color_trc="bt709", colorspace="bt709"
    )


def own_times(frame_rate: float) -> dict[str, Any]:
    """Options that leave each picture its own time; the last one, whose end is not known, lasts 1 / ``frame_rate``."""
    keep = "fps_mode" if has_option(ffmpeg_binary(), "long", "fps_mode") else "vsync"
    last = round(_TICKS / frame_rate)
    lasting = f"setts=duration=if(gt(DURATION\\,0)\\,DURATION\\,{last})"
    return {keep: "vfr", "enc_time_base": f"1:{_TICKS}", "bsf:v": lasting}


def raw_pictures(frames: np.ndarray, frame_rate: float) -> tuple[Any, memoryview]:
    """ffmpeg-python's node of uint8 frames (F, H, W, 3), and the bytes to feed it through standard input.

    Raises:
        MediaError: if these are no such frames.
    """
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or not frames.size:
        raise MediaError(f"frames must be uint8 (F, H, W, 3) and at least one, got {frames.dtype} {frames.shape}")
    _, height, width, _ = frames.shape
    pictures = ffmpeg.input(
        "pipe:", format="rawvideo", pix_fmt="rgb24", s=f"{width}x{height}", framerate=str(exact_rate(frame_rate))
    )
    return pictures["v:0"], memoryview(np.ascontiguousarray(frames)).cast("B")


def raw_sound(folder: str | Path, waveform: np.ndarray, sample_rate: int) -> Any:
    """ffmpeg-python's node of a waveform, (S,) or (channels, S), put into ``folder`` for ffmpeg to read."""
    samples = checked_waveform(waveform, sample_rate)
    file = Path(folder) / "sound.f32"
    samples.T.astype("<f4").tofile(file)
    return ffmpeg.input(file_url(file), format="f32le", ar=sample_rate, ac=len(samples))["a:0"]


def checked_waveform(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """A waveform, (S,) or (channels, S), as float32 (channels, S); raises ``MediaError`` if it is none."""
    samples = np.atleast_2d(np.asarray(waveform))
    if samples.ndim != 2 or not samples.size or not np.issubdtype(samples.dtype, np.floating):
        raise MediaError(f"the waveform must be floats (S,) or (channels, S), got {samples.dtype} {np.shape(waveform)}")
    if len(samples) > _MAX_CHANNELS:
        raise MediaError(f"the waveform has {len(samples)} channels; at most {_MAX_CHANNELS} can be written")
    if not np.isfinite(samples).all():
        raise MediaError("the waveform holds samples that are not finite numbers; the sound before it went wrong")
    if not 1_000 <= sample_rate <= 384_000:
        raise MediaError(f"a sample rate of {sample_rate} Hz cannot be written; it must lie between 1000 and 384000")
    return samples.astype(np.float32, copy=False)


def _checked_tags(metadata: Mapping[str, str]) -> dict[str, str]:
    for key, value in metadata.items():
        if not _TAG_NAME.fullmatch(key):
            raise MediaError(f"'{key}' is no name for a tag; use letters, digits, '_', '-' and '.'")
        if "\0" in value or len(value.encode()) > _MAX_TAG:
            raise MediaError(f"the tag '{key}' is longer than {_MAX_TAG} bytes or holds a zero byte; shorten it")
    return {key: value for key, value in metadata.items() if value}
