"""The two-stream transformer's identities: what must hold whatever the weights are."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import replace

import pytest
import torch
from diffusers import WanTransformer3DModel
from torch import Tensor

from harmony.models.conditioning import Conditioning, Streams
from harmony.models.config import HarmonyConfig
from harmony.models.recorder import AttentionRecorder
from harmony.models.transformer import HarmonyTransformer

FORMS = {
    "tiny": {},
    "paper": dict(text_form="joint", rope_alignment="paper", qk_norm="full", conv_stem=False, audio_embed="conv"),
    "ovi": dict(
        interaction_order="parallel", share_text_qo=True, zero_init_interaction=False, interaction_window=None,
        interaction_rope="3d", rope_alignment="video", style=False, num_null_reference_tokens=0, conv_stem=False,
        cross_timestep=False, qk_norm="full", transcript_dim=0,
    ),
    "parallel with projections of its own": dict(interaction_order="parallel", interaction_window=2.0),
}  # fmt: skip
TIMES, AUDIO, CAPTION, TRANSCRIPT, REFERENCE = 5, 18, 3, 4, 5


def model_of(config: HarmonyConfig | None = None, *, perturbed: bool = True, seed: int = 0) -> HarmonyTransformer:
    """A micro model; ``perturbed`` gives the weights that start at zero random values."""
    torch.manual_seed(seed)
    model = HarmonyTransformer.from_harmony_config(config or HarmonyConfig.micro()).eval()
    if perturbed:
        with torch.no_grad():
            for parameter in model.parameters():
                if not parameter.any():
                    parameter.normal_(std=0.3)
    return model


def inputs_of(config: HarmonyConfig, *, clips: int = 2, seed: int = 1) -> tuple[Tensor, Tensor, Conditioning]:
    """Noisy latents and every condition, for ``clips`` clips of 9 frames."""
    g = torch.Generator().manual_seed(seed)

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g)

    def full(*shape: int) -> Tensor:
        return torch.ones(*shape, dtype=torch.bool)

    video = noise(clips, config.in_channels_video, TIMES, 4, 4)
    audio = noise(clips, config.in_channels_audio, AUDIO)
    conditioning = Conditioning(
        video_caption=noise(clips, CAPTION, config.text_dim),
        video_caption_mask=full(clips, CAPTION),
        audio_caption=noise(clips, CAPTION, config.text_dim),
        audio_caption_mask=full(clips, CAPTION),
        transcript=noise(clips, TRANSCRIPT, config.transcript_dim),
        transcript_mask=full(clips, TRANSCRIPT),
        transcript_position=torch.rand(clips, TRANSCRIPT, generator=g) * AUDIO,
        timing=noise(clips, AUDIO, config.transcript_dim),
        reference=noise(clips, config.in_channels_audio, REFERENCE),
        reference_mask=full(clips, REFERENCE),
    )  # fmt: skip
    if config.transcript_dim == 0:
        no_words = dict.fromkeys(("transcript", "transcript_position", "timing"))
        conditioning = replace(conditioning, **no_words)
    return video, audio, conditioning


def clip_of(conditioning: Conditioning, clip: int) -> Conditioning:
    return conditioning.map(lambda tensor: tensor[clip : clip + 1])


def times(*values: float) -> Tensor:
    return torch.tensor(values)


@torch.no_grad()
def run(
    model: HarmonyTransformer, video: Tensor | None, audio: Tensor | None, conditioning: Conditioning, **options
) -> Streams:
    clips = len(video if video is not None else audio)
    ramp = torch.linspace(200, 800, clips)
    settings = dict(timestep_video=ramp, timestep_audio=ramp.flip(0)) | options
    return model(video, audio, conditioning=conditioning, **settings)


def test_video_branch_equals_wan() -> None:
    torch.manual_seed(0)
    wan = WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=12, in_channels=4, out_channels=4, text_dim=16, freq_dim=32,
        ffn_dim=32, num_layers=2, rope_max_seq_len=64,
    ).eval()  # fmt: skip
    config = HarmonyConfig.micro(conv_stem=False, qk_norm="full", cross_timestep=False, rope_theta=10_000.0)
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


def assert_same(ours: Streams, theirs: Streams, *, atol: float = 2e-5) -> None:
    torch.testing.assert_close(ours.video, theirs.video, atol=atol, rtol=0)
    torch.testing.assert_close(ours.audio, theirs.audio, atol=atol, rtol=0)


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


def _silence(module: torch.nn.Module) -> None:
    torch.nn.init.zeros_(module.to_out[0].weight)
    torch.nn.init.zeros_(module.to_out[0].bias)


def test_style_changes_reference_tokens_only() -> None:
    model = model_of()
    z_r, x_a, x_v = layer_pass(model, lambda block: None)
    z_r_without, x_a_without, x_v_without = layer_pass(model, lambda block: _silence(block.style))
    assert torch.equal(x_a, x_a_without) and torch.equal(x_v, x_v_without)
    assert (z_r - z_r_without).abs().amax() > 1e-3


@pytest.mark.parametrize("text_form", ["cross", "joint"])
def test_local_attention_never_touches_reference_or_text(text_form: str) -> None:
    model = model_of(HarmonyConfig.micro(text_form=text_form, style=False))
    z_r, x_a, x_v = layer_pass(model, lambda block: None)
    z_r_without, x_a_without, x_v_without = layer_pass(model, lambda block: (_silence(block.a2v), _silence(block.v2a)))
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
        _silence(model.blocks[0].audio.attn1)
        _silence(model.blocks[0].video.attn1)
    video, audio, conditioning = inputs_of(config)
    changed = audio.clone()
    changed[:, :, -1] += 1
    moved = (run(model, video, audio, conditioning).video - run(model, video, changed, conditioning).video).abs()
    assert moved[:, :, -1].amax() > 1e-4 and moved[:, :, :-2].amax() == 0


# -- conditions --------------------------------------------------------------------------------------------------------


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
                _silence(block.a2v)
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


# -- training, files, the door -----------------------------------------------------------------------------------------


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
