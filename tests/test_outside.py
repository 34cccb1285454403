"""Uploads from outside the toy world get a kind word, those of the world none."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from PIL import Image

from harmony import HarmonyPipeline
from harmony.data.world import render, sample_scene
from harmony.session.outside import PICTURE_DB, outside_words, picture_fidelity

SHIPPED = Path(__file__).resolve().parents[1] / "assets" / "harmony-tiny"
PHOTOGRAPH = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"


@pytest.fixture(scope="module")
def pipe() -> HarmonyPipeline:
    return HarmonyPipeline.from_pretrained(SHIPPED)


@pytest.mark.parametrize("kind", ["drum", "lamp", "two_faces", "firework"])
def test_the_world_itself_is_at_home(pipe, kind) -> None:
    clip = render(sample_scene(900, kind=kind, split="val"), pipe.timeline)
    files = dict(image=clip.frames[0], video=(clip.frames, 16.0))
    assert picture_fidelity(pipe, clip.frames[0]) > PICTURE_DB
    assert outside_words(pipe, files) == ()


def test_a_photograph_is_told_apart_in_any_size(pipe) -> None:
    picture = Image.open(PHOTOGRAPH).convert("RGB")
    for size in (picture.size, (64, 64), (400, 90)):
        photograph = np.asarray(picture.resize(size))
        (words,) = outside_words(pipe, dict(image=photograph))
        assert words.startswith("Your picture is not from the toy world")
    film = np.repeat(photograph[None], 4, axis=0)
    assert outside_words(pipe, dict(video=(film, 25.0)))[0].startswith("Your film")


def test_models_of_the_real_world_are_left_alone() -> None:
    assert outside_words(SimpleNamespace(video_codec=None, audio_codec=None), dict(image=np.zeros((8, 8, 3)))) == ()


@pytest.mark.parametrize(("kind", "title"), [("drum", "drum"), ("rain", "rain"), ("xylophone", "xylophone")])
def test_people_read_what_their_sound_is_taken_for(pipe, kind, title) -> None:
    scenes = (sample_scene(seed, kind=kind, split="val") for seed in range(900, 999))
    scene = next(scene for scene in scenes if scene.events or kind == "rain")
    waveform = np.repeat(render(scene, pipe.timeline).waveform, 3)  # 48 kHz
    (words,) = outside_words(pipe, dict(audio=(np.stack([waveform, waveform]), 48_000)))
    assert words.endswith(f"most like this: {title}.")
