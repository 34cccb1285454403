"""Codecs of the full size behind the codec interface, at a small size; MMAudio's published layout, opened safely."""

from __future__ import annotations

import os
import pickle

import pytest
import torch
from diffusers import AutoencoderKLWan
from layouts import bigvgan_layout, mmaudio_vae_layout
from public_files import SMALL_VAE, write_mmaudio
from torch import Tensor, nn
from torch.nn import functional as F

from harmony.adapters.keymap import WrongCheckpoint
from harmony.adapters.mmaudio import load_mmaudio, read_pickle, vae_weights, vocoder_weights
from harmony.models.codecs.base import AudioCodec, VideoCodec
from harmony.models.codecs.mmaudio import MMAudioCodec
from harmony.models.codecs.oobleck import OobleckAudioCodec
from harmony.models.codecs.wan import WanVideoCodec
from harmony.timeline import Timeline

SMALL_OOBLECK = dict(
    encoder_hidden_size=12, decoder_channels=4, decoder_input_channels=6, downsampling_ratios=[2, 4, 4],
    channel_multiples=[1, 2, 2], sampling_rate=16_000,
)  # fmt: skip


@pytest.fixture(scope="module")
def wan() -> WanVideoCodec:
    torch.manual_seed(0)
    return WanVideoCodec(SMALL_VAE).eval()


@pytest.fixture(scope="module")
def mmaudio() -> MMAudioCodec:
    torch.manual_seed(0)
    return MMAudioCodec.micro().eval()


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# -- Wan ---------------------------------------------------------------------------------------------------------------


def test_wan_codec_has_wans_shapes_and_normalises(wan) -> None:
    assert isinstance(wan, VideoCodec)
    assert (wan.temporal_stride, wan.spatial_stride, wan.latent_channels) == (4, 16, 4)
    video = noise(1, 3, 9, 32, 64).clamp(-1, 1)
    latents = wan.encode(video)
    assert latents.shape == (1, 4, 3, 2, 4)
    with torch.no_grad():
        plain = wan.vae.encode(video).latent_dist.mode()
        torch.testing.assert_close(latents, (plain - 0.1) / 0.5)
        torch.testing.assert_close(wan.decode(latents), wan.vae.decode(plain).sample.clamp(-1, 1), atol=1e-5, rtol=0)


def test_wan_first_frame_is_the_first_latent(wan) -> None:
    """The autoencoder is causal: a picture alone has the latent that it has as a clip's first frame."""
    video = noise(1, 3, 5, 32, 32, seed=1).clamp(-1, 1)
    torch.testing.assert_close(wan.encode(video[:, :, :1]), wan.encode(video)[:, :, :1], atol=1e-5, rtol=1e-4)


def test_wan_still_picture_and_preview(wan) -> None:
    frame = noise(1, 3, 32, 32, seed=2).clamp(-1, 1)
    still = wan.static_latents(frame, 3)
    torch.testing.assert_close(still, wan.encode(frame[:, :, None].expand(-1, -1, 9, -1, -1)))
    assert wan.preview(still).shape == wan.decode(still).shape == (1, 3, 9, 32, 32)


def test_wan_preview_is_the_best_linear_map() -> None:
    class Linear(WanVideoCodec):
        """Latents that are the cells' colours, mixed: a linear map can read them exactly."""

        def static_latents(self, frame: Tensor, num_latents: int) -> Tensor:
            cells = F.avg_pool2d(frame, 16)
            mixed = torch.cat([cells[:, [1, 2, 0]] * 2 - 0.3, cells.sum(1, keepdim=True)], 1)
            return mixed[:, :, None].expand(-1, -1, num_latents, -1, -1)

    codec = Linear(SMALL_VAE)
    assert codec.fit_preview(size=64, clips=3) < 1e-3
    frame = noise(1, 3, 2, 2, seed=3).clamp(-0.9, 0.9).repeat_interleave(16, 2).repeat_interleave(16, 3)
    shown = codec.preview(codec.static_latents(frame, 2))
    torch.testing.assert_close(shown[:, :, 4], frame, atol=0.05, rtol=0)


