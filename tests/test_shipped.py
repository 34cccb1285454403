"""The weights that ship: small enough to be cloned, nothing in them but tensors and words, and they make clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harmony import HarmonyPipeline
from harmony.batch import generate_batch
from harmony.evaluation.bench import Judges
from harmony.evaluation.clips import as_video
from harmony.session import chosen_model

SHIPPED = Path(__file__).resolve().parents[1] / "assets" / "harmony-tiny"


def test_they_are_light_and_hold_tensors_only():
    files = [file for file in SHIPPED.rglob("*") if file.is_file()]
    assert {file.suffix for file in files} <= {".json", ".safetensors", ".md", ".png", ".txt"}
    assert max(file.stat().st_size for file in files) <= 16e6
    assert sum(file.stat().st_size for file in files) <= 40e6


def test_they_tell_nothing_of_the_machine_they_were_made_on():
    assert not [file for file in SHIPPED.rglob("*.json") if "_name_or_path" in file.read_text(encoding="utf-8")]


@pytest.fixture(scope="module")
def pipe() -> HarmonyPipeline:
    pipe = HarmonyPipeline.from_pretrained(chosen_model(), precision="float32")
    pipe.set_progress_bar_config(disable=True)
    return pipe


def test_they_are_what_opens_by_default(pipe):
    assert Path(chosen_model()).resolve() == SHIPPED
    assert pipe.model_id == "harmony-tiny" and pipe.config.license == "Apache-2.0"
    assert pipe.guidance.terms, "the shipped model has guidance defaults of its own"


def test_a_caption_becomes_a_clip_with_its_sound(pipe):
    clip = pipe("a red drum is hit three times", num_inference_steps=3, seed=1)
    again = pipe("a red drum is hit three times", num_inference_steps=3, seed=1)
    assert clip.frames.shape == (49, 128, 128, 3) and clip.waveform.shape[-1] == 49_000
    assert np.array_equal(clip.frames, again.frames) and np.array_equal(clip.waveform, again.waveform)
    assert clip.frames.std() > 10, "a picture, not one colour"
    assert np.abs(clip.waveform).max() > 0.01, "a sound, not silence"


@pytest.mark.parametrize("kind", ["bell", "dog", "drum", "lamp"])
def test_captions_decide_the_scene(pipe, kind):
    judge = Judges.load().scene
    acts = {"bell": "rings", "dog": "barks", "drum": "is hit", "lamp": "blinks"}
    clips = generate_batch(pipe, [dict(prompt=f"a {kind} {acts[kind]} three times", seed=seed) for seed in range(3)])
    shown = [judge.predict(as_video(clip.frames[None]))[0]["kind"] for clip in clips]
    assert shown.count(kind) >= 2, shown


@pytest.mark.parametrize(("place", "colour"), [("at night", "red"), ("outdoors", "blue"), ("indoors", "green")])
def test_captions_decide_places_and_colours(pipe, place, colour):
    judge = Judges.load().scene
    clips = generate_batch(pipe, [dict(prompt=f"a big {colour} drum is hit twice {place}", seed=s) for s in range(3)])
    shown = [judge.predict(as_video(clip.frames[None]))[0] for clip in clips]
    places = {"at night": "night", "outdoors": "day", "indoors": "indoors"}
    assert sum(one["place"] == places[place] for one in shown) >= 2, shown
    assert sum(one["colour"] == colour for one in shown) >= 2, shown
