"""How the cases of the edition ``tiny`` were chosen: by a rule over held-out scenes, not by looking at clips.

    python -m harmony.evaluation.harmony_bench.tiny > harmony/evaluation/harmony_bench/tiny.jsonl

From the first scene seed of its own range on, each scene is taken if its share is not full yet. The ranges lie far
from the seeds that ``harmony evaluate`` uses.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator

from harmony.data.world import GROUPS, Scene, Split, describe, sample_scene
from harmony.evaluation.harmony_bench.cases import BenchCase, SceneOf, Subset

FIRST_SEED = 50_000
_STYLES = ("talker_style", "first_style", "style")
_LANGUAGES = {"english": "en", "chinese": "zh"}

# (subset, kind) -> how many, and what a scene must be like
Share = tuple[Subset, str, int, Callable[[Scene], bool]]


def _speaks(language: str, style: str | None = None) -> Callable[[Scene], bool]:
    def fits(scene: Scene) -> bool:
        fitting_style = style is None or style_of(scene) == style
        return language_of(scene) == language and fitting_style

    return fits


def shares() -> list[Share]:
    """50 cases a subset: ambient kinds in equal parts; speech half persons, half cats and robots, a third of each in
    Chinese; complex scenes half speech in the rain, half two things that happen beside each other."""
    ambient = GROUPS["ambient"]
    everything: Callable[[Scene], bool] = lambda scene: True  # noqa: E731
    found: list[Share] = [
        ("ambient", kind, 50 // len(ambient) + (k < 50 % len(ambient)), everything) for k, kind in enumerate(ambient)
    ]
    for style in ("plain", "stylised"):
        for kind, english, chinese in (("face", 13, 6), ("two_faces", 2, 1), ("dialogue", 2, 1)):
            found.append(("speech", kind, english, _speaks("en", style)))
            found.append(("speech", kind, chinese, _speaks("zh", style)))
    found.append(("complex", "face_rain", 18, _speaks("en")))
    found.append(("complex", "face_rain", 8, _speaks("zh")))
    return found + [("complex", kind, 8, everything) for kind in ("bell_and_lamp", "dog_and_drum", "drum_rain")]


def style_of(scene: Scene) -> str | None:
    """A person is "plain", a cat or a robot "stylised"; of two faces the one that speaks counts, or speaks first."""
    if scene.transcript is None:
        return None
    who = next(scene.attributes[name] for name in _STYLES if name in scene.attributes)
    return "plain" if who == "person" else "stylised"


def language_of(scene: Scene) -> str | None:
    """Of what is said; None where nobody speaks."""
    return _LANGUAGES[scene.attributes["language"]] if scene.transcript else None


def tiny_cases(*, split: Split = "test") -> list[BenchCase]:
    """All 150, in the order of the subsets."""
    cases: list[BenchCase] = []
    for share, (subset, kind, count, fits) in enumerate(shares()):
        for scene in itertools.islice(_scenes(kind, share, fits, split), count):
            number = sum(case.subset == subset for case in cases)
            cases.append(_case(f"{subset}-{number:03d}", subset, scene, seed=len(cases)))
    return cases


def sibling(case: BenchCase) -> BenchCase:
    """Another case just like it: what true clips are that nobody asked for, which Fréchet distances are taken to."""
    scene = case.world

    def alike(other: Scene) -> bool:
        return style_of(other) == style_of(scene) and language_of(other) == language_of(scene)

    seeds = itertools.count(scene.seed + 5_000)
    found = next(filter(alike, (sample_scene(seed, kind=scene.kind, split=scene.split) for seed in seeds)))
    return _case(case.id, case.subset, found, seed=case.seed - 30_000)


def _scenes(kind: str, share: int, fits: Callable[[Scene], bool], split: Split) -> Iterator[Scene]:
    """Scenes of one share; every share has seeds of its own, so that none stands there twice."""
    seeds = itertools.count(FIRST_SEED + 10_000 * share)
    return filter(fits, (sample_scene(seed, kind=kind, split=split) for seed in seeds))


def _case(name: str, subset: Subset, scene: Scene, *, seed: int) -> BenchCase:
    captions = describe(scene, 3_000_000_000 + scene.seed)  # phrasings of no training caption
    style = style_of(scene)
    return BenchCase(
        id=name,
        subset=subset,
        style=style,
        language=language_of(scene),
        prompt=captions.video,
        audio_prompt=captions.audio,
        transcript=scene.transcript or None,
        seed=30_000 + seed,
        scene=SceneOf(kind=scene.kind, seed=scene.seed, split=scene.split),
        reference=scene.seed if subset == "speech" and style == "plain" else None,
    )


if __name__ == "__main__":
    for case in tiny_cases():
        print(json.dumps(case.model_dump(exclude_none=True), ensure_ascii=False))
