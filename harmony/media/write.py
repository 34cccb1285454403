"""Arrays to files that play everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import soundfile

from harmony.media.encode import as_yuv, checked_waveform, raw_pictures, raw_sound, write_mp4
from harmony.media.errors import MediaError
from harmony.media.files import replacing


def write_clip(
    path: str | Path,
    frames: np.ndarray,
    waveform: np.ndarray | None,
    *,
    frame_rate: float,
    sample_rate: int,
    metadata: Mapping[str, str] | None = None,
    scale: int = 1,
    scaler: Literal["nearest", "lanczos"] = "lanczos",
) -> Path:
    """Write an mp4 (h264, and aac at 48 kHz) that plays everywhere, every frame and every sample kept.

    Odd sizes are filled up to even ones by repeating the last line, as h264 players ask for.

    Args:
        path: where to; replaced only once the new file is whole.
        frames: uint8 (F, H, W, 3).
        waveform: float (S,) or (channels, S); ``None`` for a silent film.
        frame_rate: pictures per second; sample_rate: sound samples per second.
        metadata: tags; the file gives them back through :func:`~harmony.media.probe`.
        scale: write the pictures this many times as large, for players that show small ones badly.
        scaler: how: ``nearest`` keeps the pixels square, ``lanczos`` smooths.

    Raises:
        MediaError: if the arrays do not fit, or the file cannot be written.
    """
    if scale < 1 or scale != int(scale):
        raise MediaError(f"scale must be a whole number from 1 on, got {scale}")
    pictures, data = raw_pictures(frames, frame_rate)
    _, height, width, _ = np.shape(frames)
    pictures = as_yuv(pictures, height=height * scale, width=width * scale, scaler=scaler)
    with TemporaryDirectory(prefix="harmony-") as folder:
        sound = None if waveform is None else raw_sound(folder, waveform, sample_rate)
        return write_mp4(path, pictures, sound, metadata=metadata, data=data)


def write_wav(
    path: str | Path,
    waveform: np.ndarray,
    sample_rate: int,
    *,
    subtype: Literal["PCM_16", "PCM_24", "FLOAT"] = "PCM_16",
) -> Path:
    """Write a wav file: waveform float (S,) or (channels, S), full scale at 1.

    Raises:
        MediaError: if the waveform is none, or the file cannot be written.
    """
    samples = checked_waveform(waveform, sample_rate)
    with replacing(path) as temporary:
        try:
            soundfile.write(temporary, samples.T, sample_rate, format="WAV", subtype=subtype)
        except soundfile.SoundFileError as error:
            raise MediaError(f"'{path}' cannot be written ({error}); check the folder and the space left") from error
    return Path(path)
