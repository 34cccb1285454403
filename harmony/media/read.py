"""Sounds, films and pictures as arrays, from anything that ffmpeg or Pillow opens.

Time runs as in a player: zero is the start of the file, a sound that starts late begins with silence and a film that
starts late with its first picture, so that what is read from one file over one range stays in sync.
"""

from __future__ import annotations

from pathlib import Path

import ffmpeg
import numpy as np
from PIL import Image, ImageOps

from harmony.media.errors import MediaError
from harmony.media.probe import MediaInfo, probe
from harmony.media.program import run
from harmony.media.source import picture_stream, sound_stream

_MAX_BYTES = 4 * 2**30
_PADDING = 0.1  # seconds of a codec's padding at most
_MISSING = 0.25  # seconds that a damaged file may lack before that is an error
_SCALER = "bicubic+accurate_rnd+full_chroma_int"


def read_audio(
    path: str | Path,
    *,
    start: float = 0.0,
    duration: float | None = None,
    sample_rate: int | None = None,
    mono: bool = True,
) -> tuple[np.ndarray, int]:
    """Read a sound, or the sound of a film. Only the asked range is decoded.

    Args:
        path: any file with a sound track.
        start, duration: the range in seconds; without ``duration`` to the end.
        sample_rate: of the result; the file's own by default.
        mono: mix all channels to one.

    Returns:
        float32 waveform, (S,) if ``mono`` else (channels, S), full scale at 1; and its sample rate.
        Where the file ends within the range, the waveform is shorter.

    Raises:
        MediaError: if the file is unreadable, silent or shorter than ``start``.
    """
    info = probe(path)
    rate = sample_rate or info.sample_rate
    sound = sound_stream(info, start=start, duration=duration)
    channels = 1 if mono else info.channels
    seconds = info.duration - start if duration is None else min(duration, info.duration)
    _check_memory(info, "sound", seconds * rate * channels * 4)
    # rematrix_maxval: mixing many channels to one must not leave full scale.
    sound = sound.filter("aresample", rate, rematrix_maxval=1.0)
    if mono:
        sound = sound.filter("aformat", channel_layouts="mono")
    output = ffmpeg.output(sound, "pipe:", format="f32le", acodec="pcm_f32le", ar=rate, ac=channels)
    raw, complaint = run(output, failure=f"the sound of '{info.name}' cannot be decoded; try another file")
    samples = np.frombuffer(raw, dtype="<f4").reshape(-1, channels).T
    samples = samples[:, : _wanted_samples(info, start, duration, rate, samples.shape[1])]
    end = info.duration if info.sound_end is None else info.sound_end
    _check_complete(info, samples.shape[1] / rate, start, duration, end, complaint)
    samples = np.array(samples, dtype=np.float32, order="C")  # a copy: what ffmpeg wrote is read-only
    return (samples[0] if mono else samples), rate


def read_video(
    path: str | Path,
    *,
    start: float = 0.0,
    duration: float | None = None,
    frame_rate: float | None = None,
    size: tuple[int, int] | None = None,
) -> tuple[np.ndarray, float]:
    """Read moving pictures at a steady rate. Only the asked range is decoded.

    Args:
        path: any file with moving pictures.
        start, duration: the range in seconds; without ``duration`` to the end.
        frame_rate: of the result: frame k is what was on screen in the middle of its slot. By default the file's own
            (its average where that varies).
        size: (height, width) of the result: the middle is kept, nothing is stretched. By default as shown.

    Returns:
        uint8 frames (F, H, W, 3), transparent parts on white; and their rate.

    Raises:
        MediaError: if the file is unreadable, has no pictures, is shorter than ``start``, or if the result would not
            fit in memory.
    """
    info = probe(path)
    pictures, rate = picture_stream(info, start=start, duration=duration, frame_rate=frame_rate)
    height, width = size or (info.height, info.width)
    seconds = info.duration - start if duration is None else min(duration, info.duration)
    _check_memory(info, "pictures", seconds * rate * height * width * 3)
    # Cover the asked size, then cut the middle out of it.
    cover = max(height / info.height, width / info.width)
    cover_width, cover_height = (max(a, round(b * cover)) for a, b in ((width, info.width), (height, info.height)))
    pictures = pictures.filter("scale", cover_width, cover_height, flags=_SCALER, in_color_matrix="auto")
    pictures = pictures.filter("crop", width, height)
    pixel, channels = ("rgba", 4) if info.has_alpha else ("rgb24", 3)
    limits = {} if duration is None else {"vframes": max(1, round(duration * rate))}
    output = ffmpeg.output(pictures, "pipe:", format="rawvideo", pix_fmt=pixel, **limits)
    raw, complaint = run(output, failure=f"the pictures of '{info.name}' cannot be decoded; try another file")
    frames = np.frombuffer(raw, dtype=np.uint8).reshape(-1, height, width, channels)
    _check_complete(info, len(frames) / rate, start, duration, info.num_frames / info.frame_rate, complaint)
    return (_on_white(frames) if info.has_alpha else frames.copy()), float(rate)


