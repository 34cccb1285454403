"""What is in a media file, told by PyAV: no ffprobe is needed, and no picture is decoded but the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, lru_cache
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition

from harmony.media.errors import MediaError
from harmony.media.program import file_url

# Formats that are lists of other files or addresses (an upload must not make us open those), or plain text drawn as
# a picture.
_REFUSED = "applehttp bin concat concatf dash ffmetadata hls imf lavfi rtp rtsp sap sdp tty webm_dash_manifest xbin"
_STILLS = ("image2", "_pipe")
_PACKETS_FOR_RATE = 1_000  # frames looked at to tell a steady frame rate from a variable one
_PADDING = 0.2  # seconds by which packets may outlast what they hold
_REORDERED = 32  # pictures that may come after later ones
_STEADY = 0.1  # of a frame: what intervals may differ by in a steady stream


@dataclass(frozen=True)
class MediaInfo:
    """What a file holds. Sizes are as shown: after rotation, with square pixels.

    Attributes:
        path: the file.
        format: ffmpeg's name of its container.
        duration: of the longest stream, in seconds.
        start_time: the time stamp, in seconds, that players call zero.
        has_video: it has moving pictures (a music file's cover does not count); has_audio: it has sound.
        width, height: in pixels, ``None`` without video.
        rotation: clockwise degrees by which the stored picture is turned when shown.
        frame_rate: average frames per second; variable_frame_rate: True if frames come unevenly.
        num_frames: pictures in the video stream (0 without video).
        sample_rate, channels: of the sound, ``None`` without it.
        sound_end: second at which the sound ends, without the codec's padding; ``None`` where the header is silent.
        video_codec, audio_codec: ffmpeg's names.
        has_alpha: its pictures can be transparent.
        metadata: its tags.
    """

    path: Path
    format: str
    duration: float
    start_time: float = 0.0
    has_video: bool = False
    has_audio: bool = False
    width: int | None = None
    height: int | None = None
    rotation: int = 0
    frame_rate: float | None = None
    variable_frame_rate: bool = False
    num_frames: int = 0
    sample_rate: int | None = None
    channels: int | None = None
    sound_end: float | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    has_alpha: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's name, for messages."""
        return self.path.name

    @property
    def demuxer(self) -> str:
        """The one name by which ffmpeg opens this container."""
        return self.format.split(",")[0]


def probe(path: str | Path) -> MediaInfo:
    """Look into a media file.

    Raises:
        MediaError: if the file is missing, empty, a still picture, or nothing that ffmpeg can open.
    """
    path = Path(path)
    _check_file(path)
    status = path.stat()
    return _probe(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=64)
def _probe(path: Path, modified: int, size: int) -> MediaInfo:
    """The facts of this state of the file; ``modified`` and ``size`` tell it from later ones."""
    try:
        with opened(path) as container:
            return _describe(path, container)
    except av.error.FFmpegError as error:
        raise MediaError(
            f"'{path.name}' cannot be read: it is damaged, or no video or sound file; "
            f"open it in a player to check, or save it again ({error.strerror})"
        ) from error


def _check_file(path: Path) -> None:
    if not path.exists():
        raise MediaError(f"there is no file '{path}'; check its name")
    if not path.is_file():
        raise MediaError(f"'{path}' is not a file; choose a video or a sound file")
    if path.stat().st_size == 0:
        raise MediaError(f"'{path.name}' is empty (0 bytes); choose another file, or copy it again")


@contextmanager
def opened(path: Path) -> Iterator[av.container.InputContainer]:
    """PyAV's view of a file, opened by no demuxer that would follow it to other files."""
    options = {"format_whitelist": _accepted_formats()}
    with av.open(file_url(path), options=options, metadata_errors="replace") as container:
        yield container


@cache
def _accepted_formats() -> str:
    return ",".join(sorted(name for name in av.formats_available if name not in _REFUSED.split()))


def _describe(path: Path, container: av.container.InputContainer) -> MediaInfo:
    name = container.format.name
    if any(mark in name for mark in _STILLS):
        raise MediaError(f"'{path.name}' is a still picture; choose a video or a sound file")
    video = moving_pictures(container)
    audio = next((s for s in container.streams.audio if s.codec_context is not None), None)
    if video is None and audio is None:
        raise MediaError(f"'{path.name}' has neither moving pictures nor sound; choose a video or a sound file")
    metadata = {**container.metadata}
    if name == "ogg" and audio is not None:
        metadata = {**audio.metadata, **metadata}  # Ogg keeps its tags in the stream
    facts = {**_picture_facts(container, video), **_sound_facts(audio)}
    facts.update(_clock_facts(container, video, audio))
    return MediaInfo(path=path, format=name, start_time=_zero(container), metadata=metadata, **facts)


def _zero(container: av.container.InputContainer) -> float:
    # What lies before zero is a codec's run-up and not heard.
    return max((container.start_time or 0) / av.time_base, 0.0)


def moving_pictures(container: av.container.InputContainer) -> av.VideoStream | None:
    """The first video stream that can be decoded and is not a music file's cover."""
    films = (s for s in container.streams.video if not s.disposition & Disposition.attached_pic)
    return next((s for s in films if s.codec_context is not None), None)


def _picture_facts(container: av.container.InputContainer, video: av.VideoStream | None) -> dict:
    if video is None:
        return {}
    frame = next(container.decode(video), None)
    container.seek(0)
    if frame is None:
        raise MediaError(f"'{Path(container.name).name}' has a video track without pictures; choose another file")
    width, height = frame.width, frame.height
    aspect = video.sample_aspect_ratio
    if aspect and 0.1 < aspect < 10 and aspect != 1:
        # The way players do it: pixels are made square by widening, never by losing lines.
        width, height = (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))
    rotation = round(-frame.rotation) % 360
    if rotation in (90, 270):
        width, height = height, width
    return dict(
        has_video=True,
        width=width,
        height=height,
        rotation=rotation,
        video_codec=video.codec_context.name,
        has_alpha=any(part.is_alpha for part in frame.format.components),
    )


