"""Two hands that clap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harmony.data.world import motion, sound
from harmony.data.world.base import register
from harmony.data.world.canvas import Canvas
from harmony.data.world.captions import SILENCE, Phrasebook
from harmony.data.world.chance import Chance
from harmony.data.world.palette import COLOURS, SKIN, darker
from harmony.data.world.props import paint_rays
from harmony.data.world.thing import FORCE, ImpactScene, Look, Thing, sample_build


class Hands(Thing):
    """The sleeves have a colour; big hands clap low."""

    event = "clap"
    room = 0.2

    def decide(self, rng: Chance, count: int) -> tuple[dict[str, str], dict[str, Any]]:
        attributes = sample_build(rng, ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white"))
        return attributes, {
            "centre": round({"small": 2300.0, "big": 950.0}[attributes["size"]] * rng.uniform(0.93, 1.07), 1)
        }

    def paint(self, stage: Canvas, look: Look, times: np.ndarray, hits: Sequence[float]) -> list[np.ndarray]:
        sleeve = COLOURS[look["colour"]]
        closed, flash = motion.swing(times, hits), motion.fade(times, hits, seconds=0.12)
        apart = 0.02 + 0.17 * FORCE[look["loudness"]] * (1 - closed)
        scale = {"small": 0.8, "big": 1.1}[look["size"]]
        hands = []
        for mirrored in (True, False):
            # From the elbow below the picture's edge to the wrist; palms lean towards each other.
            side = stage.placed(0, -0.4, scale=scale, mirrored=mirrored)
            wrist = (apart + 0.15, 0.2)
            side.line([(0.42, 0.75), wrist], 0.115, sleeve)
            side.line([(apart + 0.19, 0.27), (apart + 0.145, 0.19)], 0.122, darker(sleeve, 0.3))
            fingers = side.line([(apart + 0.105, 0.06), (apart + 0.07, -0.2)], 0.075, SKIN)
            palm = side.ellipse(apart + 0.12, 0.04, 0.105, 0.14, SKIN, angle=-0.2)
            thumb = side.line([(apart + 0.15, 0.1), (apart + 0.055, -0.02)], 0.042, darker(SKIN, 0.14))
            hands += [palm, fingers, thumb]
        paint_rays(
            stage.placed(0, -0.52, scale=scale), 0, 0, level=flash, inner=0.27, outer=0.4, arc=(3.5, 5.93), count=5
        )
        return hands

    def hit(self, look: Look, index: int, rate: int) -> np.ndarray:
        samples, f = round(0.35 * rate), look["centre"]
        slap = sound.noise(Chance(23), samples, rate, low=f * 0.6, high=f * 1.7) * sound.decay(samples, rate, 0.022)
        air = sound.noise(Chance(29), samples, rate, low=400.0, high=6000.0) * sound.decay(samples, rate, 0.05)
        return slap + 0.18 * air


@register
class ClapScene(ImpactScene):
    name = "clap"
    group = "ambient"
    thing = Hands()
    phrasebook = Phrasebook(
        video=(
            "two [{size}] hands in {colour} sleeves clap [{force}] [{times}] [{tempo}] [{position}] [{place}]",
            "{count} {clap/claps} of two [{size}] hands with {colour} sleeves [{position}] [{place}]",
            "someone in a {colour} shirt claps [{force}] [{times}] [{tempo}] [{position}] [{place}]",
            "[{size}] hands with {colour} sleeves (clap|come together) [{times}] [{position}] [{place}]",
            "{size} hands, {colour} sleeves, {count} {clap/claps}[, {place}]",
            "a person with [{size}] hands and {colour} sleeves claps [{times}] [{tempo}]",
            "clapping hands[, {size}], {colour} sleeves[, {times}][, {place}]",
            "[{place}], a pair of [{size}] hands in {colour} claps [{times}]",
            "{times} two [{size}] hands in {colour} sleeves clap [{position}] [{place}]",
            "a pair of [{size}] hands in {colour} sleeves claps [{times}] [{tempo}] [{position}] [{place}]",
            "a (player|person) in {colour} claps [{size}] hands [{times}] [{force}]",
            "{count} {clap/claps}, [{size}] hands, {colour} sleeves [{position}] [{place}]",
            "[{size}] hands in {colour} sleeves [{position}] [{place}], they clap [{times}]",
            "hands clap [{times}]",
        ),
        audio=(
            "{count} [{loudness}] [{pitch}] hand {clap/claps}",
            "someone claps [{how}] [{times}] [{tempo}][, {pitch}]",
            "{count} [{loudness}] {clap/claps}[, {pitch}]",
            "hands clap [{how}] {times} [{tempo}]",
            "[{loudness}] [{pitch}] clapping, {times}",
            "the [{loudness}] [{pitch}] sound of clapping hands [{times}]",
            "two [{size}] hands clap [{times}] [{how}] [{tempo}]",
            "clap, {pitch}[, {loudness}][, {times}]",
            "a [{pitch}] clap [of hands] is heard {times} [{place}]",
            "you hear {count} [{loudness}] [{pitch}] {clap/claps} [{tempo}]",
            "a person claps {times} [with {size} hands]",
            "{count} [{pitch}] {clap/claps} of [{size}] hands [{place}]",
            "[{loudness}] {pitch} {clap/claps}, {times} [{tempo}]",
            "hands clap [{times}]",
        ),
        silent_video=(
            "two [{size}] hands in {colour} sleeves keep still [{place}]",
            "[{size}] hands with {colour} sleeves do not clap [{place}]",
            "two [{size}] hands in {colour} sleeves [{place}], nothing moves",
            "two [{size}] hands in {colour} sleeves [{place}] in silence",
        ),
        silent_audio=(*SILENCE, "the hands do not clap", "nobody claps, silence"),
    )