def test_wan_rejects_sides_that_do_not_fit(wan) -> None:
    with pytest.raises(ValueError, match="sides divisible by 16, got 9 frames of 32 x 40"):
        wan.encode(torch.zeros(1, 3, 9, 32, 40))


def test_wan_saves_and_opens(wan, tmp_path) -> None:
    wan.save_pretrained(tmp_path)
    again = WanVideoCodec.from_pretrained(tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(wan.state_dict().values(), again.state_dict().values(), strict=True))


def test_wan22_has_the_released_sizes() -> None:
    with torch.device("meta"):
        codec = WanVideoCodec()
    assert (codec.latent_channels, codec.spatial_stride, codec.temporal_stride) == (48, 16, 4)
    assert isinstance(codec.vae, AutoencoderKLWan)
    # Wan2.2_VAE.pth has 2.82 GB of float32.
    assert 4 * sum(p.numel() for p in codec.vae.parameters()) == pytest.approx(2.82e9, rel=1e-3)


# -- MMAudio -----------------------------------------------------------------------------------------------------------


def test_mmaudio_has_ovis_clock(mmaudio) -> None:
    assert isinstance(mmaudio, AudioCodec)
    assert (mmaudio.sample_rate, mmaudio.latent_rate, mmaudio.latent_channels) == (16_000, 31.25, 20)
    clip = Timeline(num_frames=121, frame_rate=24, temporal_stride=4, audio_latent_rate=mmaudio.latent_rate)
    assert clip.num_audio_latents == 157
    assert mmaudio.encode(torch.zeros(1, clip.num_samples)).shape == (1, 20, 157)
    latents = noise(2, 20, 9)
    assert mmaudio.decode(latents).shape == (2, 9 * 512)
    assert mmaudio.preview(latents).shape == (2, 9)
    assert torch.equal(mmaudio.silence_latents(4), mmaudio.encode(torch.zeros(1, 4 * 512)))


def test_mmaudio_hears_decimal_mels(mmaudio) -> None:
    """The 16 kHz VAE was trained on log10 of mel amplitudes, floored at 1e-5."""
    mels = mmaudio.vae.mel_converter(torch.zeros(1, 2048))
    assert mels.shape == (1, 80, 8)
    assert mels.min() >= -5.0 - 1e-5
    loud, quiet = (mmaudio.vae.mel_converter(level * noise(1, 4096).clamp(-3, 3) / 4) for level in (1.0, 0.1))
    torch.testing.assert_close((loud - quiet).mean(), torch.tensor(1.0), atol=0.01, rtol=0)


def test_mmaudio_level_meter_is_calibrated(mmaudio) -> None:
    """Noise of rms 0.1 lies 17 dB below a full-scale tone."""
    levels = mmaudio.loudness(mmaudio.vae.mel_converter(0.1 * noise(1, 16_000)))
    assert levels.mean() == pytest.approx(-17.0, abs=1.0)


def test_published_layout_is_complete_at_full_size() -> None:
    """v1-16.pth has 0.687 GB, best_netG.pt 0.449 GB: all of it is accounted for."""
    with torch.device("meta"):
        codec = MMAudioCodec()
    vae, vocoder = mmaudio_vae_layout(), bigvgan_layout()
    assert {name: tuple(t.shape) for name, t in codec.vae.vae.state_dict().items()} == vae
    assert sum(torch.Size(shape).numel() for shape in vae.values()) * 4 == pytest.approx(0.687e9, rel=1e-3)
    assert sum(torch.Size(shape).numel() for shape in vocoder.values()) * 4 == pytest.approx(0.449e9, rel=1e-3)
    stored = {name: torch.empty(shape, device="meta") for name, shape in vocoder.items()}
    ours = {name: tuple(tensor.shape) for name, tensor in codec.vocoder.state_dict().items()}
    assert {n: tuple(t.shape) for n, t in vocoder_weights(stored, codec.vocoder.state_dict()).items()} == ours


