"""A xylophone with four coloured bars: the bar that is hit decides the pitch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from harmony.data.world import motion, sound
from harmony.data.world.base import register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import SILENCE, Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.palette import COLOURS, WOOD, darker, lighter
from harmony.data.world.props import FLASH, paint_beater
from harmony.data.world.thing import FORCE, ImpactScene, Look, Thing

BARS = ("red", "yellow", "green", "blue")  # from the lowest, longest bar on the left to the highest on the right
_PITCHES = (523.25, 659.26, 783.99, 1046.5)  # C, E, G, C
_TUNES = ("same", "rising", "falling", "free")


def _bar_x(bar: int) -> float:
    return -0.3 + 0.2 * bar


class Xylophone(Thing):
    """The mallet travels to each bar in time for its hit; a bar that is hit lights up and dips."""

    room = 0.5
    one_voice = False

    def decide(self, rng: Chance, count: int) -> tuple[dict[str, str], dict[str, Any]]:
        bars = _tune(rng, rng.choice(_TUNES, weights=(2, 1, 1, 2)), max(count, 1))
        attributes = {}
        if count:
            attributes["tune"] = _tune_word(bars)
            if bars[0] != bars[-1]:
                attributes |= {"first": BARS[bars[0]], "last": BARS[bars[-1]]}
            if len(set(bars)) == 1:
                attributes |= {"bar": BARS[bars[0]], "pitch": ("low", "medium", "medium", "high")[bars[0]]}
            else:
                attributes |= {f"note{k + 1}of{count}": BARS[bar] for k, bar in enumerate(bars)}
        return attributes, {"bars": bars}

    def paint(self, stage: Canvas, look: Look, times: np.ndarray, hits: Sequence[float]) -> list[np.ndarray]:
        bars = look["bars"]
        stroke = motion.swing(times, hits)
        x = motion.along(times, hits, [_bar_x(bar) for bar in bars])
        stage.shadow(0, -0.02, 0.5, 0.1)
        stage.polygon([(-0.42, -0.46), (0.42, -0.39), (0.42, -0.31), (-0.42, -0.35)], darker(WOOD, 0.15), corner=0.015)
        stage.polygon([(-0.42, -0.13), (0.42, -0.17), (0.42, -0.09), (-0.42, -0.02)], darker(WOOD, 0.3), corner=0.015)
        covers = []
        for bar, name in enumerate(BARS):
            struck = [time for time, hit_bar in zip(hits, bars, strict=False) if hit_bar == bar]
            flash = motion.fade(times, struck, seconds=0.2)
            colour, half = COLOURS[name], 0.27 - 0.035 * bar
            centre = -0.245 + 0.02 * flash
            stage.box(_bar_x(bar) + 0.012, -0.225, 0.08, half, darker(colour, 0.45), corner=0.03)
            shine = motion.towards(colour, lighter(colour, 0.7), flash)
            covers.append(stage.box(_bar_x(bar), centre, 0.08, half, shine, corner=0.03))
            if struck:
                stage.glow(_bar_x(bar), -0.28, 0.24, 0.34, FLASH, strength=0.75 * flash)
        angle = 2.2 + 0.8 * FORCE[look["loudness"]] * (1 - stroke)
        mallet = paint_beater(
            stage,
            grip=(x + 0.2, -0.64),
            length=0.35,
            angle=angle,
            head=0.07,
            head_colour=(0.97, 0.95, 0.9),
            elbow=(0.5, -0.3),
        )
        return [*covers, *mallet]

    def hit(self, look: Look, index: int, rate: int) -> np.ndarray:
        f = _PITCHES[look["bars"][index]]
        # A bar's partials when it is tuned as on a marimba: 1, 4 and about 9.2 times the note.
        return sound.partials(
            round(0.9 * rate),
            rate,
            frequencies=(f, 3.93 * f, 9.2 * f),
            amplitudes=(1.0, 0.35, 0.15),
            times=(0.2, 0.06, 0.02),
        )


def _tune(rng: Chance, tune: str, count: int) -> list[int]:
    """Which bar each hit meets."""
    if tune == "same":
        return [rng.integer(len(BARS))] * count
    if tune == "free" or count > len(BARS):
        return [rng.integer(len(BARS)) for _ in range(count)]
    chosen = sorted(rng.shuffled(range(len(BARS)))[:count])
    return chosen if tune == "rising" else chosen[::-1]


def _tune_word(bars: Sequence[int]) -> str:
    steps = {int(np.sign(after - before)) for before, after in pairwise(bars)}
    return {frozenset({1}): "rising", frozenset({-1}): "falling"}.get(frozenset(steps), "mixed")


@register
class XylophoneScene(ImpactScene):
    name = "xylophone"
    group = "ambient"
    thing = Xylophone()
    phrasebook = Phrasebook(
        video=(
            "a xylophone is played [{force}] [{times}] [{tempo}] [{position}] [{place}]",
            "a mallet (hits|strikes) the {bar} bar of a xylophone [{times}] [{tempo}] [{position}] [{place}]",
            "{count} {hit/hits} on the {bar} bar of a xylophone [{position}] [{place}]",
            "the {bar} bar of a xylophone is (hit|played) [{force}] [{times}] [{position}] [{place}]",
            "someone plays the {bar} bar of a xylophone [{times}] [{tempo}]",
            "a xylophone, the {note1of2} bar[,] then the {note2of2} bar [{position}] [{place}]",
            "a mallet hits the {note1of2} and the {note2of2} bar of a xylophone [{tempo}] [{position}] [{place}]",
            "a xylophone, {note1of3}, {note2of3}, {note3of3} [{position}] [{place}]",
            "a mallet hits the {note1of3}, {note2of3} and {note3of3} bar of a xylophone [{tempo}] "
            "[{position}] [{place}]",
            "a xylophone, {note1of4}, {note2of4}, {note3of4}, {note4of4} [{position}] [{place}]",
            "someone plays {note1of4}, {note2of4}, {note3of4} and {note4of4} on a xylophone [{tempo}]",
            "{note1of2} then {note2of2} on a xylophone [{position}] [{place}]",
            "{count} {note/notes} on a xylophone, {note1of3}, {note2of3} and {note3of3} [{position}] [{place}]",
            "someone plays {note1of3}, {note2of3} and {note3of3} on a xylophone [{tempo}]",
            "a mallet hits {note1of4}, {note2of4}, {note3of4} and {note4of4} on a xylophone [{position}] [{place}]",
            "{count} {note/notes}, {note1of4}, {note2of4}, {note3of4}, {note4of4}, on a xylophone [{place}]",
            "a {tune} tune on a xylophone[, {count} {note/notes}][, from {first} to {last}] [{position}] [{place}]",
            "a mallet moves from the {first} to the {last} bar of a xylophone [{position}] [{place}]",
            "someone plays {count} {note/notes} on a [{place}] xylophone [{tempo}]",
            "xylophone, {count} {note/notes}[, {tune}][, {place}]",
            "[{place}], a mallet plays a xylophone [{force}] [{times}] [{tempo}]",
            "a colorful xylophone [{position}] [{place}] [is played {times}]",
            "someone plays a xylophone [{times}]",
        ),
        audio=(
            "{count} [{loudness}] xylophone {note/notes}[, {tune}]",
            "a xylophone plays {count} [{tune}] {note/notes} [{tempo}]",
            "a [{loudness}] {tune} tune on a xylophone",
            "{count} [{loudness}] {note/notes} of a xylophone[, {note1of3}, {note2of3} and {note3of3}]",
            "the {bar} bar of a xylophone sounds [{times}] [{how}]",
            "{count} [{pitch}] {note/notes} on the {bar} bar of a xylophone",
            "xylophone {note/notes}, {note1of2} and {note2of2}",
            "a xylophone plays {note1of3}, {note2of3}, {note3of3} [{how}]",
            "xylophone, {count} [{loudness}] {note/notes}, {note1of3}, {note2of3}, {note3of3}",
            "a xylophone plays {note1of4}, {note2of4}, {note3of4}, {note4of4} [{how}] [{tempo}]",
            "xylophone, {note1of4}, {note2of4}, {note3of4}, {note4of4}",
            "a mallet on a xylophone, {count} [{loudness}] {note/notes} [{tempo}]",
            "[{loudness}] xylophone [{tempo}], {count} {note/notes}, from {first} to {last}",
            "you hear a [{loudness}] xylophone [{times}] [{tempo}]",
            "the (sound|notes) of a xylophone[, {tune}][, {loudness}][, {times}]",
            "someone plays a xylophone [{how}] {times} [{tempo}]",
        ),
        silent_video=(
            "a xylophone that nobody plays [{place}]",
            "a xylophone [{place}], nothing moves",
            "a mallet keeps still over a xylophone [{place}]",
            "a xylophone [{place}] in silence",
        ),
        silent_audio=(*SILENCE, "a silent xylophone", "nobody plays the xylophone, silence"),
        phrases={
            "tune": {"rising": ("rising",), "falling": ("falling",), "mixed": ()},
            **{
                name: {colour: (colour,) for colour in BARS}
                for name in (
                    *("bar", "first", "last"),
                    *(f"note{k}of{n}" for n in range(1, 7) for k in range(1, n + 1)),
                )
            },
        },
    )
