"""How a speaking face looks, and painting it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from harmony.data.world.canvas import Canvas
from harmony.data.world.chance import Chance
from harmony.data.world.portraits.creatures import CAT_COLOURS, ROBOT_COLOURS, paint_cat, paint_robot
from harmony.data.world.portraits.person import HAIRS, HAIRSTYLES, SKINS, paint_person

Look = Mapping[str, str]
SHIRTS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white")
_STYLES, _STYLE_WEIGHTS = ("person", "robot", "cat"), (6, 1, 1)
_PAINTERS = {"person": paint_person, "robot": paint_robot, "cat": paint_cat}
_BLINK = 0.11  # seconds from open to shut, and back


def sample_look(rng: Chance, kind: str, *, without: str = "") -> dict[str, str]:
    """What captions may say of a face.

    Args:
        kind: of its voice: "man", "woman" or "child". A person is of this kind; robots and cats have any voice.
        without: a colour that shirt and body must not have, because the other one wears it.
    """
    style = rng.child("style").choice(_STYLES, weights=_STYLE_WEIGHTS)
    shirt = rng.child("shirt").choice([colour for colour in SHIRTS if colour != without])
    if style == "robot":
        colour = rng.child("colour").choice([colour for colour in ROBOT_COLOURS if colour != without])
        return {"style": style, "who": "robot", "colour": colour}
    if style == "cat":
        colour = rng.child("colour").choice([colour for colour in CAT_COLOURS if colour != shirt])
        return {"style": style, "who": "cat", "colour": colour, "shirt": shirt}
    hairs = [hair for hair in HAIRS if not (kind == "child" and hair == "gray")]
    return {
        "style": style,
        "who": kind,
        "skin": rng.child("skin").choice(tuple(SKINS)),
        "hair": rng.child("hair").choice(hairs),
        "hairstyle": rng.child("hairstyle").choice(HAIRSTYLES[kind]),
        "glasses": "yes" if rng.child("glasses").flip(0.2) else "no",
        "shirt": shirt,
    }


def breath_of(rng: Chance, *, duration: float) -> dict[str, Any]:
    """The small movements of a living face: when it blinks, and how its head sways."""
    blinks, now = [], rng.uniform(0.1, 2.2)
    while now < duration:
        blinks.append(round(now, 4))
        now += rng.uniform(0.9, 3.0)
    return {"blinks": blinks, "sway": [round(rng.uniform(0, 2 * np.pi), 4), round(rng.uniform(0.003, 0.009), 5)]}


def paint_portrait(
    canvas: Canvas, look: Look, breath: Mapping[str, Any], mouth: np.ndarray, times: np.ndarray
) -> list[np.ndarray]:
    """Paint a face around the canvas' origin, from shoulders to hair about 1 high.

    Args:
        mouth: (F, 3) opening, width, teeth.
        times: (F,) seconds.

    Returns:
        Coverages of its mouth and chin.
    """
    phase, reach = breath["sway"]
    x = reach * np.sin(2 * np.pi * 0.45 * times + phase)
    y = 0.6 * reach * np.sin(2 * np.pi * 0.7 * times + 2 * phase)
    head = canvas.placed(x, y - 0.008 * mouth[:, 0])
    blink = np.zeros(len(times))
    for moment in breath["blinks"]:
        blink = np.maximum(blink, 1.25 - np.abs(times - moment) / _BLINK)
    return _PAINTERS[look["style"]](canvas, head, look, mouth, np.clip(blink, 0, 1))
