"""The codecs: shapes, exactness of the fixed bases, alignment in time, and saving."""

from __future__ import annotations

import math

import pytest
import torch

from harmony.models.codecs.audio import MelAudioCodec
from harmony.models.codecs.base import AudioCodec, VideoCodec
from harmony.models.codecs.pitch import harmonic_source, track_pitch
from harmony.models.codecs.video import PatchVideoCodec
from harmony.timeline import Timeline


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def picture(*shape: int, seed: int = 0) -> torch.Tensor:
    return noise(*shape, seed=seed).clamp(-1, 1)


def hum(hertz: float, samples: int, *, rate: int = 16_000) -> torch.Tensor:
    """A voice-like buzz (1, S): twenty harmonics that fall off as 1/k."""
    t = torch.arange(samples, dtype=torch.float64) / rate
    total = sum(torch.cos(2 * math.pi * hertz * k * t) / k for k in range(1, 21))
    return (0.1 * total).float()[None]


@pytest.fixture(scope="module")
def video_codec() -> PatchVideoCodec:
    torch.manual_seed(0)
    codec = PatchVideoCodec.micro()
    torch.nn.init.normal_(codec.decoder.head.weight, std=0.1)  # so that a decoder's effect can be seen
    return codec


@pytest.fixture(scope="module")
def audio_codec() -> MelAudioCodec:
    torch.manual_seed(0)
    return MelAudioCodec.micro()


def test_codecs_follow_the_interface(video_codec, audio_codec):
    assert isinstance(video_codec, VideoCodec)
    assert isinstance(audio_codec, AudioCodec)


