"""The transformer in training and on disk: gradients, dtypes, files, the presets' tensors, and the door."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import torch
from micro import FORMS, REFERENCE, assert_same, inputs_of, model_of, run, times

from harmony.models.config import HarmonyConfig
from harmony.models.transformer import HarmonyTransformer


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("checkpointing", [False, True])
def test_everything_gets_a_gradient(name: str, checkpointing: bool) -> None:
    config = HarmonyConfig.micro(**FORMS[name])
    model, (video, audio, conditioning) = model_of(config), inputs_of(config)
    mask = torch.ones(2, REFERENCE, dtype=torch.bool)
    mask[0] = False  # one clip with the null tokens, one with a reference
    if checkpointing:
        model.enable_gradient_checkpointing()
    velocity = model(
        video, audio, timestep_video=times(300, 900), timestep_audio=times(500, 20),
        conditioning=replace(conditioning, reference_mask=mask),
    )  # fmt: skip
    (velocity.video.square().mean() + velocity.audio.square().mean()).backward()
    silent = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def test_gradients_do_not_depend_on_checkpointing() -> None:
    gradients = []
    for checkpointing in (False, True):
        model = model_of()
        if checkpointing:
            model.enable_gradient_checkpointing()
        video, audio, conditioning = inputs_of(model.shape)
        out = model(video, audio, timestep_video=times(1, 2), timestep_audio=times(3, 4), conditioning=conditioning)
        (out.video.sum() + out.audio.sum()).backward()
        gradients.append([p.grad for p in model.parameters()])
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("name", FORMS)
def test_bfloat16_is_close(name: str) -> None:
    config = HarmonyConfig.micro(**FORMS[name])
    model, inputs = model_of(config), inputs_of(config)
    exact = run(model, *inputs)
    rough = run(model.to(torch.bfloat16), *inputs)
    assert rough.video.dtype == torch.bfloat16
    for ours, theirs in zip(rough, exact, strict=True):
        assert (ours - theirs).norm() < 0.05 * theirs.norm()


def test_saved_and_loaded(tmp_path) -> None:
    model = model_of()
    inputs = inputs_of(model.shape)
    model.save_pretrained(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.json", "diffusion_pytorch_model.safetensors"]
    again = HarmonyTransformer.from_pretrained(tmp_path).eval()
    assert again.shape == model.shape
    assert_same(run(model, *inputs), run(again, *inputs), atol=0)
    half = HarmonyTransformer.from_pretrained(tmp_path, torch_dtype=torch.bfloat16).eval()
    assert half.blocks[0].video.scale_shift_table.dtype == torch.float32
    assert run(half, *inputs).video.dtype == torch.bfloat16


def test_ovi_preset_has_ovis_tensors() -> None:
    with torch.device("meta"):
        model = HarmonyTransformer.from_harmony_config(HarmonyConfig.ovi())
    tensors = model.state_dict()
    assert len(tensors) == 2073
    assert sum(t.numel() for t in tensors.values()) == 11_660_753_108
    assert Counter(tuple(t.shape) for t in tensors.values()) == {
        (3072,): 1210, (3072, 3072): 604, (1, 6, 3072): 60, (3072, 14336): 60, (14336,): 60, (14336, 3072): 60,
        (1, 2, 3072): 2, (3072, 256): 2, (3072, 4096): 2, (18432,): 2, (18432, 3072): 2, (8192, 3072, 7): 2,
        (3072, 8192, 7): 1, (3072, 20, 7): 1, (3072, 48, 1, 2, 2): 1, (192,): 1, (192, 3072): 1, (20,): 1,
        (20, 3072): 1,
    }  # fmt: skip


def test_paper_preset_has_wans_video_branch() -> None:
    with torch.device("meta"):
        model = HarmonyTransformer.from_harmony_config(HarmonyConfig.paper())
    video = [t for name, t in model.state_dict().items() if name.startswith("video.") or ".video." in name]
    crossing = [t for name, t in model.state_dict().items() if "cross_time_proj" in name and name.startswith("video.")]
    assert len(video) - len(crossing) == 825
    assert sum(t.numel() for t in video) - sum(t.numel() for t in crossing) == 4_999_787_712


def test_wrong_inputs_are_refused_with_a_sentence() -> None:
    model = model_of()
    video, audio, conditioning = inputs_of(model.shape)
    with pytest.raises(ValueError, match="need 4 channels, got 6"):
        run(model, torch.zeros(2, 6, 5, 4, 4), audio, conditioning)
    with pytest.raises(ValueError, match="do not divide into patches"):
        run(model, video[..., :3], audio, conditioning)
    with pytest.raises(ValueError, match=r"timestep_video must be \(2,\) or \(2, 5\), got \(3,\)"):
        run(model, video, audio, conditioning, timestep_video=times(1, 2, 3))
    with pytest.raises(ValueError, match="2 videos cannot go with 1 sounds"):
        run(model, video, audio[:1], conditioning)
    with pytest.raises(ValueError, match="give a video, a sound, or both"):
        model(None, None, timestep_video=None, timestep_audio=None, conditioning=conditioning)
    with pytest.raises(ValueError, match="takes no transcript"):
        run(model_of(HarmonyConfig.micro(transcript_dim=0)), video, audio, conditioning)
