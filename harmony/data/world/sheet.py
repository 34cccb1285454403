"""Contact sheets: clips of the tiny world for people to look at.

    python -m harmony.data.world.sheet --kind drum --seeds 0-7 --out drum.png

One row a clip: frames from left to right, below them the sound with a tick at each event, then the captions.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from harmony.data.world import KINDS, Clip, render, sample_scene
from harmony.timeline import Timeline

_WAVE, _TEXT, _GAP = 34, 28, 8
_PAPER, _INK, _TICK = (250, 249, 246), (60, 60, 70), (210, 60, 50)


def draw_row(clip: Clip, *, columns: int = 11, zoom: int = 2) -> Image.Image:
    """One clip as a strip of ``columns`` evenly spaced frames with its sound and captions."""
    frames, height, width = clip.frames.shape[:3]
    cell = width * zoom
    picked = np.linspace(0, frames - 1, columns).round().astype(int)
    row = Image.new("RGB", (columns * (cell + 2), height * zoom + _WAVE + _TEXT + _GAP), _PAPER)
    for column, frame in enumerate(picked):
        picture = Image.fromarray(clip.frames[frame]).resize((cell, height * zoom), Image.Resampling.NEAREST)
        row.paste(picture, (column * (cell + 2), 0))
    pen = ImageDraw.Draw(row)
    _draw_sound(pen, clip, top=height * zoom, width=row.width)
    top = height * zoom + _WAVE
    pen.text((2, top), f"{clip.scene.kind} {clip.scene.seed}   picture: {clip.captions.video}", fill=_INK)
    pen.text((2, top + 13), f"sound: {clip.captions.audio}   plain: {clip.captions.video_plain}", fill=_INK)
    return row


def _draw_sound(pen: ImageDraw.ImageDraw, clip: Clip, *, top: int, width: int) -> None:
    middle = top + _WAVE // 2
    starts = np.arange(width) * len(clip.waveform) // width
    for x, peak in enumerate(np.maximum.reduceat(np.abs(clip.waveform), starts)):
        half = float(peak) * (_WAVE / 2 - 1)
        pen.line([(x, middle - half), (x, middle + half)], fill=_INK)
    for event in clip.scene.events:
        x = event.time / clip.scene.duration * width
        pen.line([(x, top), (x, top + _WAVE - 1)], fill=_TICK, width=2)


def draw_sheet(clips: list[Clip], *, columns: int = 11, zoom: int = 2) -> Image.Image:
    """All clips below each other."""
    rows = [draw_row(clip, columns=columns, zoom=zoom) for clip in clips]
    sheet = Image.new("RGB", (max(row.width for row in rows), sum(row.height for row in rows)), _PAPER)
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=KINDS, nargs="*", help="kinds of scene; all kinds when left out")
    parser.add_argument("--seeds", default="0-3", help="first and last seed, as in 0-7")
    parser.add_argument("--split", default="train", choices=("train", "val", "test"))
    parser.add_argument("--size", type=int, default=64, help="pixels per side")
    parser.add_argument("--columns", type=int, default=11, help="frames per row")
    parser.add_argument("--zoom", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    clips = [
        render(sample_scene(seed, kind=kind, split=options.split), Timeline(), height=options.size, width=options.size)
        for kind in options.kind or KINDS
        for seed in range(int(first), int(last or first) + 1)
    ]
    draw_sheet(clips, columns=options.columns, zoom=options.zoom).save(options.out)


if __name__ == "__main__":
    main()
