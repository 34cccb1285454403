"""The two-stream transformer's identities: what must hold whatever the weights are."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from diffusers import WanTransformer3DModel
from micro import AUDIO, FORMS, REFERENCE, TIMES, assert_same, inputs_of, model_of, run, silence, times
from torch import Tensor

from harmony.models.conditioning import Conditioning, Streams
from harmony.models.config import HarmonyConfig
from harmony.models.recorder import AttentionRecorder
from harmony.models.transformer import HarmonyTransformer


def test_video_branch_equals_wan() -> None:
    torch.manual_seed(0)
    wan = WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=12, in_channels=4, out_channels=4, text_dim=16, freq_dim=32,
        ffn_dim=32, num_layers=2, rope_max_seq_len=64,
    ).eval()  # fmt: skip
    config = HarmonyConfig.micro(
        conv_stem=False, latent_gain=False, spatial_positions=None, qk_norm="full", cross_timestep=False
    )
    model = model_of(config)
    renamed = {
        f"blocks.{key.split('.')[1]}.video.{key.split('.', 2)[2]}"
        if key.startswith("blocks.")
        else f"video.{key}": value
        for key, value in wan.state_dict().items()
    }
    ours = {key for key in model.state_dict() if key.startswith("video.") or ".video." in key}
    assert ours == set(renamed)
    model.load_state_dict(renamed, strict=False)

    video, _, conditioning = inputs_of(config)
    conditioning = Conditioning(
        video_caption=conditioning.video_caption
    )  # no mask: every row is attended to, as Wan does
    for timestep in (times(250, 900), torch.rand(2, TIMES) * 1000):
        ours = run(model, video, None, conditioning, timestep_video=timestep).video
        per_token = timestep if timestep.dim() == 1 else timestep.repeat_interleave(4, dim=1)
        with torch.no_grad():
            theirs = wan(video, per_token, conditioning.video_caption, return_dict=False)[0]
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


# -- interaction and style ---------------------------------------------------------------------------------------------


def apart(model: HarmonyTransformer, video: Tensor, audio: Tensor, conditioning: Conditioning, **options) -> Streams:
    """Both streams, each run alone."""
    return Streams(
        run(model, video, None, conditioning, **options).video, run(model, None, audio, conditioning, **options).audio
    )


@pytest.mark.parametrize("name", [name for name in FORMS if name != "ovi"])
def test_zero_started_interaction_is_two_separate_branches(name: str) -> None:
    config = HarmonyConfig.micro(**FORMS[name])
    model = model_of(config, perturbed=False)
    with torch.no_grad():  # the head's own zero start would hide everything
        for parameter in model.video.parameters():
            if not parameter.any():
                parameter.normal_(std=0.3)
        if config.cross_timestep:
            model.video.condition_embedder.cross_time_proj.weight.zero_()
    inputs = inputs_of(config)
    joint = run(model, *inputs)
    assert joint.video.std() > 0.01
    assert_same(joint, apart(model, *inputs))


@pytest.mark.parametrize("name", FORMS)
def test_clip_without_interaction_is_two_separate_branches(name: str) -> None:
    config = HarmonyConfig.micro(**FORMS[name])
    model, inputs = model_of(config), inputs_of(config)
    separate, joint = apart(model, *inputs), run(model, *inputs)
    mixed = run(model, *inputs, interaction=torch.tensor([False, True]))
    assert_same(Streams(mixed.video[:1], mixed.audio[:1]), Streams(separate.video[:1], separate.audio[:1]))
    assert_same(Streams(mixed.video[1:], mixed.audio[1:]), Streams(joint.video[1:], joint.audio[1:]))
    assert (joint.video - separate.video).abs().amax() > 1e-3 and (joint.audio - separate.audio).abs().amax() > 1e-3


def layer_pass(model: HarmonyTransformer, change) -> tuple[Tensor, Tensor, Tensor | None]:
    """What the first layer makes of z_r, x_a and x_v, after ``change`` was done to a copy of it."""
    config, (video, audio, conditioning) = model.shape, inputs_of(model.shape)
    block = copy.deepcopy(model.blocks[0])
    change(block)
    caught = {}
    model.blocks[0].register_forward_hook(lambda module, args, out: caught.update(args=args))
    run(model, video, audio, conditioning)
    with torch.no_grad():
        x = block(*caught["args"])
    num_reference = config.num_null_reference_tokens + REFERENCE
    return x.audio[:, :num_reference], x.audio[:, num_reference:], x.video


def test_style_changes_reference_tokens_only() -> None:
    model = model_of()
    z_r, x_a, x_v = layer_pass(model, lambda block: None)
    z_r_without, x_a_without, x_v_without = layer_pass(model, lambda block: silence(block.style))
    assert torch.equal(x_a, x_a_without) and torch.equal(x_v, x_v_without)
    assert (z_r - z_r_without).abs().amax() > 1e-3


@pytest.mark.parametrize("text_form", ["cross", "joint"])
def test_local_attention_never_touches_reference_or_text(text_form: str) -> None:
    model = model_of(HarmonyConfig.micro(text_form=text_form, style=False))
    z_r, x_a, x_v = layer_pass(model, lambda block: None)
    z_r_without, x_a_without, x_v_without = layer_pass(model, lambda block: (silence(block.a2v), silence(block.v2a)))
    assert torch.equal(z_r, z_r_without)
    assert (x_a - x_a_without).abs().amax() > 1e-3 and (x_v - x_v_without).abs().amax() > 1e-3


def test_reference_reaches_the_sound_and_style_the_later_layers() -> None:
    model = model_of()
    video, audio, conditioning = inputs_of(model.shape)
    joint = run(model, video, audio, conditioning)
    other = run(model, video, audio, replace(conditioning, reference=conditioning.reference.flip(0)))
    assert (joint.audio - other.audio).abs().amax() > 1e-3


def test_far_sound_does_not_reach_a_window() -> None:
    """One layer, window 0: changing the last audio latent leaves the first video latents alone."""
    config = HarmonyConfig.micro(num_layers=1, interaction_window=0.0, conv_stem=False)
    model = model_of(config)
    with torch.no_grad():  # self-attention would carry it everywhere
        silence(model.blocks[0].audio.attn1)
        silence(model.blocks[0].video.attn1)
    video, audio, conditioning = inputs_of(config)
    changed = audio.clone()
    changed[:, :, -1] += 1
    moved = (run(model, video, audio, conditioning).video - run(model, video, changed, conditioning).video).abs()
    assert moved[:, :, -1].amax() > 1e-4 and moved[:, :, :-2].amax() == 0


# -- time and layers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMS)
def test_equal_timesteps_per_latent_equal_one_per_clip(name: str) -> None:
    model = model_of(HarmonyConfig.micro(**FORMS[name]))
    inputs = inputs_of(model.shape)
    once = dict(timestep_video=times(300, 900), timestep_audio=times(500, 20))
    spread = dict(
        timestep_video=once["timestep_video"][:, None].repeat(1, TIMES),
        timestep_audio=once["timestep_audio"][:, None].repeat(1, AUDIO),
    )
    assert_same(run(model, *inputs, **once), run(model, *inputs, **spread))


def test_a_clean_first_frame_changes_the_prediction() -> None:
    model = model_of()
    inputs = inputs_of(model.shape)
    timestep = torch.full((2, TIMES), 500.0)
    first_clean = timestep.clone()
    first_clean[:, 0] = 0
    moved = run(model, *inputs, timestep_video=timestep).video - run(model, *inputs, timestep_video=first_clean).video
    assert moved.abs().amax() > 1e-3


def test_cross_timestep_starts_silent_and_then_matters() -> None:
    for perturbed in (False, True):
        model = model_of(HarmonyConfig.micro(conv_stem=False), perturbed=perturbed)
        inputs = inputs_of(model.shape)
        with torch.no_grad():
            for block in model.blocks:  # cut the other ways by which one stream's time reaches the other
                silence(block.a2v)
        early = run(model, *inputs, timestep_video=times(500, 500), timestep_audio=times(0, 0))
        late = run(model, *inputs, timestep_video=times(500, 500), timestep_audio=times(900, 900))
        assert torch.equal(early.video, late.video) is not perturbed


def test_skipped_layers() -> None:
    model = model_of()
    inputs = inputs_of(model.shape)
    full, skipped = run(model, *inputs), run(model, *inputs, skip_layers=[1])
    mixed = run(model, *inputs, skip_layers=[1], skip_mask=torch.tensor([True, False]))
    assert_same(Streams(mixed.video[:1], mixed.audio[:1]), Streams(skipped.video[:1], skipped.audio[:1]))
    assert_same(Streams(mixed.video[1:], mixed.audio[1:]), Streams(full.video[1:], full.audio[1:]))
    assert (full.video - skipped.video).abs().amax() > 1e-3


def test_recorder_changes_nothing_and_sees_what_passes() -> None:
    model = model_of()
    inputs, recorder = inputs_of(model.shape), AttentionRecorder(clips=[1])
    assert_same(run(model, *inputs), run(model, *inputs, recorder=recorder), atol=0)
    assert recorder.layers == [0, 1]
    sources, heard = recorder.sound_sources(0), recorder.audio_of_frames()
    assert sources.shape == (1, AUDIO, TIMES, 2, 2) and heard.shape == (1, TIMES, AUDIO)
    torch.testing.assert_close(sources.sum((2, 3, 4)), torch.ones(1, AUDIO))
    torch.testing.assert_close(heard.sum(2), torch.ones(1, TIMES))
    assert recorder.update_norms().shape == (1, TIMES, 2, 2) and recorder.update_norms().min() > 0
    with pytest.raises(ValueError, match="nothing was recorded"):
        AttentionRecorder().sound_sources()


def test_places_in_the_picture_are_told_apart() -> None:
    """Learned positions: the same at every time, another at every place, stretched to other sizes."""
    model = model_of(HarmonyConfig.micro(conv_stem=False))
    with torch.no_grad():
        tokens = model.video.embed(torch.zeros(1, 4, 3, 4, 4))[0].unflatten(1, (3, 4))[0]
        wider = model.video.embed(torch.zeros(1, 4, 3, 4, 8))[0].unflatten(1, (3, 2, 4))[0]
    assert torch.equal(tokens[0], tokens[2])
    assert torch.pdist(tokens[0]).min() > 0.1
    torch.testing.assert_close(wider[0, :, 0], tokens[0, ::2])


def test_the_gain_lets_noisy_latents_through_per_channel_and_time() -> None:
    model = HarmonyTransformer.from_harmony_config(HarmonyConfig.micro()).eval()
    video, temb, grid = torch.randn(1, 4, 3, 4, 4), torch.zeros(1, 3, model.shape.dim_video), (3, 2, 2)
    x, features = model.video.embed(video)
    before = model.video.velocity(x, temb, grid, features, video)
    with torch.no_grad():
        model.video.gain.bias.copy_(torch.arange(4.0))
    after = model.video.velocity(x, temb, grid, features, video)
    torch.testing.assert_close(after - before, torch.arange(4.0)[None, :, None, None, None] * video)


def test_without_the_gain_nothing_goes_around_the_layers() -> None:
    model = HarmonyTransformer.from_harmony_config(HarmonyConfig.micro(conv_stem=False, latent_gain=False)).eval()
    assert model.video.gain is None
    video, temb, grid = torch.randn(1, 4, 3, 4, 4), torch.zeros(1, 3, model.shape.dim_video), (3, 2, 2)
    x, features = model.video.embed(video)
    torch.testing.assert_close(
        model.video.velocity(x, temb, grid, features, video), model.video.velocity(x, temb, grid, features, 2 * video)
    )
