"""Draws the README's moving picture: scenes of the tiny world, straight from its renderer.

python tools/make_pictures.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from harmony.data.world import render, sample_scene
from harmony.timeline import Timeline

SCENES = (
    ("drum", 4),
    ("face", 2),
    ("lamp", 1),
    ("dog", 0),
    ("hammer", 1),
    ("face_rain", 0),
    ("xylophone", 0),
    ("clap", 1),
)
COLUMNS, SIZE = 4, 128


def main() -> None:
    timeline = Timeline()
    clips = [render(sample_scene(seed, kind=kind), timeline, height=SIZE, width=SIZE).frames for kind, seed in SCENES]
    rows = [np.concatenate(clips[k : k + COLUMNS], axis=2) for k in range(0, len(clips), COLUMNS)]
    frames = [Image.fromarray(f).quantize(96, dither=Image.Dither.NONE) for f in np.concatenate(rows, axis=1)]
    target = Path(__file__).resolve().parents[1] / "assets" / "world.gif"
    frames[0].save(
        target,
        save_all=True,
        append_images=frames[1:],
        duration=round(1000 / timeline.frame_rate),
        loop=0,
        optimize=True,
    )
    print(f"{target.name}: {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
