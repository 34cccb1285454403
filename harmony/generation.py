"""What was asked for and what came of it: a request that makes the same clip again, and the clip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harmony._version import __version__
from harmony.conditions import Conditions, Task
from harmony.guidance import GuidanceConfig, first_problem
from harmony.models.schedule import Schedule

REQUEST_VERSION = 1
_TEXTS = ("prompt", "audio_prompt", "negative_prompt", "negative_audio_prompt", "transcript")
NOTICE = "Made by a generative model (Harmony)"


class GenerationRequest(BaseModel):
    """Everything needed to make a clip again. Uploads are remembered by their hash, never kept.

    The same request, with the same uploads, gives the same clip on the same machine.

    Attributes:
        version: of this format.
        harmony_version: of the software that made the clip.
        model: folder name or hub id of the checkpoint.
        license: of the checkpoint's weights, where its folder names one.
        task: ``joint``, ``audio_to_video`` or ``video_to_audio``.
        prompt ... schedule: as in :class:`~harmony.conditions.Conditions`.
        uploads: SHA-256 by name: ``reference_audio``, ``image``, ``audio``, ``video``.
        guidance: terms, anchors, steps, shift and solver.
        seed, num_frames, height, width: of the clip.
        precision: what the transformer computed in.
        batch_passes, equal_noise, output_attention: as in :meth:`harmony.pipeline.HarmonyPipeline.__call__`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = REQUEST_VERSION
    harmony_version: str = __version__
    model: str = "harmony"
    license: str | None = None
    task: Task = "joint"
    prompt: str | None = None
    audio_prompt: str | None = None
    negative_prompt: str | None = None
    negative_audio_prompt: str | None = None
    transcript: str | None = None
    schedule: Schedule | None = None
    uploads: dict[Literal["reference_audio", "image", "audio", "video"], str] = Field(default_factory=dict)
    guidance: GuidanceConfig = Field(default_factory=GuidanceConfig)
    seed: int = Field(default=0, ge=0, lt=2**63)
    num_frames: int = Field(ge=1)
    height: int = Field(ge=1)
    width: int = Field(ge=1)
    precision: str = "float32"
    batch_passes: bool = True
    equal_noise: bool = False
    output_attention: bool = False

    @classmethod
    def of(cls, conditions: Conditions, **settings: Any) -> GenerationRequest:
        """The request for a clip with these conditions; uploads become hashes."""
        texts = {name: getattr(conditions, name) for name in _TEXTS}
        given = dict(task=conditions.task, schedule=conditions.schedule, uploads=conditions.fingerprints)
        try:
            return cls(**texts, **given, **settings)
        except ValidationError as error:
            raise ValueError(f"such a clip cannot be made: {first_problem(error)}") from error

    def to_json(self) -> str:
        return self.model_dump_json(exclude_none=True)

    @classmethod
    def from_json(cls, text: str) -> GenerationRequest:
        """Raises ``ValueError`` with one sentence if ``text`` is no request of this version."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise ValueError(f"these are not the settings of a Harmony clip: {first_problem(error)}") from error

    def conditions(self, **uploads: Any) -> Conditions:
        """The conditions of this request, its uploads handed in again.

        Raises:
            ValueError: if an upload is missing, was not part of the request, or is another one than before.
        """
        conditions = Conditions.of(**{name: getattr(self, name) for name in _TEXTS}, schedule=self.schedule, **uploads)
        found = conditions.fingerprints
        if missing := self.uploads.keys() - found.keys():
            raise ValueError(f"this request also needs its {' and '.join(sorted(missing))}; hand it in again")
        if unknown := found.keys() - self.uploads.keys():
            raise ValueError(f"this request was made without {' or '.join(sorted(unknown))}")
        if changed := [name for name, value in found.items() if self.uploads[name] != value]:
            raise ValueError(f"{' and '.join(sorted(changed))}: this is not the upload that the request was made with")
        return conditions


@dataclass(frozen=True, eq=False)
class Generation:
    """A clip: picture, sound, and how it was made.

    Attributes:
        frames: uint8 (F, H, W, 3); a given film comes back as it was.
        waveform: float32 (S,) or (channels, S); a given sound comes back as it was.
        frame_rate: pictures per second; sample_rate: sound samples per second.
        seed: of the noise.
        request: makes the same clip again.
        schedule: when each word of the transcript is spoken, if words were scheduled.
        timings: seconds spent on ``text``, ``denoise``, ``decode`` and in ``total``.
        peak_memory: bytes, where the device counts them (CUDA), else ``None``.
        attention: what the attention recorder collected, if asked.
        cautions: sentences about what the weights were not trained for.
    """

    frames: np.ndarray = field(repr=False)
    waveform: np.ndarray = field(repr=False)
    frame_rate: float
    sample_rate: int
    seed: int
    request: GenerationRequest
    schedule: Schedule | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    peak_memory: int | None = None
    attention: Any | None = field(default=None, repr=False)
    cautions: tuple[str, ...] = ()

    @property
    def metadata(self) -> dict[str, str]:
        """Tags for the saved file: the request as JSON, what made it, and the licence of the weights."""
        tags = {"comment": self.request.to_json(), "description": NOTICE}
        if self.request.license:
            tags["copyright"] = f"model weights: {self.request.license}"
        return tags

    def save(self, path: str | Path) -> Path:
        """Write ``.mp4`` (picture, sound, and the request in its metadata) or ``.wav`` (the sound alone)."""
        path = Path(path)
        if path.suffix not in (".mp4", ".wav"):
            raise ValueError(f"a clip is saved as .mp4, its sound as .wav; got '{path.name}'")
        from harmony import media  # imported late: a pipeline works without ffmpeg until a clip is saved

        if path.suffix == ".wav":
            media.write_wav(path, self.waveform, self.sample_rate)
            return path
        media.write_clip(
            path,
            self.frames,
            self.waveform,
            frame_rate=self.frame_rate,
            sample_rate=self.sample_rate,
            metadata=self.metadata,
        )
        return path
