"""What the user gives, checked: texts, a voice, a first picture, a whole sound, a whole film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from harmony.models.schedule import Schedule, ScheduledWord
from harmony.models.transcript import spoken_words
from harmony.timeline import Timeline
from harmony.tracks import Film, Sound, as_picture, content_hash

Task = Literal["joint", "audio_to_video", "video_to_audio"]

REFERENCE_SECONDS = (1.0, 3.0)  # the paper's range for a reference voice
UPLOADS = ("reference_audio", "image", "audio", "video")


@dataclass(frozen=True)
class Conditions:
    """Everything the user gives for one clip.

    Attributes:
        prompt: caption of the picture; audio_prompt: caption of the sound. One alone serves both streams.
        negative_prompt, negative_audio_prompt: what text guidance pushes away from, in place of "no text".
        transcript: what is said; schedule: when each of its words is said (else it is drawn from the seed).
        reference_audio: 1 to 3 seconds of a voice to be cloned.
        image: the first frame, uint8 (H, W, 3).
        audio: a whole given sound (audio-driven video); video: a whole given film (video-driven audio).
    """

    prompt: str | None = None
    audio_prompt: str | None = None
    negative_prompt: str | None = None
    negative_audio_prompt: str | None = None
    transcript: str | None = None
    schedule: Schedule | None = None
    reference_audio: Sound | None = None
    image: np.ndarray | None = field(default=None, repr=False)
    audio: Sound | None = None
    video: Film | None = None

    @classmethod
    def of(
        cls,
        *,
        reference_audio: Any = None,
        image: Any = None,
        audio: Any = None,
        video: Any = None,
        schedule: Sequence[ScheduledWord] | None = None,
        **texts: str | None,
    ) -> Conditions:
        """Conditions from what people hand in: pairs (waveform, rate) and (frames, rate), arrays, PIL images.

        Raises:
            ValueError: one sentence that says what does not fit and what to do.
        """
        return cls(
            **{name: (text or "").strip() or None for name, text in texts.items()},
            schedule=None if schedule is None else tuple(schedule),
            reference_audio=None if reference_audio is None else Sound.of(reference_audio, name="reference_audio"),
            image=None if image is None else as_picture(image),
            audio=None if audio is None else Sound.of(audio),
            video=None if video is None else Film.of(video),
        )

    def __post_init__(self) -> None:
        if self.audio is not None and self.video is not None:
            raise ValueError("a whole sound and a whole film are both given, so nothing is left to make; give one")
        if self.image is not None and self.video is not None:
            raise ValueError("a given film has its own first frame; leave the image out")
        if self.reference_audio is not None and self.audio is not None:
            raise ValueError("a given sound has its own voice; leave the reference voice out")
        self._check_reference()
        self._check_speech()

    def _check_reference(self) -> None:
        if self.reference_audio is None:
            return
        low, high = REFERENCE_SECONDS
        seconds = self.reference_audio.duration
        if not low - 0.05 <= seconds <= high + 0.05:
            raise ValueError(f"a reference voice must last {low:g} to {high:g} seconds, got {seconds:.2f}; trim it")

    def _check_speech(self) -> None:
        if self.transcript is not None and not spoken_words(self.transcript):
            raise ValueError(f"no word of the transcript can be spoken: '{self.transcript}'; use English or Chinese")
        if self.schedule is None:
            return
        said, scheduled = spoken_words(self.transcript or ""), [word.text for word in self.schedule]
        if said != scheduled:
            raise ValueError(f"the schedule speaks '{' '.join(scheduled)}' but the transcript '{' '.join(said)}'")
        ends = [0.0, *(edge for word in self.schedule for edge in (word.start, word.end))]
        if ends != sorted(ends):
            raise ValueError("the words of the schedule overlap; each must end before the next one starts")

    @property
    def task(self) -> Task:
        if self.audio is not None:
            return "audio_to_video"
        return "joint" if self.video is None else "video_to_audio"

    @property
    def captions(self) -> tuple[str | None, str | None]:
        """Caption of the picture and of the sound; one alone serves both."""
        return self.prompt or self.audio_prompt, self.audio_prompt or self.prompt

    @property
    def negative_captions(self) -> tuple[str | None, str | None]:
        """What text guidance pushes away from, per stream; one alone serves both."""
        return self.negative_prompt or self.negative_audio_prompt, self.negative_audio_prompt or self.negative_prompt

    @property
    def texts(self) -> tuple[str | None, str | None, str | None, str | None]:
        """What is encoded: both captions, then both negative ones."""
        return (*self.captions, *self.negative_captions)

    @property
    def fingerprints(self) -> dict[str, str]:
        """SHA-256 of each upload that is there, by its name."""
        tracks = {name: getattr(self, name) for name in ("reference_audio", "audio", "video")}
        found = {name: track.fingerprint for name, track in tracks.items() if track is not None}
        if self.image is not None:
            found["image"] = content_hash(self.image)
        return found

    def clock(self, base: Timeline, *, num_frames: int | None, max_num_frames: int) -> Timeline:
        """The clip's timeline: as long as the given track, else ``num_frames``, else as long as ``base``.

        A track is never cut: the clip is the shortest that holds it (half a frame is forgiven, and the original is
        kept whole in the result).

        Raises:
            ValueError: if the clip would be longer than ``max_num_frames``, or shorter than its track or schedule.
        """
        longest = base.with_num_frames(max_num_frames)
        if num_frames is not None and num_frames > max_num_frames:
            raise ValueError(
                f"this model makes at most {max_num_frames} frames ({longest.duration:.2f} s), not {num_frames}"
            )
        timeline = base if num_frames is None else base.with_num_frames(num_frames)
        track = self.audio or self.video
        if track is not None:
            timeline = self._hold(track, longest if num_frames is None else timeline, shortest=num_frames is None)
        if self.schedule and self.schedule[-1].end > timeline.duration:
            raise ValueError(
                f"the schedule ends at {self.schedule[-1].end:.2f} s but the clip at {timeline.duration:.2f} s; "
                "move the words or make the clip longer"
            )
        return timeline

    @staticmethod
    def _hold(track: Sound | Film, room: Timeline, *, shortest: bool) -> Timeline:
        slack = 0.5 / room.frame_rate
        if track.duration > room.duration + slack:
            kind = "sound" if isinstance(track, Sound) else "film"
            raise ValueError(
                f"the given {kind} lasts {track.duration:.2f} s but the clip can last {room.duration:.2f} s; trim it"
            )
        return room.holding(track.duration - slack) if shortest else room