def test_published_files_fill_the_codec(tmp_path) -> None:
    files = write_mmaudio(tmp_path, filters=False)
    vae, vocoder = read_pickle(files[0]), read_pickle(files[1])["generator"]
    codec = MMAudioCodec.micro().eval()
    load_mmaudio(codec, *files)
    convolution = nn.utils.parametrizations.weight_norm(nn.Conv1d(80, 16, 7))
    convolution.parametrizations.weight.original0.data = vocoder["conv_pre.weight_g"]
    convolution.parametrizations.weight.original1.data = vocoder["conv_pre.weight_v"]
    torch.testing.assert_close(codec.vocoder.conv_pre.weight, convolution.weight)
    assert torch.equal(codec.vocoder.conv_post[0].bias, vocoder["conv_post.bias"])
    weight = codec.vae.vae.decoder.conv_in.weight
    torch.testing.assert_close(weight.flatten(1).norm(dim=1), torch.ones(len(weight)), atol=1e-3, rtol=0)
    torch.testing.assert_close(codec.vae.vae.data_mean, vae["data_mean"])
    wave = codec.decode(noise(1, 20, 5))
    assert wave.isfinite().all() and wave.abs().amax() <= 1


def test_convolutions_are_normalised_as_trained() -> None:
    """w / (1e-4 + |w| / sqrt(n)) / sqrt(n) for each output channel, n its fan-in."""
    w = noise(3, 5, 2)
    n = 10
    expected = torch.stack([one / (1e-4 + one.norm() / n**0.5) / n**0.5 for one in w])
    torch.testing.assert_close(vae_weights({"a.weight": w})["a.weight"], expected)


class Evil:
    def __reduce__(self):
        return os.mkdir, ("this-must-never-exist",)


def test_a_pickle_with_code_is_not_opened(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"generator": Evil()}, tmp_path / "best_netG.pt")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Evil()))
    for name in ("best_netG.pt", "plain.pth"):
        with pytest.raises(WrongCheckpoint, match="holds code"):
            read_pickle(tmp_path / name)
    assert not (tmp_path / "this-must-never-exist").exists()


def test_broken_and_foreign_pickles(tmp_path) -> None:
    write_mmaudio(tmp_path)
    codec = MMAudioCodec.micro()
    whole = (tmp_path / "v1-16.pth").read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WrongCheckpoint, match=r"cut\.pth cannot be read"):
        load_mmaudio(codec, tmp_path / "cut.pth", tmp_path / "best_netG.pt")
    with pytest.raises(WrongCheckpoint, match="no 'generator'"):
        load_mmaudio(codec, tmp_path / "v1-16.pth", tmp_path / "v1-16.pth")
    with pytest.raises(WrongCheckpoint, match="none of its tensors is there"):
        load_mmaudio(codec, tmp_path / "best_netG.pt", tmp_path / "best_netG.pt")


def test_mmaudio_saves_and_opens(mmaudio, tmp_path) -> None:
    mmaudio.save_pretrained(tmp_path)
    again = MMAudioCodec.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(again.decode(noise(1, 20, 3)), mmaudio.decode(noise(1, 20, 3)))


# -- Oobleck -----------------------------------------------------------------------------------------------------------


def test_oobleck_speaks_the_same_interface(tmp_path) -> None:
    torch.manual_seed(0)
    codec = OobleckAudioCodec(SMALL_OOBLECK, scale=2.0).eval()
    assert isinstance(codec, AudioCodec)
    assert (codec.sample_rate, codec.latent_rate, codec.latent_channels) == (16_000, 500.0, 6)
    latents = codec.encode(0.1 * noise(1, 3200 + 7))
    assert latents.shape == (1, 6, 100)
    assert codec.decode(latents).shape == (1, 3200)
    assert codec.preview(latents).shape == (1, 100)
    assert codec.silence_latents(3).shape == (1, 6, 3)
    codec.save_pretrained(tmp_path)
    torch.testing.assert_close(OobleckAudioCodec.from_pretrained(tmp_path).decode(latents), codec.decode(latents))
