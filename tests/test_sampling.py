"""The denoise loop against closed forms, and its promises: frozen streams, first frames, noise, cancel."""

import numpy as np
import pytest
import torch
from toys import AUDIO_SHAPE, VIDEO_SHAPE, GaussianModel, SpyModel, conditions

from harmony.guidance import GuidanceConfig, GuidanceTerm
from harmony.models.conditioning import Conditioning, Streams
from harmony.passes import Anchors
from harmony.sampling import (
    GenerationCancelled,
    GivenStreams,
    denoise,
    initial_noise,
    make_scheduler,
    shifted_sigmas,
    step_nearest,
)

PLAIN = GuidanceConfig()
EVERYTHING = tuple(GuidanceTerm(kind, 2.0, 1.5) for kind in ("sync", "isolated", "text", "reference", "skip_layer"))
ANCHORS = Anchors(silence=torch.zeros(1, *AUDIO_SHAPE), static_from=lambda clean: clean[:, :, :1].expand_as(clean))


def sample(model, *, steps=4, shift=1.0, seeds=(0,), guidance=PLAIN, conditioning=None, **settings):
    noise = settings.pop("noise", None) or initial_noise(VIDEO_SHAPE, AUDIO_SHAPE, seeds=seeds)
    return denoise(
        model, noise, conditioning=conditioning or Conditioning(), sigmas=shifted_sigmas(steps, shift=shift),
        guidance=guidance, **settings,
    )  # fmt: skip


# -- the solver ----------------------------------------------------------------------------------


def error(solver, steps, shift=1.0):
    """Distance from the exact end of the flow, ``mean + std * noise``."""
    model, noise = GaussianModel(), initial_noise(VIDEO_SHAPE, AUDIO_SHAPE, seeds=[1, 2])
    clean = sample(model, steps=steps, shift=shift, noise=noise, solver=solver)
    ends = [model.mean + model.std * n - c for n, c in zip(noise, clean, strict=True)]
    return max(float(end.abs().mean()) for end in ends)


def test_euler_error_falls_as_one_over_steps():
    errors = [error("euler", steps) for steps in (16, 32, 64)]
    ratios = [errors[0] / errors[1], errors[1] / errors[2]]
    assert all(1.8 < ratio < 2.3 for ratio in ratios), (errors, ratios)


def test_unipc_needs_fewer_steps():
    assert error("unipc", 16) < error("euler", 64) and error("unipc", 32) < error("unipc", 16)
    assert error("unipc", 16, shift=5.0) < error("euler", 16, shift=5.0)


def test_sigmas_fall_from_one_to_zero_and_match_ovis():
    sigmas = shifted_sigmas(50, shift=5.0)
    assert sigmas[0] == 1 and sigmas[-1] == 0 and (np.diff(sigmas) < 0).all()
    assert sigmas[25] == pytest.approx(5 * 0.5 / (1 + 4 * 0.5))
    u = np.linspace(0.999, 0, 51)[:-1]
    np.testing.assert_array_equal(shifted_sigmas(50, shift=5.0, start=0.999)[:-1], 5 * u / (1 + 4 * u))
    assert step_nearest(shifted_sigmas(10, shift=1.0)) == 5


@pytest.mark.parametrize("solver", ["euler", "unipc"])
def test_schedulers_walk_exactly_through_the_sigmas(solver):
    sigmas = shifted_sigmas(7, shift=3.0)
    np.testing.assert_allclose(make_scheduler(solver, sigmas).sigmas.numpy(), sigmas, atol=2e-6)


def test_an_unknown_solver_is_named():
    with pytest.raises(ValueError, match="got 'heun'"):
        make_scheduler("heun", shifted_sigmas(2, shift=1.0))


def test_the_model_sees_a_thousand_times_sigma():
    model = SpyModel()
    sample(model, steps=4, shift=3.0)
    seen = [float(call["timestep_video"]) for call in model.calls]
    np.testing.assert_allclose(seen, 1000 * shifted_sigmas(4, shift=3.0)[:-1], rtol=1e-6)


# -- noise ---------------------------------------------------------------------------------------


def test_streams_have_independent_noise():
    short = initial_noise((48, 3, 4, 4), (20, 5), seeds=[7])
    longer_sound = initial_noise((48, 3, 4, 4), (20, 50), seeds=[7])
    longer_film = initial_noise((48, 9, 4, 4), (20, 5), seeds=[7])
    assert torch.equal(short.video, longer_sound.video) and torch.equal(short.audio, longer_film.audio)
    numbers = 20 * 50
    together = torch.stack([longer_film.video.flatten()[:numbers], longer_sound.audio.flatten()[:numbers]])
    assert abs(torch.corrcoef(together)[0, 1]) < 0.1
    assert not torch.equal(short.video, initial_noise((48, 3, 4, 4), (20, 5), seeds=[8]).video)


