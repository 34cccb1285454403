"""``python -m harmony.evaluation.metrics.sanity``: do the sync metrics see what was done to true clips?

The sound of true held-out clips is moved by -8 to 8 frames, and every metric must tell: the SyncNet the shift itself,
the others by getting worse. Then the sound is that of another clip of its kind, and every metric must say "chance".
Sync-C and Sync-D look for the best shift first, so a shift that they find costs them nothing; only wrong pairs do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from harmony.data.world import EVENT_KINDS, KINDS, Clip, Scene, render, sample_scene
from harmony.evaluation.bench import Judges
from harmony.evaluation.cases import FACES
from harmony.evaluation.clips import as_video
from harmony.evaluation.events import match_events
from harmony.evaluation.faces import lips_of
from harmony.evaluation.figures import CannotMeasure, figure_of, ratio_figure
from harmony.evaluation.metrics.av_align import av_align
from harmony.evaluation.metrics.syncnet_training import moved
from harmony.timeline import Timeline

SHIFTS = (-8, -6, -4, -2, -1, 0, 1, 2, 4, 6, 8)
Told = dict[str, tuple[float, float]]  # part and total by metric


@dataclass(frozen=True)
class Heard:
    """A true clip with a sound that may not be its own."""

    clip: Clip
    waveform: np.ndarray
    shift: int = 0


def lively_scenes(per_kind: int) -> list[Scene]:
    """The first validation scenes of each kind in which something happens that is seen and heard."""
    kinds = [kind for kind in KINDS if kind in EVENT_KINDS or kind in FACES]
    scenes: list[Scene] = []
    for kind in kinds:
        drawn = (sample_scene(seed, kind=kind, split="val") for seed in range(10 * per_kind))
        scenes += [scene for scene in drawn if scene.events or scene.words][:per_kind]
    return scenes


def shifted(clip: Clip, shift: int, timeline: Timeline) -> Heard:
    """The sound ``shift`` frames late."""
    samples = round(timeline.sample_rate / timeline.frame_rate)
    waveform = moved(torch.from_numpy(clip.waveform)[None], [shift], samples=samples)[0].numpy()
    return Heard(clip, waveform, shift)


def swapped(clips: Sequence[Clip]) -> list[Heard]:
    """Each clip with the sound of the next one of its kind."""
    found = []
    for clip in clips:
        own = [other for other in clips if other.scene.kind == clip.scene.kind]
        partner = own[(own.index(clip) + 1) % len(own)]
        found.append(Heard(clip, partner.waveform))
    return found


def tell(judges: Judges, heard: Heard, timeline: Timeline) -> Told:
    """All sync metrics of one clip."""
    clip, scene = heard.clip, heard.clip.scene
    score = judges.sync.score_clip(clip.frames, heard.waveform)
    told: Told = {
        "sync_c": (score.confidence, 1),
        "sync_d": (score.distance, 1),
        "desync": (abs(score.offset) / timeline.frame_rate, 1),
        "within_one_frame": (float(abs(score.offset - heard.shift) <= 1), 1),
    }
    if scene.events and scene.kind not in FACES:
        seen = judges.seen.events(as_video(clip.frames[None]))[0]
        sounds = judges.heard.events(torch.from_numpy(heard.waveform)[None])[0]
        counts = match_events(sounds, seen)
        told["event_f1"] = (2 * counts.hits, counts.found + counts.true)
    if scene.words:
        lips = lips_of(clip.frames, heard.waveform, true=clip, timeline=timeline)
        told["lips"] = (lips.correlation, 1)
    rates = dict(frame_rate=timeline.frame_rate, sample_rate=timeline.sample_rate)
    with suppress(CannotMeasure):  # nothing moves and nothing begins
        told["av_align"] = (av_align(clip.frames, heard.waveform, **rates), 1)
    return told


def figures(told: Sequence[Told]) -> dict[str, dict]:
    """Of all clips."""
    names = sorted({name for one in told for name in one})
    found: dict[str, dict] = {}
    for name in names:
        parts, totals = zip(*(one[name] for one in told if name in one), strict=True)
        figure = figure_of(parts) if set(totals) == {1} else ratio_figure(parts, totals)
        found[name] = figure.to_dict()
    return found


def sanity(judges: Judges, clips: Sequence[Clip], timeline: Timeline, *, shifts: Sequence[int] = SHIFTS) -> Mapping:
    """All metrics at each shift, and on wrong pairs."""
    at = {str(k): figures([tell(judges, shifted(clip, k, timeline), timeline) for clip in clips]) for k in shifts}
    return {"shifts": at, "shuffled": figures([tell(judges, heard, timeline) for heard in swapped(clips)])}


def main(
    out: Annotated[Path, typer.Option(help="JSON file to write.")] = Path("benchmarks/results/metric-sanity.json"),
    per_kind: Annotated[int, typer.Option(min=2, help="Clips of each kind.")] = 12,
) -> None:
    """Shift the sound of true clips and see what each sync metric makes of it."""
    timeline = Timeline()
    clips = [render(scene, timeline) for scene in lively_scenes(per_kind)]
    found = {"command": f"python -m harmony.evaluation.metrics.sanity --per-kind {per_kind}", "clips": len(clips)}
    found |= sanity(Judges.load(), clips, timeline)
    out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    for shift, told in (*found["shifts"].items(), ("shuffled", found["shuffled"])):
        typer.echo(f"{shift:>8}  " + "  ".join(f"{name} {figure['value']:.2f}" for name, figure in told.items()))


if __name__ == "__main__":
    typer.run(main)
