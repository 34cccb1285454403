"""Contact sheets: clips of the tiny world for people to look at.

    python -m harmony.data.world.sheet --kind drum --seeds 0-7 --out drum.png

One row a clip: its caption, frames from left to right, and below them the sound with a tick at each event.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from harmony.data.world import KINDS, Clip, render, sample_scene
from harmony.timeline import Timeline
from harmony.visualize import contact_sheet

_WAVE, _TEXT, _MARGIN = 34, 16, 12
_INK, _TICK = (60, 60, 70), (210, 60, 50)


def draw_row(clip: Clip, *, columns: int = 11, height: int = 128) -> Image.Image:
    """One clip: its caption, ``columns`` evenly spaced frames, its sound, and what the sound's caption says."""
    title = f"{clip.scene.kind} {clip.scene.seed}: {clip.captions.video}"
    pictures = contact_sheet([clip.frames], [title], columns=columns, height=height)
    row = Image.new("RGB", (pictures.width, pictures.height + _WAVE + _TEXT), pictures.getpixel((0, 0)))
    row.paste(pictures, (0, 0))
    pen = ImageDraw.Draw(row)
    top = pictures.height - _MARGIN
    _draw_sound(pen, clip, left=_MARGIN, top=top, width=row.width - 2 * _MARGIN)
    text = f"sound: {clip.captions.audio}   |   without counts: {clip.captions.video_plain}"
    pen.text((_MARGIN, top + _WAVE + 4), text, fill=_INK)
    return row


def _draw_sound(pen: ImageDraw.ImageDraw, clip: Clip, *, left: int, top: int, width: int) -> None:
    middle = top + _WAVE // 2
    starts = np.arange(width) * len(clip.waveform) // width
    for x, peak in enumerate(np.maximum.reduceat(np.abs(clip.waveform), starts)):
        half = float(peak) * (_WAVE / 2 - 1)
        pen.line([(left + x, middle - half), (left + x, middle + half)], fill=_INK)
    for event in clip.scene.events:
        x = left + event.time / clip.scene.duration * width
        pen.line([(x, top), (x, top + _WAVE - 1)], fill=_TICK, width=2)


def draw_sheet(clips: list[Clip], *, columns: int = 11, height: int = 128) -> Image.Image:
    """All clips below each other."""
    rows = [draw_row(clip, columns=columns, height=height) for clip in clips]
    sheet = Image.new(
        "RGB", (max(row.width for row in rows), sum(row.height for row in rows)), rows[0].getpixel((0, 0))
    )
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=KINDS, nargs="*", help="kinds of scene; left out: all of KINDS")
    parser.add_argument("--seeds", default="0-3", help="first and last seed, as in 0-7")
    parser.add_argument("--split", default="train", choices=("train", "val", "test"))
    parser.add_argument("--size", type=int, default=64, help="pixels per side")
    parser.add_argument("--columns", type=int, default=11, help="frames per row")
    parser.add_argument("--height", type=int, default=128, help="height of a frame on the sheet, in pixels")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    clips = [
        render(sample_scene(seed, kind=kind, split=options.split), Timeline(), height=options.size, width=options.size)
        for kind in options.kind or KINDS
        for seed in range(int(first), int(last or first) + 1)
    ]
    draw_sheet(clips, columns=options.columns, height=options.height).save(options.out)


if __name__ == "__main__":
    main()