def test_a_clip_keeps_its_noise_in_any_batch():
    batch = initial_noise(VIDEO_SHAPE, AUDIO_SHAPE, seeds=[5, 6])
    alone = initial_noise(VIDEO_SHAPE, AUDIO_SHAPE, seeds=[6])
    assert torch.equal(batch.video[1:], alone.video) and torch.equal(batch.audio[1:], alone.audio)


def test_equal_noise_starts_both_streams_from_the_same_numbers():
    noise = initial_noise((4, 5, 2, 2), (10, 8), seeds=[103], equal_noise=True)
    assert torch.equal(noise.video.flatten(), noise.audio[0].T.flatten())


# -- what is given -------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["euler", "unipc"])
@pytest.mark.parametrize("stream", ["video", "audio"])
def test_a_given_stream_is_clean_and_comes_back_bit_for_bit(solver, stream):
    track = torch.randn(1, *(VIDEO_SHAPE if stream == "video" else AUDIO_SHAPE))
    model = SpyModel()
    clean = sample(
        model, solver=solver, conditioning=conditions(), given=GivenStreams(**{stream: track}), anchors=ANCHORS,
        guidance=GuidanceConfig(terms=EVERYTHING, skip_layers=(0,), rescale=0.3),
    )  # fmt: skip
    assert torch.equal(getattr(clean, stream), track)
    assert all((call[f"timestep_{stream}"] == 0).all() for call in model.calls)
    shown = [torch.equal(one[None], track) for call in model.calls for one in call[stream]]
    assert len(shown) == 4 * 6 and shown.count(False) == 4  # all passes of a step but its anchor see the track


def test_the_anchor_of_a_given_stream_is_not_computed():
    term = (GuidanceTerm("sync", 3.0, 2.0),)
    for stream, track in (("audio", torch.zeros(1, *AUDIO_SHAPE)), ("video", torch.zeros(1, *VIDEO_SHAPE))):
        model = SpyModel()
        anchors = Anchors(silence=torch.zeros(1, *AUDIO_SHAPE), static=torch.zeros(1, *VIDEO_SHAPE))
        sample(model, given=GivenStreams(**{stream: track}), guidance=GuidanceConfig(terms=term), anchors=anchors)
        assert {len(call["video"]) for call in model.calls} == {2}


def test_sync_guidance_pushes_away_from_the_driven_anchor():
    """Driven tasks: the same formula with the driven prediction in place of the joint one."""
    track, model = torch.randn(1, *AUDIO_SHAPE), SpyModel()
    noise = initial_noise(VIDEO_SHAPE, AUDIO_SHAPE, seeds=[0])
    t, clean_sound = torch.tensor([1000.0]), torch.tensor([0.0])
    settings = dict(timestep_video=t, timestep_audio=clean_sound, conditioning=conditions())
    driven = model(noise.video, track, **settings).video
    mute = model(noise.video, ANCHORS.silence, **settings).video
    clean = sample(
        model, steps=1, noise=noise, conditioning=conditions(), given=GivenStreams(audio=track), anchors=ANCHORS,
        guidance=GuidanceConfig(terms=(GuidanceTerm("sync", 3.0, 2.0),), mute_transcript="same"),
    )  # fmt: skip
    torch.testing.assert_close(clean.video, noise.video - (mute + 3.0 * (driven - mute)))


@pytest.mark.parametrize("solver", ["euler", "unipc"])
def test_a_first_frame_is_held_at_time_zero(solver):
    first, model = torch.randn(1, VIDEO_SHAPE[0], 1, 2, 2), SpyModel()
    seen = []
    clean = sample(
        model, solver=solver, conditioning=conditions(), given=GivenStreams(first_video_latent=first),
        guidance=GuidanceConfig(terms=EVERYTHING, skip_layers=(0,), rescale=0.7), anchors=ANCHORS,
        callback=lambda step, total, predicted: seen.append(predicted().video[:, :, :1]),
    )  # fmt: skip
    assert torch.equal(clean.video[:, :, :1], first)
    assert all(torch.equal(one, first) for one in seen)
    for call in model.calls:
        assert call["timestep_video"].shape[1] == VIDEO_SHAPE[1] and (call["timestep_video"][:, 0] == 0).all()
        assert call["timestep_audio"].dim() == 1


def test_what_cannot_be_given_is_refused():
    with pytest.raises(ValueError, match="nothing is left to make"):
        GivenStreams(video=torch.zeros(1, *VIDEO_SHAPE), audio=torch.zeros(1, *AUDIO_SHAPE))
    with pytest.raises(ValueError, match=r"given audio has latents of shape \(1, 5, 9\)"):
        sample(SpyModel(), given=GivenStreams(audio=torch.zeros(1, 5, 9)))


