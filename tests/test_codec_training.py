"""Fitting the codecs' bases, and training their decoders: closed forms, and a run that goes on where it stopped."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harmony.models.codecs.audio import MelAudioCodec
from harmony.models.codecs.video import PatchVideoCodec
from harmony.training.clip_pool import ClipPool
from harmony.training.codec_bases import fit_audio_basis, fit_video_basis
from harmony.training.codec_decoders import PictureTask, SoundTask
from harmony.training.codec_losses import moving_pixels, multi_resolution_stft, picture_loss
from harmony.training.codec_report import measure_pictures, measure_sounds
from harmony.training.codec_run import DecoderRun


@pytest.fixture(scope="module")
def pool() -> ClipPool:
    """Six clips of a bright square that moves over a dark slope, and tones that decay."""
    rng = np.random.default_rng(0)
    frames = np.zeros((6, 5, 16, 24, 3), np.uint8)
    frames += np.linspace(0, 80, 24, dtype=np.uint8)[None, None, None, :, None]
    sounds = 0.01 * rng.standard_normal((6, 5000)).astype(np.float32)
    for clip in range(6):
        top, colour, hertz = rng.integers(0, 8), rng.integers(100, 255, 3), rng.uniform(100, 1000)
        for frame in range(5):
            frames[clip, frame, top : top + 8, 3 * frame : 3 * frame + 8] = colour
        t = np.arange(4000) / 16_000
        sounds[clip, 1000:] += 0.5 * np.exp(-9 * t) * np.sin(2 * np.pi * hertz * t)
    return ClipPool(frames, sounds, ["square"] * 6, ["", "hello", "", "", "", ""])


def test_a_fitted_picture_basis_is_orthonormal_and_even_or_odd(pool):
    codec = PatchVideoCodec(latent_channels=12, decoder_channels=(), decoder_blocks=())
    fit_video_basis(codec, pool)
    torch.testing.assert_close(codec.basis @ codec.basis.T, torch.eye(12), atol=1e-4, rtol=0)
    first, second = codec.basis[:, :192], codec.basis[:, 192:]
    even, odd = (first - second).norm(dim=1) < 1e-5, (first + second).norm(dim=1) < 1e-5
    assert (even | odd).all()
    assert odd.any(), "something moves, so time must have a channel"
    assert codec.encode(pool.video([0]))[:, odd, 0].abs().max() < 1e-4, "one frame holds no change"


def test_fitted_latents_have_mean_0_and_rms_1(pool):
    codec = PatchVideoCodec(latent_channels=12, decoder_channels=(), decoder_blocks=())
    fit_video_basis(codec, pool, motion_weight=0.0)
    latents = codec.encode(pool.video(range(6)))
    assert latents.mean(dim=(0, 2, 3, 4)).abs().max() < 0.1
    assert latents.square().mean().sqrt() == pytest.approx(1.0, abs=0.05)
    sound = MelAudioCodec(latent_channels=10, num_mels=16, decoder_width=8, decoder_layers=1)
    fit_audio_basis(sound, pool)
    latents = sound.encode(pool.audio(range(6)))
    assert latents[:, :-2].mean(dim=(0, 2)).abs().max() < 1e-3
    assert latents.square().mean().sqrt() == pytest.approx(1.0, abs=0.01)


def test_fitting_beats_cosines(pool):
    plain, fitted = (PatchVideoCodec(latent_channels=6, decoder_channels=(), decoder_blocks=()) for _ in range(2))
    shares = fit_video_basis(fitted, pool)
    assert 0 < shares.sum() <= 1
    assert measure_pictures(fitted, pool)["psnr"] > measure_pictures(plain, pool)["psnr"] + 1


def test_more_motion_weight_serves_moving_pixels(pool):
    def moving(weight: float) -> float:
        codec = PatchVideoCodec(latent_channels=6, decoder_channels=(), decoder_blocks=())
        fit_video_basis(codec, pool, motion_weight=weight)
        return measure_pictures(codec, pool)["psnr_moving"]

    assert moving(3.0) > moving(0.0)


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_a_run_goes_on_where_it_stopped(pool, kind, tmp_path):
    """Two steps, a stop and two more give the same weights as four steps at once."""

    def run(name: str, *, until: int) -> torch.nn.Module:
        torch.manual_seed(0)
        codec = PatchVideoCodec.micro() if kind == "video" else MelAudioCodec.micro()
        task = (
            PictureTask(codec, pool, batch=3, noise=0.1)
            if kind == "video"
            else SoundTask(codec, pool, batch=2, noise=0.1)
        )
        running = DecoderRun(codec, tmp_path / name, learning_rate=1e-2, steps=4, warmup=1)
        running.train(task.loss, until=until)
        return codec.decoder

    whole = run("whole", until=4)
    run("parts", until=2)
    parts = run("parts", until=4)
    for a, b in zip(whole.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)


def test_training_helps_and_leaves_the_basis_alone(pool, tmp_path):
    torch.manual_seed(0)
    codec = PatchVideoCodec.micro()
    before = codec.encode(pool.video([0])), measure_pictures(codec, pool)["psnr"]
    task = PictureTask(codec, pool, batch=4, noise=0.05)
    DecoderRun(codec, tmp_path, learning_rate=1e-2, steps=60, warmup=5).train(task.loss)
    trained = PatchVideoCodec.from_pretrained(tmp_path)
    assert torch.equal(trained.encode(pool.video([0])), before[0])
    assert measure_pictures(trained, pool)["psnr"] > before[1] + 0.5


def test_a_codec_that_draws_larger_learns_from_large_clips(pool, tmp_path):
    torch.manual_seed(0)
    codec = PatchVideoCodec(4, spatial_stride=4, decoder_channels=(8, 8, 4), decoder_blocks=(1, 0, 0), enlargement=2)
    before = measure_pictures(codec, pool)
    task = PictureTask(codec, pool, batch=4, noise=0.05)
    DecoderRun(codec, tmp_path, learning_rate=1e-2, steps=40, warmup=5).train(task.loss)
    trained = PatchVideoCodec.from_pretrained(tmp_path)
    after = measure_pictures(trained, pool)
    assert trained.enlargement == 2 and after["psnr"] > before["psnr"] + 0.5
    assert after["psnr_linear"] == before["psnr_linear"], "it says how well the small picture is kept"


def test_equal_pictures_and_sounds_have_no_loss(pool):
    video, sound = pool.video([0, 1]), pool.audio([0, 1])
    moving = moving_pixels(video.transpose(1, 2), dim=1).transpose(1, 2)
    assert picture_loss(video, video, moving) == 0
    assert multi_resolution_stft(sound, sound) == 0
    assert multi_resolution_stft(0.5 * sound, sound) > 0.3


def test_moving_pixels_are_where_the_square_passes(pool):
    moving = moving_pixels(pool.video([0]).transpose(1, 2), dim=1)  # (1, F, 1, H, W)
    assert moving.shape == (1, 5, 1, 16, 24)
    assert not moving[..., 23].any()
    assert moving.any()


def test_the_figures_of_sounds(pool):
    codec = MelAudioCodec.micro()
    figures = measure_sounds(codec, pool)
    assert {"mr_stft", "mel_l1", "pitch_kept", "voicing_kept", "periodicity", "mr_stft_speech"} <= set(figures)
    assert all(np.isfinite(list(figures.values())))
