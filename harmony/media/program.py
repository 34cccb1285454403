"""Finding the ffmpeg program, and running what ffmpeg-python describes."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import ffmpeg

from harmony.media.errors import MediaError

_LAST_WORDS = 200  # characters of ffmpeg's own complaint that are worth showing


def ffmpeg_binary() -> str:
    """The ffmpeg to run: ``$FFMPEG_BINARY``, else the one on PATH, else the one that imageio-ffmpeg brings.

    Raises:
        MediaError: if there is none, or ``$FFMPEG_BINARY`` names none.
    """
    named = os.environ.get("FFMPEG_BINARY")
    if named:
        found = shutil.which(named)
        if found is None:
            raise MediaError(f"FFMPEG_BINARY names '{named}', which is no program; correct it or unset it")
        return found
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise MediaError("no ffmpeg was found; install it, or `pip install imageio-ffmpeg`") from error


def file_url(path: str | Path) -> str:
    """``path`` in a form that ffmpeg never takes for an option, a network address or a pattern."""
    return f"file:{Path(path).resolve()}"


def run(output: Any, *, data: memoryview | None = None, failure: str) -> tuple[bytes, str]:
    """Run what ffmpeg-python has put together.

    Args:
        output: ffmpeg-python's output node.
        data: bytes for the program's standard input.
        failure: the sentence to raise when ffmpeg fails; its last words are added.

    Returns:
        What ffmpeg wrote to standard output, and its complaints.

    Raises:
        MediaError: if ffmpeg fails.
    """
    output = output.global_args("-hide_banner", "-loglevel", "error", "-copyts")
    if data is None:
        output = output.global_args("-nostdin")
    try:
        written, complaints = output.run(
            cmd=ffmpeg_binary(), input=data, capture_stdout=True, capture_stderr=True, overwrite_output=True
        )
    except ffmpeg.Error as error:
        raise MediaError(f"{failure} (ffmpeg: {last_words(error.stderr) or 'crashed'})") from error
    return written, last_words(complaints)


@cache
def has_option(program: str, topic: str, option: str) -> bool:
    """Whether this ffmpeg's help on a topic (``long``, ``muxer=mp4``) knows an option."""
    told = subprocess.run([program, "-hide_banner", "-h", topic], capture_output=True, text=True, check=False)
    return f"-{option}" in told.stdout


def last_words(stderr: bytes) -> str:
    """The last line that ffmpeg printed, or an empty string."""
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip()[-_LAST_WORDS:] if lines else ""
