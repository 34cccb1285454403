"""The tiny world: drawn and sounded scenes whose events are known exactly.

    >>> scene = sample_scene(7, kind="drum")
    >>> clip = render(scene, Timeline())
    >>> clip.frames.shape, clip.waveform.shape, [event.time for event in scene.events]

Everything is decided by the seed through named streams, so a scene is the same at any size and on any machine.
"""

from harmony.data.world import scenes as _scenes  # noqa: F401  (importing registers the kinds)
from harmony.data.world.types import Captions, Clip, Event, Scene, Split, Word
from harmony.data.world.world import (
    EVENT_KINDS,
    GROUPS,
    KINDS,
    describe,
    render,
    render_reference,
    sample_scene,
    vocabulary,
)

__all__ = [
    "EVENT_KINDS",
    "GROUPS",
    "KINDS",
    "Captions",
    "Clip",
    "Event",
    "Scene",
    "Split",
    "Word",
    "describe",
    "render",
    "render_reference",
    "sample_scene",
    "vocabulary",
]