def _sound_facts(audio: av.AudioStream | None) -> dict:
    if audio is None:
        return {}
    codec = audio.codec_context
    return dict(
        has_audio=True,
        sample_rate=codec.sample_rate,
        channels=codec.channels,
        sound_end=_end_of(audio),
        audio_codec=codec.name,
    )


def _end_of(stream: av.AudioStream) -> float | None:
    if stream.duration is None:
        return None
    return float(((stream.start_time or 0) + stream.duration) * stream.time_base) - _zero(stream.container)


def _clock_facts(container: av.container.InputContainer, video, audio) -> dict:
    """Duration, frame rate and number of frames; where the header does not say, by walking through the packets."""
    name = container.format.name
    told = None if container.duration is None else container.duration / av.time_base
    if name == "aac":
        told = None  # bare AAC has no header: ffmpeg guesses from the first packets
    # Only mp4's table of pictures can be relied on.
    count = video.frames if video is not None and name.startswith("mov") else 0
    whole = told is None or name == "mp3" or (video is not None and not count)
    times, end = _walk(container, [s for s in (video, audio) if s is not None], whole=whole)
    guessed = told is None or (name == "mp3" and abs(end - told) > _PADDING)  # an mp3 may have no header either
    facts = {"duration": end if guessed else max(told, 0.0)}
    if guessed:
        facts["sound_end"] = None
    if video is None:
        return facts
    steps = np.diff(np.unique(times))
    usual = float(np.median(steps)) if len(steps) else 0.0
    slack = max(_STEADY * usual, 1.5 * float(video.time_base))
    return facts | dict(
        num_frames=count or len(times),
        frame_rate=_average_rate(video, steps),
        variable_frame_rate=bool(len(steps)) and bool(np.abs(steps - usual).max() > slack),
    )


def _walk(container: av.container.InputContainer, streams: list, *, whole: bool) -> tuple[list[float], float]:
    """Times of the video's packets in seconds (all, or the first thousand), and when the last packet ends."""
    times: list[float] = []
    first, end = None, 0.0
    has_video = any(stream.type == "video" for stream in streams)
    if not whole and not has_video:
        return times, end
    for packet in container.demux(streams):
        if packet.pts is None or not packet.size:
            continue
        start = float(packet.pts * packet.time_base)
        first = start if first is None else min(first, start)
        end = max(end, start + float((packet.duration or 0) * packet.time_base))
        if packet.stream.type == "video":
            times.append(start)
            if not whole and len(times) >= _PACKETS_FOR_RATE:
                times = sorted(times)[:-_REORDERED]
                break
    return times, end - max(first or 0.0, 0.0)


def _average_rate(video: av.VideoStream, steps: np.ndarray) -> float:
    rate = video.average_rate
    if rate and 0 < rate < 1_000:
        return float(rate)
    if len(steps):
        return float(Fraction(1 / float(steps.mean())).limit_denominator(1_001))
    return float(video.guessed_rate or 1)
