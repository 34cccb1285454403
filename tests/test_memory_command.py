"""``harmony plan``, the app's line about how a model was opened, and what a shared GPU is told."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from full_size import full_size
from typer.testing import CliRunner

import harmony.memory.card
import harmony.ui.studio
from harmony import media
from harmony.cli import cli
from harmony.convert.licenses import weights_license
from harmony.memory.card import matmul_rate
from harmony.memory.parts import Parts
from harmony.memory.planner import GB, Plan, Settings
from harmony.pipeline import HarmonyPipeline
from harmony.session import Job, Knobs, load_pipeline
from harmony.ui.app import badge, badge_when_open, launch_app
from harmony.ui.model import ModelHolder
from harmony.ui.studio import Studio
from harmony.ui.zero import TEXT_SECONDS, clip_seconds

ONE_STEP = dict(knobs=Knobs("none"), steps=1)


@pytest.fixture(autouse=True)
def wide(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture(scope="module")
def pipe() -> HarmonyPipeline:
    return HarmonyPipeline.micro()


@pytest.fixture(autouse=True)
def counted_once(monkeypatch) -> None:
    monkeypatch.setattr(Parts, "ovi", full_size)


def harmony_plan(*arguments, code: int = 0):
    result = CliRunner().invoke(cli, ["plan", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


# -- the command -------------------------------------------------------------------------------------------------------


def test_plan_tells_settings_memory_and_that_no_second_was_measured() -> None:
    said = harmony_plan("--vram", 24).output
    assert "fits: bf16, text encoder first, then the transformer" in said
    assert "704 x 704 pixels, 121 frames, 2 passes a step, on a card of 24.0 GB" in said
    for phase in ("reading the text", "making the clip", "coding pictures and sound", "waiting in main memory"):
        assert phase in said
    assert "transformer 21.8 GB" in said and "no card was measured here, so none are told" in said


def test_plan_tells_when_nothing_fits(monkeypatch) -> None:
    made = Plan(
        Settings("nf4", "model"), SimpleNamespace(), {"text": GB, "denoise": 9 * GB, "codecs": GB}, 0,
        {"transformer": GB}, 2, 10**12, fits=False,
    )  # fmt: skip
    monkeypatch.setattr("harmony.memory.planner.make_plan", lambda *_, **__: made)
    said = harmony_plan("--vram", 8, code=1).output
    assert "does not fit; the most frugal settings are: 4-bit layers (nf4)" in said and "9.0 GB" in said


def test_seconds_are_told_only_as_what_the_measured_rate_allows(monkeypatch) -> None:
    made = Plan(Settings(), SimpleNamespace(), dict.fromkeys(("text", "denoise", "codecs"), GB), 0, {}, 2, 10**14)
    monkeypatch.setattr("harmony.memory.planner.make_plan", lambda *_, **__: made)
    monkeypatch.setattr(harmony.memory.card, "has_card", lambda: True)
    monkeypatch.setattr(harmony.memory.card, "matmul_rate", lambda device: 1e14)
    said = harmony_plan("--vram", 8).output
    assert "100 TFLOP/s in bf16 (measured now), so a step takes at least 2.00 s" in said


def test_a_small_checkpoint_needs_no_plan(pipe, tmp_path) -> None:
    pipe.save_pretrained(tmp_path / "small")
    assert "so small a model fits every card" in harmony_plan("--vram", 4, "--model", tmp_path / "small").output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "No graphics card was found here; say how much memory yours has, for example --vram 24."),
        (("--vram", 24, "--height", 720), "Height must be a multiple of 32 for this model, got 720."),
        (("--vram", 24, "--frames", 60), "Num_frames must be 1 + n * 4, got 60; nearest: 61."),
        (("--vram", 24, "--quantize", "int3"), "Quantize must be auto, none, int8 or nf4; got 'int3'."),
        (("--vram", 24, "--offload", "group", "--quantize", "nf4"), "Group offload works with unquantised layers only"),
        (("--vram", 24, "--model", "nowhere/at/all"), "There is no model in nowhere/at/all."),
        (("--vram", 24, "--model", "micro"), "Micro is so small that there is nothing to plan"),
    ],
)
def test_what_cannot_be_planned_is_one_sentence(arguments, words) -> None:
    said = harmony_plan(*arguments, code=2).stderr
    assert words in said and "Traceback" not in said and len(said.strip().splitlines()) == 1


def test_clips_can_be_made_in_fewer_bits_from_the_command_line(tmp_path) -> None:
    clip, fast = str(tmp_path / "clip.mp4"), ["--model", "micro", "--steps", "1", "--guidance", "none"]
    result = CliRunner().invoke(cli, ["generate", "a drum", "-o", clip, "--quantize", "int8", *fast])
    assert result.exit_code == 0 and (tmp_path / "clip.mp4").stat().st_size > 0
    result = CliRunner().invoke(cli, ["generate", "a drum", "-o", clip, "--offload", "group", *fast])
    assert result.exit_code == 2 and "none was found here" in result.stderr


def test_a_measured_rate_is_a_rate() -> None:
    import torch

    assert 1e6 < matmul_rate("cpu", dtype=torch.float32, size=64, repeats=2) < 1e15


# -- the app -----------------------------------------------------------------------------------------------------------


def test_the_header_tells_how_a_big_model_was_opened() -> None:
    holder = ModelHolder("big", load=lambda name: SimpleNamespace(opened_as="8-bit layers <int8>"))
    assert "big · 8-bit layers &lt;int8&gt;" in badge_when_open(holder)
    as_ever = ModelHolder("small", load=lambda name: SimpleNamespace(opened_as=None))
    gone = ModelHolder("gone", load=lambda name: 1 / 0)
    assert badge_when_open(as_ever) == badge_when_open(gone) == gr.skip()


def test_an_app_that_cannot_open_so_does_not_start() -> None:
    with pytest.raises(ValueError, match="none was found here"):
        launch_app("micro", opening=dict(offload="model"), block=False)


# -- ZeroGPU -----------------------------------------------------------------------------------------------------------


def test_time_on_a_shared_card_grows_with_passes_and_size(pipe, monkeypatch) -> None:
    monkeypatch.setattr("harmony.ui.zero.DENOISE_RATE", 1e6)
    short, long = Job(prompt="a", **ONE_STEP), Job(prompt="a", knobs=Knobs("none"), steps=11)
    per_step = (clip_seconds(pipe, long) - clip_seconds(pipe, short)) / 10
    assert per_step > 1
    guided = Job(prompt="a", knobs=Knobs("isolated", 2.0, 2.0), steps=11)
    assert clip_seconds(pipe, guided) > clip_seconds(pipe, long) + 9 * per_step
    wider = HarmonyPipeline.micro()
    wider.register_to_config(height=128, width=128)
    assert clip_seconds(wider, long) > 2 * clip_seconds(pipe, long)


def test_text_is_a_call_of_its_own_on_a_shared_card_alone(pipe, monkeypatch) -> None:
    lent = {}

    def gpu(duration):
        return lambda task: lent.setdefault(task.__name__, duration) and task

    monkeypatch.setattr(harmony.ui.studio.spaces, "GPU", gpu)
    studio = Studio(ModelHolder("micro", load=lambda name: pipe))
    assert lent["_read"] == TEXT_SECONDS and lent["_run"].__name__ == "_gpu_seconds"
    calls, read, run = [], studio._encode, studio._compute
    monkeypatch.setattr(studio, "_encode", lambda job: calls.append("text") or read(job))
    monkeypatch.setattr(studio, "_compute", lambda *a: calls.append(type(a[-1]).__name__) or run(*a))
    here = studio.make(Job(prompt="a drum", seed=1, **ONE_STEP), None, gr.Progress())
    assert calls == ["NoneType"]
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    job = Job(prompt="a drum", audio_prompt="a drum", seed=1, **ONE_STEP)
    there = studio.make(job, None, gr.Progress())
    assert calls == ["NoneType", "text", "EncodedCaptions"]
    frames = [media.read_video(outcome.clip)[0] for outcome in (here, there)]
    assert np.array_equal(*frames)  # the same words, the same clip


def test_nothing_of_ahead_of_time_compilation_is_imported_on_a_cpu() -> None:
    load_pipeline("micro")
    assert "spaces.zero.torch.aoti" not in sys.modules


@pytest.mark.parametrize(("with_sound", "forbids"), [(True, True), (False, False)])
def test_the_header_tells_that_weights_are_not_for_commerce(tmp_path, with_sound, forbids) -> None:
    index = {"license": weights_license(with_sound=with_sound)}
    (tmp_path / "model_index.json").write_text(json.dumps(index))
    holder = ModelHolder(str(tmp_path), load=lambda name: SimpleNamespace(opened_as="bf16"))
    for shown in (badge(str(tmp_path)), badge_when_open(holder)):
        assert tmp_path.name in shown and ("for non-commercial use only" in shown) == forbids
    assert "CC-BY-NC-4.0" in badge(str(tmp_path)) or not forbids
