"""Guidance: which passes a step needs, what they are shown, and what is made of them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from toys import AUDIO_SHAPE, VIDEO_SHAPE, SpyModel, conditions

from harmony.guidance import GuidanceConfig, GuidanceTerm, combine, null_weights, num_passes, rescale
from harmony.models.conditioning import Conditioning, Streams
from harmony.passes import Anchors, PassInput, changes_nothing, null_input, run_passes
from harmony.sampling import denoise, initial_noise, shifted_sigmas

KINDS = ("sync", "isolated", "text", "reference", "skip_layer")
SILENCE = torch.full((1, *AUDIO_SHAPE), -0.3)
STATIC = torch.full((1, *VIDEO_SHAPE), 0.6)
ANCHORS = Anchors(silence=SILENCE, static=STATIC)


@pytest.fixture
def joint():
    noise = initial_noise(VIDEO_SHAPE, AUDIO_SHAPE, seeds=[3])
    return PassInput(*noise, torch.tensor([800.0]), torch.tensor([800.0]), conditions())


def one_step(terms, *, model=None, **settings):
    """One Euler step from sigma 1 to 0: the clean prediction is noise - guided velocity."""
    noise = initial_noise(VIDEO_SHAPE, AUDIO_SHAPE, seeds=[3])
    clean = denoise(
        model or SpyModel(),
        noise,
        conditioning=conditions(),
        sigmas=shifted_sigmas(1, shift=1.0),
        guidance=GuidanceConfig(terms=terms, skip_layers=(1,), **settings),
        anchors=ANCHORS,
    )
    return Streams(noise.video - clean.video, noise.audio - clean.audio)


def asked(joint, null, **settings):
    config = GuidanceConfig(**settings)
    return null_input(null, joint, anchors=ANCHORS, config=config, clean_video=lambda: pytest.fail("not needed"))


# -- the arithmetic ------------------------------------------------------------------------------


@given(st.floats(0, 10), st.floats(0, 10))
def test_combination_is_the_sum_of_the_design(a, b):
    joint, first, second = torch.randn(3, 2, 5, 7, generator=torch.Generator().manual_seed(0))
    guided = combine(joint, {"mute": first, "no_text": second}, {"mute": a - 1, "no_text": b - 1})
    expected = joint + (a - 1) * (joint - first) + (b - 1) * (joint - second)
    torch.testing.assert_close(guided, expected, atol=1e-4, rtol=1e-5)


def test_scale_one_is_the_joint_prediction_and_zero_the_null_bit_for_bit():
    joint, null = torch.randn(2, 3, 4, 5)
    assert torch.equal(combine(joint, {"mute": null}, {"mute": 0.0}), joint)
    assert torch.equal(combine(joint, {"mute": null}, {"mute": -1.0}), null)


def test_combination_is_float32():
    half = torch.randn(2, 3, 4).bfloat16()
    assert combine(half, {"mute": half}, {"mute": 2.0}).dtype == torch.float32


def test_rescale_brings_the_spread_back():
    joint, guided = torch.randn(2, 3, 4, 5), 3 * torch.randn(2, 3, 4, 5) + 1
    torch.testing.assert_close(rescale(guided, joint, 1.0).std((1, 2, 3)), joint.std((1, 2, 3)))
    assert rescale(guided, joint, 0.0) is guided
    half = rescale(guided, joint, 0.5)
    torch.testing.assert_close(half, (guided + rescale(guided, joint, 1.0)) / 2)


# -- which passes --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_scale_one_costs_no_pass(kind):
    model = SpyModel()
    plain, guided = one_step(()), one_step((GuidanceTerm(kind, 1.0, 1.0),), model=model)
    assert len(model.calls) == 1 and len(model.calls[0]["video"]) == 1
    assert torch.equal(plain.video, guided.video) and torch.equal(plain.audio, guided.audio)


def test_passes_are_only_those_that_some_stream_needs():
    term = GuidanceTerm("sync", 3.0, 1.0)
    assert null_weights([term], step=0, num_steps=4) == {"mute": Streams(2.0, 0.0)}
    assert set(null_weights([GuidanceTerm("sync", 3.0, 2.0)], step=0, num_steps=4)) == {"mute", "static"}
    assert set(null_weights([GuidanceTerm("sync", 3.0, 2.0)], step=0, num_steps=4, audio=False)) == {"mute"}
    both = null_weights([GuidanceTerm("isolated", 3.0, 2.0)], step=0, num_steps=4)
    assert both == {"isolated": Streams(2.0, 1.0)}  # one pass serves both streams
    twice = [GuidanceTerm("text", 2.0, 1.0), GuidanceTerm("text", 2.5, 1.0, stop=0.5)]
    assert null_weights(twice, step=0, num_steps=4) == {"no_text": Streams(2.5, 0.0)}
    assert null_weights(twice, step=2, num_steps=4) == {"no_text": Streams(1.0, 0.0)}


def test_an_interval_is_a_share_of_the_steps():
    term = GuidanceTerm("isolated", 2.0, 2.0, start=0.25, stop=0.75)
    acting = [bool(null_weights([term], step=s, num_steps=8)) for s in range(8)]
    assert acting == [False, False, True, True, True, True, False, False]
    assert num_passes([term], 8) == 8 + 4
    assert num_passes([GuidanceTerm("sync", 3.0, 2.0)], 40) == 120  # the paper's count


def test_nulls_without_effect_do_not_run():
    assert changes_nothing("no_reference", Conditioning()) and changes_nothing("no_text", Conditioning())
    assert not changes_nothing("no_reference", conditions()) and not changes_nothing("mute", Conditioning())


# -- what the passes see -------------------------------------------------------------------------


def test_mute_is_clean_silence_without_words(joint):
    mute = asked(joint, "mute")
    assert torch.equal(mute.audio, SILENCE) and mute.timestep_audio.tolist() == [0.0]
    assert torch.equal(mute.video, joint.video) and mute.timestep_video.tolist() == [800.0]
    assert mute.conditioning.video_caption_mask.all() and not mute.conditioning.audio_caption_mask.any()
    kept = asked(joint, "mute", mute_transcript="same").conditioning
    assert kept.audio_caption_mask.all()
    assert not asked(joint, "mute", anchor_text="null").conditioning.video_caption_mask.any()


def test_static_is_a_clean_still_picture_with_all_words(joint):
    static = asked(joint, "static")
    assert torch.equal(static.video, STATIC) and static.timestep_video.tolist() == [0.0]
    assert torch.equal(static.audio, joint.audio) and static.timestep_audio.tolist() == [800.0]
    assert static.conditioning is not None and static.conditioning.audio_caption_mask.all()
    assert static.conditioning.video_caption_mask.all()
    wordless = asked(joint, "static", anchor_text="null").conditioning
    assert not wordless.audio_caption_mask.any() and not wordless.video_caption_mask.any()


def test_negative_captions_take_the_place_of_no_text(joint):
    negative = conditions(seed=9)
    anchors = Anchors(silence=SILENCE, no_text=negative)
    settings = dict(anchors=anchors, config=GuidanceConfig(), clean_video=lambda: None)
    no_text = null_input("no_text", joint, **settings).conditioning
    assert torch.equal(no_text.video_caption, negative.video_caption) and no_text.video_caption_mask.all()
    assert torch.equal(no_text.reference, joint.conditioning.reference)
    mute = null_input("mute", joint, **settings).conditioning
    assert torch.equal(mute.audio_caption, negative.audio_caption)
    assert torch.equal(mute.video_caption, joint.conditioning.video_caption)


def test_missing_anchors_are_named(joint):
    with pytest.raises(ValueError, match="latents of silence"):
        null_input("mute", joint, anchors=Anchors(), config=GuidanceConfig(), clean_video=lambda: None)
    with pytest.raises(ValueError, match="static anchor"):
        null_input("static", joint, anchors=Anchors(), config=GuidanceConfig(), clean_video=lambda: joint.video)


# -- the equations of the paper ------------------------------------------------------------------


def prediction(video, audio, time_video, time_audio, conditioning):
    return SpyModel()(
        video, audio,
        timestep_video=torch.tensor([time_video]), timestep_audio=torch.tensor([time_audio]), conditioning=conditioning,
    )  # fmt: skip


def test_equations_9_and_10_to_the_letter():
    """The tilde predictions of the paper, with the same conditions in both terms."""
    c, (z_v, z_a) = conditions(), initial_noise(VIDEO_SHAPE, AUDIO_SHAPE, seeds=[3])
    s_v, s_a, t = 3.0, 2.0, 1000.0
    joint = prediction(z_v, z_a, t, t, c)
    driven_v = prediction(z_v, SILENCE, t, 0.0, c).video
    driven_a = prediction(STATIC, z_a, 0.0, t, c).audio
    guided = one_step((GuidanceTerm("sync", s_v, s_a),), mute_transcript="same")
    torch.testing.assert_close(guided.video, driven_v + s_v * (joint.video - driven_v))
    torch.testing.assert_close(guided.audio, driven_a + s_a * (joint.audio - driven_a))


def test_scale_zero_returns_the_anchors():
    c, (z_v, z_a) = conditions(), initial_noise(VIDEO_SHAPE, AUDIO_SHAPE, seeds=[3])
    guided = one_step((GuidanceTerm("sync", 0.0, 0.0),), mute_transcript="same")
    torch.testing.assert_close(guided.video, prediction(z_v, SILENCE, 1000.0, 0.0, c).video)
    torch.testing.assert_close(guided.audio, prediction(STATIC, z_a, 0.0, 1000.0, c).audio)


def test_both_ways_of_running_the_passes_agree(joint):
    config = GuidanceConfig(skip_layers=(1,))
    names = ("mute", "static", "isolated", "no_text", "no_reference", "skip_layer")
    passes = {"joint": joint}
    for name in names:
        passes[name] = null_input(name, joint, anchors=ANCHORS, config=config, clean_video=lambda: None)
    model = SpyModel()
    at_once = run_passes(model, passes, batched=True, skip_layers=(1,))
    assert len(model.calls) == 1 and len(model.calls[0]["video"]) == 7
    in_turn = run_passes(model, passes, batched=False, skip_layers=(1,))
    assert len(model.calls) == 8
    assert [c["interaction"] is None for c in model.calls[1:]] == [True, True, True, False, True, True, True]
    assert [c["skip_layers"] for c in model.calls[1:]] == [()] * 6 + [(1,)]
    for name in passes:
        torch.testing.assert_close(at_once[name], in_turn[name])
    different = {float(v.video.sum()) for v in at_once.values()}
    assert len(different) == 6  # all but the reference, which the video does not hear


# -- the checkpoint's file -----------------------------------------------------------------------


def test_defaults_live_beside_the_checkpoint(tmp_path):
    config = GuidanceConfig(
        terms=(GuidanceTerm("sync", 1.5, 2.0, 0.1, 0.9), GuidanceTerm("skip_layer", 1.2, 1.0)),
        rescale=0.5, num_inference_steps=25, shift=2.0, solver="unipc", skip_layers=(2,), static_anchor="grey",
    )  # fmt: skip
    assert config.save(tmp_path).name == "guidance_config.json"
    assert GuidanceConfig.load(tmp_path) == config
    assert GuidanceConfig.load(tmp_path / "elsewhere") == GuidanceConfig.paper()
    assert GuidanceConfig.paper().terms == (GuidanceTerm("sync", 3.0, 2.0),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"terms": [{"kind": "sync", "video_scale": -1, "audio_scale": 2}]}', "video_scale"),
        ('{"steps": 4}', "steps"),
        ('{"terms": [{"kind": "skip_layer", "video_scale": 2, "audio_scale": 2}]}', "skip_layers"),
        ('{"terms": [{"kind": "text", "video_scale": 2, "audio_scale": 2, "start": 0.8, "stop": 0.2}]}', "stop after"),
    ],
)
def test_a_wrong_file_gives_one_clear_sentence(text, words):
    with pytest.raises(ValueError, match="cannot be read") as error:
        GuidanceConfig.from_json(text)
    assert words in str(error.value) and "\n" not in str(error.value)
