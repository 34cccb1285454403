"""Draws the README's moving pictures: scenes of the tiny world, and clips that the shipped model makes.

python tools/make_pictures.py world
python tools/make_pictures.py generated
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import typer
from PIL import Image

from harmony.data.world import render, sample_scene
from harmony.timeline import Timeline

ASSETS = Path(__file__).resolve().parents[1] / "assets"
SCENES = (
    ("drum", 1),
    ("face", 2),
    ("guitar", 2),
    ("thunder", 2),
    ("clock", 1),
    ("face_rain", 1),
    ("footsteps", 2),
    ("sing", 2),
)
PROMPTS = (
    ("a purple drum is hit three times", None),
    ("a woman with black hair is talking", "hello blue monkey"),
    ("a red lamp blinks four times at night", None),
    ("a brown dog barks three times outdoors", None),
    ("a big orange guitar is strummed three times in a hall", None),
    ("a hammer hits glowing iron three times", None),
    ("a man with orange hair and glasses is talking", "red banana"),
    ("fireworks over a town", None),
    ("an orange cat meows twice indoors", None),
    ("a big red bird chirps four times outdoors", None),
    ("lightning strikes twice behind a red house at night", None),
    ("a woman with red hair sings two notes in a hall", None),
)
COLUMNS, SIZE, STRIP = 4, 128, 28
GROUND, SOUND, CURSOR = (20, 22, 27), (86, 180, 233), (240, 160, 48)

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)


@app.command()
def world() -> None:
    """Eight scenes of the tiny world, straight from its renderer."""
    timeline = Timeline()
    clips = [render(sample_scene(seed, kind=kind), timeline, height=SIZE, width=SIZE).frames for kind, seed in SCENES]
    save(ASSETS / "world.gif", clips, timeline)


@app.command()
def generated(seed: int = 7) -> None:
    """Twelve clips of the shipped model, all of one seed; below each its own sound, with a cursor."""
    from harmony import HarmonyPipeline

    pipe = HarmonyPipeline.from_pretrained(ASSETS / "harmony-tiny", precision="auto")
    clips = [pipe(prompt, transcript=said, seed=seed) for prompt, said in PROMPTS]
    pictures = [np.stack([enlarged(frame) for frame in clip.frames]) for clip in clips]
    strips = [sound_strip(clip.waveform, len(clip.frames)) for clip in clips]
    joined = [np.concatenate(pair, axis=1) for pair in zip(pictures, strips, strict=True)]
    save(ASSETS / "generated.gif", joined, pipe.timeline)


def enlarged(frame: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(frame).resize((SIZE, SIZE), Image.Resampling.BICUBIC))


def sound_strip(waveform: np.ndarray, num_frames: int) -> np.ndarray:
    """The envelope of a sound (S,) as pictures (F, STRIP, SIZE, 3), with a cursor at each frame's time."""
    peaks = np.array([np.abs(part).max() for part in np.array_split(np.ravel(waveform), SIZE)])
    heights = np.rint(peaks / max(peaks.max(), 1e-6) * (STRIP - 6) / 2)
    rows = np.abs(np.arange(STRIP) - STRIP // 2)
    strip = np.where((rows[:, None] <= heights[None])[..., None], SOUND, GROUND).astype(np.uint8)
    strips = np.repeat(strip[None], num_frames, axis=0)
    for k in range(num_frames):
        strips[k, :, int((k + 0.5) / num_frames * SIZE)] = CURSOR
    return strips


def save(target: Path, clips: list[np.ndarray], timeline: Timeline) -> None:
    """Clips (F, H, W, 3) in rows of four as one animated picture."""
    rows = [np.concatenate(clips[k : k + COLUMNS], axis=2) for k in range(0, len(clips), COLUMNS)]
    frames = [Image.fromarray(f).quantize(96, dither=Image.Dither.NONE) for f in np.concatenate(rows, axis=1)]
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
    app()
