"""The cases of Harmony-Bench: JSON lines that hold every condition and seed, in two editions.

``tiny`` lies within the tiny world, so that every case has a true clip; ``full`` is for models of the real world.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, NonNegativeInt, ValidationError

from harmony.batch import Wish
from harmony.data.world import Clip, Split, render, render_reference, sample_scene
from harmony.data.world import Scene as WorldScene
from harmony.timeline import Timeline

Subset = Literal["ambient", "speech", "complex"]
SUBSETS: tuple[Subset, ...] = get_args(Subset)
REFERENCE_SECONDS = 2.0


class SceneOf(BaseModel):
    """Which scene of the tiny world is asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    seed: NonNegativeInt
    split: Split = "test"


class BenchCase(BaseModel):
    """One case.

    Attributes:
        id: its name, unique in its edition.
        subset: "ambient", "speech" or "complex".
        style: "plain" for a person, "stylised" for a drawn or made being; None where nobody speaks.
        language: of the transcript.
        prompt, audio_prompt: captions of the picture and of the sound.
        transcript: what is said.
        seed: of the noise.
        scene: the tiny world's scene, whose true clip stands beside the made one.
        reference: seed of the voice sample that is to be cloned, in which the scene's speaker says other words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    subset: Subset
    style: Literal["plain", "stylised"] | None = None
    language: Literal["en", "zh"] | None = None
    prompt: str
    audio_prompt: str
    transcript: str | None = None
    seed: NonNegativeInt
    scene: SceneOf | None = None
    reference: NonNegativeInt | None = None

    @cached_property
    def world(self) -> WorldScene | None:
        """The tiny world's scene with everything that is in it."""
        if self.scene is None:
            return None
        return sample_scene(self.scene.seed, kind=self.scene.kind, split=self.scene.split)

    @property
    def kind(self) -> str:
        """Kind of scene, or the subset where there is no scene."""
        return self.scene.kind if self.scene else self.subset

    def true_clip(self, timeline: Timeline) -> Clip:
        """Raises ``ValueError`` outside the tiny world, where no clip is the true one."""
        if self.world is None:
            raise ValueError(f"case '{self.id}' is not of the tiny world, so it has no true clip")
        return render(self.world, timeline)

    def voice(self) -> tuple | None:
        """The sample of the voice to be cloned, and its rate."""
        if self.reference is None or self.world is None:
            return None
        sample = render_reference(self.world, self.reference, seconds=REFERENCE_SECONDS, same_clip=False)
        return None if sample is None else (sample, 16_000)

    def wish(self) -> Wish:
        """What the pipeline is called with."""
        told = dict(prompt=self.prompt, audio_prompt=self.audio_prompt, transcript=self.transcript, seed=self.seed)
        voice = self.voice()
        return told if voice is None else told | dict(reference_audio=voice)


def edition_file(edition: str) -> Path:
    """The committed cases of an edition."""
    return Path(__file__).with_name(f"{edition}.jsonl")


def read_cases(path: Path) -> list[BenchCase]:
    """Read JSON lines.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: in one sentence, if a line is not a case or an id stands there twice.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there are no cases in '{path}'")
    cases: list[BenchCase] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            cases.append(BenchCase.model_validate_json(line))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ValueError(f"line {number} of '{path}' is not a case: {where}: {first['msg']}") from error
    names = [case.id for case in cases]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"the id '{min(twice)}' stands more than once in '{path}'; every case needs its own")
    return cases


def check_voices(cases: Sequence[BenchCase]) -> None:
    """Raises ``ValueError`` if this machine's speech bank gives the cases other words: a scene depends on it."""
    if any(case.world is not None and case.world.transcript != case.transcript for case in cases):
        raise ValueError(
            "these cases are spoken by the full speech bank, which is not on this machine; make it with "
            "python tools/speech/make_bank.py (half a minute; needs pip install espeakng-loader)"
        )


def chosen(cases: Sequence[BenchCase], count: int | None) -> list[BenchCase]:
    """``count`` of the cases, as evenly from the subsets and from within each as it goes; all without a count."""
    if count is None or count >= len(cases):
        return list(cases)
    if count < 1:
        raise ValueError(f"at least 1 case must be run, got {count}")
    groups = [[case for case in cases if case.subset == subset] for subset in SUBSETS]
    groups = [group for group in groups if group]
    shares = [count // len(groups) + (k < count % len(groups)) for k in range(len(groups))]
    picked = {
        group[i * len(group) // share].id for group, share in zip(groups, shares, strict=True) for i in range(share)
    }
    return [case for case in cases if case.id in picked]
