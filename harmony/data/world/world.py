"""From a seed to a clip: the tiny world's public functions."""

from __future__ import annotations

import numpy as np

from harmony.data.world import scenes as _scenes  # noqa: F401  (importing registers the kinds)
from harmony.data.world.base import registered, scene_kind
from harmony.data.world.canvas import Canvas
from harmony.data.world.chance import Chance
from harmony.data.world.sound import finish
from harmony.data.world.types import Captions, Clip, Scene, Split
from harmony.timeline import Timeline

KINDS: tuple[str, ...] = tuple(registered())
GROUPS: dict[str, tuple[str, ...]] = {
    group: tuple(name for name, kind in registered().items() if kind.group == group)
    for group in ("ambient", "speech", "complex")
}
EVENT_KINDS: tuple[str, ...] = tuple(name for name, kind in registered().items() if kind.impacts)

SPLIT_SEEDS: dict[Split, int] = {"train": 0, "val": 1_000_000_000, "test": 2_000_000_000}
_SEEDS_PER_SPLIT = 1_000_000_000


def sample_scene(seed: int, *, kind: str | None = None, split: Split = "train", duration: float = 2.0625) -> Scene:
    """Decide a scene.

    Args:
        seed: 0 to 999,999,999. Each split has a range of its own behind it, so no scene is in two splits.
        kind: one of ``KINDS``; None draws one.
        split: "train", "val" or "test".
        duration: seconds that the events are laid out for.

    Raises:
        ValueError: for a seed, kind, split or duration that cannot be.
    """
    if split not in SPLIT_SEEDS:
        raise ValueError(f"there is no split '{split}'; choose train, val or test")
    if not 0 <= seed < _SEEDS_PER_SPLIT:
        raise ValueError(f"a scene's seed must be from 0 to {_SEEDS_PER_SPLIT - 1}, got {seed}")
    if duration < 1.0:
        raise ValueError(f"a scene lasts at least 1 second, got {duration}")
    rng = Chance(SPLIT_SEEDS[split] + seed)
    if kind is None:
        fitting = [name for name in KINDS if scene_kind(name).shortest <= duration]
        kind = rng.child("kind").choice(fitting, weights=[scene_kind(name).weight for name in fitting])
    if duration < (shortest := scene_kind(kind).shortest):
        raise ValueError(f"a scene of the kind '{kind}' lasts at least {shortest:g} seconds, got {duration}")
    draft = scene_kind(kind).sample(rng.child(kind), duration=duration, split=split)
    return Scene(
        kind=kind,
        seed=seed,
        attributes=draft.attributes,
        params=draft.params,
        events=tuple(sorted(draft.events, key=lambda event: event.time)),
        words=draft.words,
        transcript=draft.transcript,
        speaker=draft.speaker,
        split=split,
        duration=duration,
    )


def describe(scene: Scene, seed: int) -> Captions:
    """Captions of the scene in one of many phrasings; every seed gives a true description."""
    return scene_kind(scene.kind).describe(scene, Chance(seed).child("captions"))


def render(scene: Scene, timeline: Timeline, *, height: int = 64, width: int = 64) -> Clip:
    """Draw and sound a scene at any size and length.

    Raises:
        ValueError: if a side is below 16 pixels or an event lies outside the timeline.
    """
    if min(height, width) < 16:
        raise ValueError(f"a clip needs at least 16 x 16 pixels, got {height} x {width}")
    if any(event.time >= timeline.duration for event in scene.events):
        raise ValueError(
            f"the scene was laid out for {scene.duration:.2f} s but the clip lasts {timeline.duration:.2f} s; "
            "sample it again with the clip's duration"
        )
    kind = scene_kind(scene.kind)
    canvas = Canvas(timeline.num_frames, height=height, width=width)
    masks = kind.draw(scene, canvas, np.asarray(timeline.frame_times()))
    waveform = kind.sound(scene, timeline.num_samples, timeline.sample_rate)
    return Clip(
        scene=scene,
        frames=canvas.to_uint8(),
        waveform=finish(waveform),
        source_masks=np.stack(masks).astype(bool, copy=False),
        captions=describe(scene, scene.seed),
    )


def render_reference(scene: Scene, seed: int, *, seconds: float, same_clip: bool) -> np.ndarray | None:
    """A sample of the scene's speaker for voice cloning: float32 (seconds * 16000,), or None where nobody speaks.

    Args:
        seed: which words, or which cut.
        seconds: its length.
        same_clip: True cuts it from the clip's own speech; False has the speaker say other words.
    """
    if seconds <= 0:
        raise ValueError(f"a reference must be longer than 0 s, got {seconds}")
    rng = Chance(seed).child("reference")
    return scene_kind(scene.kind).reference(scene, rng, seconds=seconds, same_clip=same_clip)


def vocabulary() -> list[str]:
    """Every word that a caption can contain, sorted."""
    words: set[str] = set()
    for kind in registered().values():
        words |= kind.phrasebook.words()
    return sorted(words)
