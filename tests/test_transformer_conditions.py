"""Text, timing and reference inside the transformer: what is absent adds nothing, and clips do not mix."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from micro import FORMS, assert_same, clip_of, inputs_of, model_of, run, times

from harmony.models.conditioning import Conditioning, Streams
from harmony.models.config import HarmonyConfig


@pytest.mark.parametrize("text_form", ["cross", "joint"])
@pytest.mark.parametrize("name", ["transcript", "audio_caption", "video_caption"])
def test_masked_text_adds_exactly_nothing(text_form: str, name: str) -> None:
    model = model_of(HarmonyConfig.micro(text_form=text_form))
    video, audio, conditioning = inputs_of(model.shape)
    mask = getattr(conditioning, f"{name}_mask").clone()
    mask[0] = False
    masked = run(model, video, audio, replace(conditioning, **{f"{name}_mask": mask}))
    loud = replace(conditioning, **{f"{name}_mask": mask, name: getattr(conditioning, name) * 50})
    without = run(model, video, audio, replace(conditioning, **{name: None}))
    for stream in range(2):
        assert torch.equal(masked[stream][0], run(model, video, audio, loud)[stream][0])
        torch.testing.assert_close(masked[stream][0], without[stream][0], atol=2e-5, rtol=0)
    changed = max((masked[s][1] - without[s][1]).abs().amax() for s in range(2))
    assert changed > 1e-3


@pytest.mark.parametrize("name", FORMS)
def test_a_clip_alone_equals_itself_in_a_mixed_batch(name: str) -> None:
    config = HarmonyConfig.micro(**FORMS[name])
    model = model_of(config)
    video, audio, full = inputs_of(config, clips=3)
    names = ("video_caption", "audio_caption", "transcript", "reference")
    masks = {n: getattr(full, f"{n}_mask").clone() for n in names}
    for field in masks.values():
        field[1] = False  # clip 1 has nothing, clip 2 has less
        field[2, -1] = False
    mixed = replace(full, **{f"{n}_mask": mask for n, mask in masks.items()})
    joint = run(model, video, audio, mixed, timestep_video=times(100, 500, 900), timestep_audio=times(0, 700, 900))
    text = ("video_caption", "audio_caption", "transcript", "transcript_position")
    less = clip_of(full, 2)
    less = replace(less, **{n: getattr(less, n)[:, :-1] for n in text if getattr(less, n) is not None})
    alone = [
        clip_of(full, 0),
        Conditioning(timing=clip_of(full, 1).timing),
        replace(less, reference=less.reference[:, :, :-1], **dict.fromkeys(f"{n}_mask" for n in names)),
    ]
    for clip, conditioning in enumerate(alone):
        one = run(
            model, video[clip : clip + 1], audio[clip : clip + 1], conditioning,
            timestep_video=times(100, 500, 900)[clip : clip + 1], timestep_audio=times(0, 700, 900)[clip : clip + 1],
        )  # fmt: skip
        assert_same(Streams(joint.video[clip : clip + 1], joint.audio[clip : clip + 1]), one)


def test_timing_track_starts_silent_and_then_matters() -> None:
    fresh, trained = model_of(perturbed=False), model_of()
    video, audio, conditioning = inputs_of(fresh.shape)
    without = replace(conditioning, timing=None)
    assert torch.equal(run(fresh, video, audio, conditioning).audio, run(fresh, video, audio, without).audio)
    assert (
        run(trained, video, audio, conditioning).audio - run(trained, video, audio, without).audio
    ).abs().max() > 1e-3


def test_transcript_positions_matter() -> None:
    for text_form in ("cross", "joint"):
        model = model_of(HarmonyConfig.micro(text_form=text_form))
        video, audio, conditioning = inputs_of(model.shape)
        moved = replace(conditioning, transcript_position=conditioning.transcript_position + 3)
        assert (run(model, video, audio, conditioning).audio - run(model, video, audio, moved).audio).abs().max() > 1e-4


def test_frame_rate_moves_the_shared_clock() -> None:
    """At half the frame rate a window holds other sounds, and true time turns the tokens otherwise."""
    model = model_of()
    inputs = inputs_of(model.shape)
    usual = run(model, *inputs)
    assert_same(usual, run(model, *inputs, frame_rate=model.shape.frame_rate), atol=0)
    assert (usual.video - run(model, *inputs, frame_rate=8.0).video).abs().amax() > 1e-4
