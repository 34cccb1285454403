"""One clip's clock: the only place that turns seconds into frames, latents and samples, and back.

A clip has ``1 + n * temporal_stride`` frames: the first video latent holds one frame, every later
one holds ``temporal_stride`` of them (the layout of causal video VAEs such as Wan2.2's). Its sound
lasts exactly as long as its picture, and audio latents come at a fixed rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction


@dataclass(frozen=True)
class Timeline:
    """Rates and lengths of one clip.

    Args:
        num_frames: pictures in the clip, ``1 + n * temporal_stride``.
        frame_rate: pictures per second.
        temporal_stride: pictures per video latent (all but the first).
        sample_rate: sound samples per second.
        audio_latent_rate: audio latents per second.

    Raises:
        ValueError: if the lengths do not fit each other; the message carries the numbers.
    """

    num_frames: int = 33
    frame_rate: float = 16.0
    temporal_stride: int = 2
    sample_rate: int = 16_000
    audio_latent_rate: float = 32.0

    def __post_init__(self) -> None:
        for name in ("num_frames", "frame_rate", "temporal_stride", "sample_rate", "audio_latent_rate"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if (self.num_frames - 1) % self.temporal_stride:
            fit = self.fitting_num_frames(self.num_frames, temporal_stride=self.temporal_stride)
            raise ValueError(
                f"num_frames must be 1 + n * {self.temporal_stride}, got {self.num_frames}; nearest: {fit}"
            )
        if self.num_audio_latents < 1:
            raise ValueError(f"{self.duration:.3f} s is shorter than one audio latent")

    # -- lengths -------------------------------------------------------------------------------

    @property
    def duration(self) -> float:
        """Length of picture and sound, in seconds."""
        return float(self._duration)

    @property
    def num_video_latents(self) -> int:
        return 1 + (self.num_frames - 1) // self.temporal_stride

    @property
    def num_samples(self) -> int:
        """Samples of a sound that lasts exactly as long as the picture."""
        return round(self._duration * self.sample_rate)

    @property
    def num_audio_latents(self) -> int:
        """Whole audio latents within the clip (Ovi: 5.04 s at 31.25 per second gives 157)."""
        return int(self._duration * Fraction(self.audio_latent_rate))

    # -- positions -----------------------------------------------------------------------------

    def frame_times(self) -> list[float]:
        """The instant that each frame shows: the middle of its slot, in seconds."""
        return [(k + 0.5) / self.frame_rate for k in range(self.num_frames)]

    def frame_at(self, seconds: float) -> int:
        """Index of the frame on screen at ``seconds``, clipped to the clip."""
        return min(max(int(seconds * self.frame_rate), 0), self.num_frames - 1)

    def sample_at(self, seconds: float) -> int:
        """Index of the sample heard at ``seconds``, clipped to the clip."""
        return min(max(round(seconds * self.sample_rate), 0), self.num_samples)

    def audio_latent_at(self, seconds: float) -> int:
        """Index of the audio latent that covers ``seconds``, clipped to the clip."""
        return min(max(int(seconds * self.audio_latent_rate), 0), self.num_audio_latents - 1)

    def video_latent_at(self, seconds: float) -> int:
        """Index of the video latent that covers ``seconds``, clipped to the clip."""
        return self.video_latent_of_frame(self.frame_at(seconds))

    def video_latent_of_frame(self, frame: int) -> int:
        return -(-frame // self.temporal_stride)

    def frames_of_video_latent(self, latent: int) -> range:
        """The frames that video latent ``latent`` holds."""
        if latent == 0:
            return range(0, 1)
        return range(1 + (latent - 1) * self.temporal_stride, 1 + latent * self.temporal_stride)

    def video_latent_midpoints(self) -> list[float]:
        """Physical midpoint m_v(i) of each video latent, in seconds."""
        spans = (self.frames_of_video_latent(i) for i in range(self.num_video_latents))
        return [(span.start + span.stop) / 2 / self.frame_rate for span in spans]

    def audio_latent_midpoints(self) -> list[float]:
        """Physical midpoint m_a(j) of each audio latent, in seconds."""
        return [(j + 0.5) / self.audio_latent_rate for j in range(self.num_audio_latents)]

    # -- makers --------------------------------------------------------------------------------

    @staticmethod
    def fitting_num_frames(num_frames: float, *, temporal_stride: int) -> int:
        """The length ``1 + n * temporal_stride`` nearest to ``num_frames`` (at least one latent pair)."""
        return 1 + temporal_stride * max(1, round((num_frames - 1) / temporal_stride))

    def with_seconds(self, seconds: float) -> Timeline:
        """The same rates with the clip length nearest to ``seconds``."""
        frames = self.fitting_num_frames(seconds * self.frame_rate, temporal_stride=self.temporal_stride)
        return replace(self, num_frames=frames)

    def holding(self, seconds: float) -> Timeline:
        """The same rates with the shortest clip that lasts at least ``seconds``."""
        frames = math.ceil(Fraction(seconds).limit_denominator(1_000_000) * Fraction(self.frame_rate))
        latents = max(1, -(-(frames - 1) // self.temporal_stride))
        return replace(self, num_frames=1 + latents * self.temporal_stride)

    def with_num_frames(self, num_frames: int) -> Timeline:
        return replace(self, num_frames=num_frames)

    @property
    def _duration(self) -> Fraction:
        return self.num_frames / Fraction(self.frame_rate).limit_denominator(100_000)