def read_image(path: str | Path) -> np.ndarray:
    """Read a picture, turned upright by its EXIF tag, transparent parts on white: uint8 (H, W, 3).

    Raises:
        MediaError: if it is no picture that Pillow opens.
    """
    path = Path(path)
    if not path.is_file():
        raise MediaError(f"there is no picture '{path}'; check its name")
    try:
        with Image.open(path) as image:
            image = ImageOps.exif_transpose(image)
            if image.mode.startswith(("I", "F")):
                image = _to_eight_bits(image)
            pixels = np.asarray(image.convert("RGBA"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise MediaError(
            f"'{path.name}' is no picture that can be read; save it as PNG or JPEG and try again"
        ) from error
    return _on_white(pixels)


def _wanted_samples(info: MediaInfo, start: float, duration: float | None, rate: int, got: int) -> int:
    """How many of the samples got were asked for: the last packet of a lossy codec holds a little too much."""
    wanted = got if duration is None else round(duration * rate)
    if info.sound_end is None:
        return wanted
    told = round((info.sound_end - start) * rate)
    return min(wanted, told) if 0 < got - told < _PADDING * rate else wanted


def _check_memory(info: MediaInfo, what: str, size: float) -> None:
    if size > _MAX_BYTES:
        raise MediaError(
            f"the {what} of '{info.name}' would take {size / 2**30:.0f} GiB of memory; "
            "read a shorter part, or at a lower rate or size"
        )


def _check_complete(
    info: MediaInfo, got: float, start: float, duration: float | None, end: float, complaint: str
) -> None:
    """A stream that ends before ``end`` is damaged where ffmpeg complained; headers that promise too much are not."""
    wanted = end - start if duration is None else min(duration, end - start)
    if got == 0:
        raise MediaError(f"nothing in '{info.name}' can be decoded from {start:.2f} s on; try another part or file")
    if complaint and got < wanted - _MISSING:
        raise MediaError(
            f"'{info.name}' is damaged: only {got:.2f} s of {wanted:.2f} s can be read; save it again from its source"
        )


def _on_white(pixels: np.ndarray) -> np.ndarray:
    """uint8 (..., 4) with straight alpha to uint8 (..., 3) over white."""
    colour, alpha = pixels[..., :3], pixels[..., 3:]
    if alpha.min(initial=255) == 255:
        return np.ascontiguousarray(colour)
    mixed = colour.astype(np.uint16) * alpha + 255 * (255 - alpha.astype(np.uint16))
    return ((mixed + 127) // 255).astype(np.uint8)


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """A grey picture of 16 bits or floats, its range kept: 65535 (or 1.0) becomes white."""
    values = np.asarray(image, dtype=np.float32)
    top = 1.0 if image.mode == "F" and values.max(initial=0) <= 1 else 65_535.0
    return Image.fromarray((values / top * 255).clip(0, 255).round().astype(np.uint8))