@pytest.mark.parametrize(("frames", "height", "width"), [(1, 8, 8), (3, 16, 24), (33, 64, 64)])
def test_picture_shapes(video_codec, frames, height, width):
    latents = video_codec.encode(picture(2, 3, frames, height, width))
    assert latents.shape == (2, 4, 1 + (frames - 1) // 2, height // 8, width // 8)
    for made in (video_codec.decode(latents), video_codec.preview(latents)):
        assert made.shape == (2, 3, frames, height, width)
        assert made.abs().max() <= 1


@pytest.mark.parametrize(("shape", "words"), [
    ((1, 3, 4, 16, 16), "1 \\+ n \\* 2 frames, got 4"),
    ((1, 3, 3, 20, 16), "multiples of 8, got 20 x 16"),
    ((1, 1, 3, 16, 16), "must be \\(B, 3, F, H, W\\)"),
    ((3, 3, 16, 16), "must be \\(B, 3, F, H, W\\)"),
])  # fmt: skip
def test_pictures_that_do_not_fit_are_refused(video_codec, shape, words):
    with pytest.raises(ValueError, match=words):
        video_codec.encode(torch.zeros(shape))


def test_latents_of_another_width_are_refused(video_codec, audio_codec):
    with pytest.raises(ValueError, match="must be \\(B, 4, T, h, w\\)"):
        video_codec.decode(torch.zeros(1, 5, 2, 2, 2))
    with pytest.raises(ValueError, match="must be \\(B, 6, A\\)"):
        audio_codec.decode(torch.zeros(1, 5, 4))


def test_a_full_basis_loses_nothing():
    codec = PatchVideoCodec(latent_channels=384, decoder_channels=(), decoder_blocks=())
    clip = picture(1, 3, 5, 16, 16)
    torch.testing.assert_close(codec.decode(codec.encode(clip)), clip, atol=1e-5, rtol=0)


def test_the_default_basis_is_orthonormal():
    basis = PatchVideoCodec(decoder_channels=(), decoder_blocks=()).basis
    torch.testing.assert_close(basis @ basis.T, torch.eye(24), atol=1e-5, rtol=0)
    mel = MelAudioCodec(decoder_layers=1, decoder_width=8).basis
    torch.testing.assert_close(mel @ mel.T, torch.eye(38), atol=1e-5, rtol=0)


def test_encoding_projects(video_codec):
    """What the basis cannot hold is lost once, and never again."""
    latents = video_codec.encode(0.2 * picture(1, 3, 5, 16, 16))
    again = video_codec.encode(video_codec.preview(latents))
    torch.testing.assert_close(again, latents, atol=1e-5, rtol=0)


def test_static_latents_are_those_of_the_picture_held_still(video_codec):
    frame = picture(2, 3, 16, 16)
    clip = frame[:, :, None].repeat(1, 1, 7, 1, 1)
    torch.testing.assert_close(video_codec.static_latents(frame, 4), video_codec.encode(clip))


def test_the_first_latent_is_the_first_frame_alone(video_codec):
    clip = picture(1, 3, 7, 16, 16)
    first = video_codec.encode(clip)[:, :, :1]
    torch.testing.assert_close(first, video_codec.static_latents(clip[:, :, 0], 1))
    torch.testing.assert_close(first, video_codec.encode(clip[:, :, :1]))


def test_a_latent_sees_its_own_frames_only(video_codec):
    clip = picture(1, 3, 7, 16, 16)
    other = clip.clone()
    other[:, :, 3] = 0  # frames 3 and 4 are latent 2
    changed = (video_codec.encode(clip) != video_codec.encode(other)).flatten(3).any(dim=3)[0].any(dim=0)
    assert changed.tolist() == [False, False, True, False]


def test_the_decoder_starts_as_the_linear_inverse():
    codec = PatchVideoCodec.micro()
    latents = codec.encode(picture(1, 3, 5, 16, 16))
    torch.testing.assert_close(codec.decode(latents), codec.preview(latents))


def larger(enlargement: int = 2) -> PatchVideoCodec:
    torch.manual_seed(0)
    return PatchVideoCodec(4, decoder_channels=(8, 8, 4, 4), decoder_blocks=(1, 0, 0, 0), enlargement=enlargement)


def test_a_decoder_may_draw_larger_than_what_it_encodes():
    codec = larger()
    latents = codec.encode(picture(2, 3, 5, 16, 24))
    assert latents.shape == (2, 4, 3, 2, 3), "latents are those of the small picture"
    assert codec.decode(latents).shape == (2, 3, 5, 32, 48)
    assert codec.preview(latents).shape == (2, 3, 5, 16, 24)
    smooth = torch.nn.functional.interpolate(codec.preview(latents)[0].transpose(0, 1), scale_factor=2, mode="bilinear")
    torch.testing.assert_close(codec.decode(latents)[0].transpose(0, 1), smooth, msg="untrained, it only enlarges")


def test_what_is_drawn_larger_is_shrunk_before_it_is_encoded():
    codec, clip = larger(), picture(1, 3, 3, 16, 16)
    blown_up = clip.repeat_interleave(2, dim=3).repeat_interleave(2, dim=4)
    torch.testing.assert_close(codec.shrunk(blown_up), clip)


def test_only_a_decoder_draws_larger():
    with pytest.raises(ValueError, match="only a decoder can draw 2 times as large"):
        PatchVideoCodec(decoder_channels=(), decoder_blocks=(), enlargement=2)


def test_the_decoder_knows_the_first_latent(video_codec):
    """Equal latents everywhere decode differently at the beginning: its flag is seen."""
    latents = noise(1, 4, 1, 2, 2).repeat(1, 1, 9, 1, 1)
    made = video_codec.reconstruct(latents)
    assert not torch.allclose(made[:, :, 0], made[:, :, 9:11].mean(dim=2), atol=1e-4)
    torch.testing.assert_close(made[:, :, 7:9], made[:, :, 9:11])


@pytest.mark.parametrize("samples", [500, 999, 33_000, 80_640])
def test_sound_shapes_and_the_clock(audio_codec, samples):
    latents = audio_codec.encode(0.1 * noise(2, samples))
    assert latents.shape == (2, 6, samples // 500)
    assert audio_codec.decode(latents).shape == (2, samples // 500 * 500)
    assert audio_codec.preview(latents).shape == (2, samples // 500)


def test_the_clip_of_the_tiny_model_fits(audio_codec):
    timeline = Timeline()
    assert audio_codec.encode(torch.zeros(1, timeline.num_samples)).shape[-1] == timeline.num_audio_latents


@pytest.mark.parametrize(("shape", "words"), [((499,), "must be \\(B, S\\)"), ((1, 499), "at least 500 samples")])
def test_sounds_that_do_not_fit_are_refused(audio_codec, shape, words):
    with pytest.raises(ValueError, match=words):
        audio_codec.encode(torch.zeros(shape))


def test_latents_move_with_the_sound(audio_codec):
    """500 samples later is one latent later, so latents are aligned to the clock."""
    sound = torch.zeros(1, 8000)
    sound[:, 2000:4000] = hum(130.0, 2000)
    later = sound.roll(1500, dims=1)
    torch.testing.assert_close(
        audio_codec.encode(sound)[..., :-3], audio_codec.encode(later)[..., 3:], atol=1e-4, rtol=1e-4
    )


def test_a_click_is_loudest_in_the_latent_that_covers_it(audio_codec):
    for sample in (2_250, 4_010, 4_490):
        sound = torch.zeros(1, 8000)
        sound[0, sample] = 0.9
        assert audio_codec.preview(audio_codec.encode(sound))[0].argmax() == sample // 500


def test_silence(audio_codec):
    silence = audio_codec.silence_latents(7)
    assert silence.shape == (1, 6, 7)
    torch.testing.assert_close(silence, audio_codec.encode(torch.zeros(1, 3500)))
    assert (silence == silence[..., :1]).all()
    assert (audio_codec.preview(silence) < audio_codec.preview(audio_codec.encode(hum(200.0, 3500))) - 20).all()


def test_a_full_mel_basis_loses_nothing():
    codec = MelAudioCodec(latent_channels=34, num_mels=16, decoder_width=8, decoder_layers=1)
    sound = hum(200.0, 4000)
    kept = codec.log_mels(codec.encode(sound))
    pairs = codec.mel_pairs(sound)
    torch.testing.assert_close(kept[0, :, 0], pairs[0, 0, :16], atol=1e-3, rtol=0)
    torch.testing.assert_close(kept[0, :, 1], pairs[0, 0, 16:], atol=1e-3, rtol=0)


@pytest.mark.parametrize("hertz", [85.0, 105.0, 150.0, 220.0, 330.0])
def test_pitch_is_tracked_and_kept(audio_codec, hertz):
    octaves, voicing = audio_codec.pitch(audio_codec.encode(hum(hertz, 16_000)))
    inner = slice(2, -2)
    torch.testing.assert_close(160 * 2 ** octaves[0, inner], torch.full((28,), hertz), rtol=0.01, atol=0)
    assert (voicing[0, inner] > 0.9).all()


def test_hiss_and_silence_have_no_pitch():
    for sound in (torch.zeros(1, 8000), 0.1 * noise(1, 8000)):
        _, voicing = track_pitch(sound, sample_rate=16_000, hop=500)
        assert voicing.mean() < 0.15


def test_the_buzz_has_the_pitch_it_was_asked_for():
    octaves, voicing = torch.full((1, 32), -0.6), torch.ones(1, 32)
    buzz = harmonic_source(octaves, voicing, sample_rate=16_000, hop=500)
    assert buzz.shape == (1, 16_000)
    tracked, _ = track_pitch(buzz, sample_rate=16_000, hop=500)
    torch.testing.assert_close(tracked[:, 2:-2], octaves[:, 2:-2], atol=0.01, rtol=0)
    assert harmonic_source(octaves, 0 * voicing, sample_rate=16_000, hop=500).abs().max() == 0


def test_spectra_invert_exactly(audio_codec):
    sound = noise(2, 8000)
    decoder = audio_codec.decoder
    torch.testing.assert_close(decoder.waveform(decoder.spectrum(sound)), sound, atol=1e-5, rtol=0)


def test_decoding_is_deterministic(video_codec, audio_codec):
    latents, sound = noise(1, 4, 3, 2, 2), noise(1, 6, 9)
    assert torch.equal(video_codec.decode(latents), video_codec.decode(latents))
    assert torch.equal(audio_codec.decode(sound), audio_codec.decode(sound))


def test_saving_keeps_everything(video_codec, audio_codec, tmp_path):
    video_codec.save_pretrained(tmp_path / "video")
    audio_codec.save_pretrained(tmp_path / "audio")
    assert (tmp_path / "video" / "diffusion_pytorch_model.safetensors").exists()
    latents, sound = noise(1, 4, 3, 2, 2), noise(1, 6, 9)
    loaded = PatchVideoCodec.from_pretrained(tmp_path / "video")
    assert torch.equal(loaded.decode(latents), video_codec.decode(latents))
    heard = MelAudioCodec.from_pretrained(tmp_path / "audio")
    assert torch.equal(heard.decode(sound), audio_codec.decode(sound))
    torch.testing.assert_close(heard.encode(hum(150.0, 2000)), audio_codec.encode(hum(150.0, 2000)))


def test_the_shipped_codecs_shape_has_a_decoder_for_every_doubling():
    codec = PatchVideoCodec.tiny(latent_channels=6)
    video = picture(1, 3, 5, 32, 16)
    latents = codec.encode(video)
    assert latents.shape == (1, 6, 3, 2, 1)
    assert codec.decode(latents).shape == (1, 3, 5, 64, 32), "it draws twice as large as it sees"
