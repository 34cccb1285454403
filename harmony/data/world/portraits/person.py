"""Men, women and children."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from harmony.data.world.canvas import Canvas
from harmony.data.world.palette import COLOURS, INK, RGB, darker, mix
from harmony.data.world.portraits.mouth import paint_mouth

SKINS: dict[str, RGB] = {"light": (0.99, 0.84, 0.72), "tan": (0.86, 0.63, 0.45), "dark": (0.52, 0.33, 0.23)}
HAIRS: dict[str, RGB] = {
    "black": (0.15, 0.13, 0.16),
    "brown": (0.46, 0.27, 0.14),
    "blond": (0.96, 0.80, 0.40),
    "red": (0.80, 0.34, 0.13),
    "gray": (0.70, 0.71, 0.74),
}
HAIRSTYLES = {"man": ("short", "curly"), "woman": ("long", "short", "curly"), "child": ("short", "long", "curly")}
_MOUTH_Y = 0.175


def paint_person(
    stage: Canvas, head: Canvas, look: Mapping[str, str], mouth: np.ndarray, blink: np.ndarray
) -> list[np.ndarray]:
    """One person from the shoulders up; returns the coverages of mouth and chin."""
    skin, hair = SKINS[look["skin"]], HAIRS[look["hair"]]
    child, woman = look["who"] == "child", look["who"] == "woman"
    wide = {"man": 0.275, "woman": 0.262, "child": 0.285}[look["who"]]
    if look["hairstyle"] == "long":
        head.box(0, 0.09, wide + 0.085, 0.33, darker(hair, 0.25), corner=0.16)
    _paint_shoulders(stage, COLOURS[look["shirt"]], skin, broad=not (child or woman))
    _paint_hair_behind(head, hair, look["hairstyle"], wide)
    for x in (-wide, wide):
        head.ellipse(x, 0.03, 0.05, 0.065, darker(skin, 0.08))
    head.ellipse(0, 0.02, wide, 0.29, skin)
    drop = 0.045 * mouth[:, 0]
    chin = {"man": 0.215, "woman": 0.185, "child": 0.2}[look["who"]]
    jaw = head.ellipse(0, 0.19 + drop, chin, 0.155, skin)
    _paint_hair_before(head, hair, look["hairstyle"], wide)
    for mirrored in (False, True):
        side = head.placed(0, 0, mirrored=mirrored)
        side.ellipse(0.17, 0.13, 0.055, 0.04, (0.93, 0.42, 0.38), alpha=0.28)
        paint_eye(side, blink, big=1.15 if child else 1.0, lid=darker(skin, 0.45), lashes=woman)
        side.line([(0.06, -0.135), (0.11, -0.145), (0.165, -0.13)], 0.011 if woman else 0.016, darker(hair, 0.2))
        if look["glasses"] == "yes":
            side.ring(0.115, -0.035, 0.088, 0.022, INK)
            side.line([(0.0, -0.045), (0.03, -0.045)], 0.011, INK)
    head.ellipse(0, 0.075, 0.03, 0.024, darker(skin, 0.2))
    lips = mix(skin, (0.80, 0.22, 0.25), 0.75 if woman else 0.5)
    return [jaw, *paint_mouth(head, mouth, lips=lips, y=_MOUTH_Y)]


def paint_eye(side: Canvas, blink: np.ndarray, *, big: float, lid: RGB, lashes: bool = False) -> None:
    """The eye on one side; ``blink`` (F,) is 1 where it is shut."""
    x, y, open_eye = 0.115, -0.035, np.maximum(1 - blink, 0.02)
    white = side.ellipse(x, y, 0.06 * big, 0.055 * big * open_eye, (1.0, 1.0, 1.0))
    side.disc(x - 0.008, y + 0.004, 0.034 * big, INK, within=white)
    side.disc(x + 0.004, y - 0.012, 0.012 * big, (1.0, 1.0, 1.0), within=white)
    side.line([(x - 0.055, y), (x + 0.055, y)], 0.01, lid, alpha=blink)
    if lashes:
        side.line([(x - 0.045, y - 0.052), (x + 0.05, y - 0.048), (x + 0.072, y - 0.058)], 0.009, INK, alpha=1 - blink)


def _paint_shoulders(stage: Canvas, shirt: RGB, skin: RGB, *, broad: bool) -> None:
    stage.ellipse(0, 0.62, 0.5 if broad else 0.43, 0.285, shirt)
    stage.ellipse(0, 0.33, 0.13 if broad else 0.11, 0.1, darker(skin, 0.2))


def _paint_hair_behind(head: Canvas, hair: RGB, style: str, wide: float) -> None:
    if style == "curly":
        for turn in np.linspace(-0.08, 1.08, 9) * np.pi:
            head.disc(-(wide + 0.02) * np.cos(turn), -0.07 - 0.25 * np.sin(turn), 0.095, hair)
    else:
        head.ellipse(0, -0.07, wide + 0.045, 0.31, hair)


def _paint_hair_before(head: Canvas, hair: RGB, style: str, wide: float) -> None:
    if style == "curly":
        for x in (-0.15, -0.05, 0.05, 0.15):
            head.disc(x, -0.245 + 0.25 * x * x, 0.065, hair)
    elif style == "long":
        for mirrored in (False, True):
            head.placed(0, 0, mirrored=mirrored).ellipse(0.15, -0.2, 0.17, 0.095, hair, angle=0.45)
    else:
        head.ellipse(-0.05, -0.235, wide - 0.04, 0.085, hair, angle=-0.12)