# -- guidance in the loop ------------------------------------------------------------------------


def test_both_ways_of_running_passes_make_the_same_clip():
    guidance = GuidanceConfig(terms=EVERYTHING, skip_layers=(0,), rescale=0.4)
    settings = dict(conditioning=conditions(2), guidance=guidance, anchors=ANCHORS, seeds=(1, 2))
    at_once, in_turn = SpyModel(), SpyModel()
    torch.testing.assert_close(
        sample(at_once, batch_passes=True, **settings), sample(in_turn, batch_passes=False, **settings)
    )
    # The static anchor comes from this step's own prediction, so the joint pass goes first and the nulls follow.
    assert [len(call["video"]) for call in at_once.calls] == [2, 12] * 4
    assert [len(call["video"]) for call in in_turn.calls] == [2] * 7 * 4


def test_the_static_anchor_follows_the_current_prediction():
    noise = initial_noise(VIDEO_SHAPE, AUDIO_SHAPE, seeds=[4])
    asked = []
    anchors = Anchors(silence=ANCHORS.silence, static_from=lambda clean: asked.append(clean) or clean)
    sample(SpyModel(), steps=1, noise=noise, guidance=GuidanceConfig(terms=EVERYTHING[:1]), anchors=anchors)
    settings = dict(timestep_video=torch.tensor([1000.0]), timestep_audio=torch.tensor([1000.0]))
    joint = SpyModel()(*noise, conditioning=Conditioning(), **settings)
    torch.testing.assert_close(asked[0], noise.video - joint.video)


def test_rescale_keeps_the_spread_of_the_joint_prediction():
    noise = initial_noise(VIDEO_SHAPE, AUDIO_SHAPE, seeds=[4])
    settings = dict(steps=1, noise=noise, conditioning=conditions(), anchors=ANCHORS)
    strong = (GuidanceTerm("isolated", 8.0, 8.0),)
    joint = sample(SpyModel(), **settings)
    rescaled = sample(SpyModel(), guidance=GuidanceConfig(terms=strong, rescale=1.0), **settings)
    torch.testing.assert_close(rescaled.video.std(), joint.video.std())
    assert not torch.allclose(rescaled.video, joint.video)


@pytest.mark.parametrize("batch_passes", [True, False])
def test_recorder_sees_the_joint_pass_of_its_steps(batch_passes):
    model, recorder = SpyModel(), object()
    anchors = Anchors(silence=ANCHORS.silence, static=torch.zeros(1, *VIDEO_SHAPE))
    settings = dict(guidance=GuidanceConfig(terms=EVERYTHING[:1]), anchors=anchors, steps=3)
    sample(model, recorder=recorder, record_steps={1}, batch_passes=batch_passes, **settings)
    shown = [call for call in model.calls if call["recorder"] is recorder]
    assert len(shown) == 1 and shown[0] is model.calls[1 if batch_passes else 3]
    assert (shown[0]["timestep_video"][0] == shown[0]["timestep_audio"][0]).all()  # the joint pass comes first


def test_the_model_may_compute_in_bfloat16_while_latents_stay_float32():
    model = SpyModel()
    clean = sample(model, conditioning=conditions(), dtype=torch.bfloat16)
    assert clean.video.dtype == torch.float32 and model.calls[0]["video"].dtype == torch.bfloat16
    assert model.calls[0]["conditioning"].video_caption.dtype == torch.bfloat16
    assert model.calls[0]["timestep_video"].dtype == torch.float32


# -- progress and cancel -------------------------------------------------------------------------


def test_callback_tells_progress_and_the_clean_prediction():
    model, seen = GaussianModel(), []
    clean = sample(model, steps=5, callback=lambda step, total, predicted: seen.append((step, total, predicted())))
    assert [(step, total) for step, total, _ in seen] == [(n, 5) for n in range(1, 6)]
    assert isinstance(seen[0][2], Streams)
    torch.testing.assert_close(seen[-1][2], clean)  # the last step lands on its own prediction
    start = float(seen[0][2].video.mean())
    assert start == pytest.approx(model.mean, abs=1e-5)  # at sigma 1 the best guess is the mean


def test_cancel_stops_within_one_step():
    model = SpyModel()
    with pytest.raises(GenerationCancelled, match="stopped after 2 of 9 steps"):
        sample(model, steps=9, cancel=lambda: len(model.calls) >= 2)
    assert len(model.calls) == 2


def test_the_same_seed_makes_the_same_clip():
    first, second = (sample(SpyModel(), conditioning=conditions(), seeds=(11,)) for _ in range(2))
    assert torch.equal(first.video, second.video) and torch.equal(first.audio, second.audio)
