"""The tiny model's sound codec: a fixed linear basis on log-mel frames, a pitch track, and a learned vocoder.

As with the pictures, encoding is fixed: latents are known before any vocoder exists, and a better vocoder can be
swapped in later. A latent covers ``sample_rate / latent_rate`` samples (500) and two mel frames (hop 250, windows of
1024 centred on their hop, which resolve the harmonics of a 105 Hz voice). With x the two frames' log-mels, mu their
mean and B the basis::

    z_mel = B (x - mu) / s            z_pitch = (voicing * octaves above 160 Hz, voicing - 1/2) / s

s is half whitening for the mel channels (see :mod:`~harmony.models.codecs.video`). Pitch has two channels of its own
because a linear basis of forty numbers blurs a deep voice's harmonics, and a voice must keep its pitch.
"""

from __future__ import annotations

import math

import torch
import torchaudio
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from einops import rearrange
from torch import Tensor
from torch.nn import functional as F

from harmony.models.codecs.pitch import track_pitch
from harmony.models.codecs.sound_decoder import SoundDecoder

PITCH_CHANNELS = 2
# The floor under log-mels: 80 dB below a full-scale tone. Fainter sound is silence to codec and listener.
_FLOOR = 1e-4


class MelAudioCodec(ModelMixin, ConfigMixin):
    """Sound to latents by mel, a fixed basis and a pitch tracker, and back by a learned vocoder.

    Args:
        latent_channels: mel channels plus two of pitch.
        sample_rate: samples per second; latent_rate: latents per second.
        num_mels, fft_size: of the spectrogram.
        decoder_width, decoder_layers: of the vocoder.

    A new codec carries a DCT basis, which needs no fitting; :meth:`set_basis` puts a fitted one in its place.
    """

    @register_to_config
    def __init__(
        self,
        latent_channels: int = 40,
        sample_rate: int = 16_000,
        latent_rate: float = 32.0,
        num_mels: int = 80,
        fft_size: int = 1024,
        decoder_width: int = 256,
        decoder_layers: int = 8,
    ) -> None:
        super().__init__()
        hop = sample_rate / latent_rate
        if hop % 2 or not 2 < hop < fft_size:
            raise ValueError(f"a latent must span an even number of samples below {fft_size}, got {hop}")
        self.sample_rate, self.latent_rate, self.latent_channels = sample_rate, latent_rate, latent_channels
        self.latent_hop, self.mel_hop = int(hop), int(hop) // 2
        mel_channels = latent_channels - PITCH_CHANNELS
        if not 1 <= mel_channels <= 2 * num_mels:
            raise ValueError(f"latent_channels must be 3 to {2 * num_mels + PITCH_CHANNELS}, got {latent_channels}")
        basis, scale = mel_dct_basis(mel_channels, num_mels)
        self.register_buffer("basis", basis)  # (C - 2, 2 * mels)
        self.register_buffer("mean", torch.full((2 * num_mels,), 0.5 * math.log(_FLOOR)))
        self.register_buffer("scale", torch.cat([scale, torch.full((PITCH_CHANNELS,), 0.4)]))  # (C,)
        self.decoder = SoundDecoder(
            num_mels + latent_channels,
            width=decoder_width,
            layers=decoder_layers,
            fft_size=fft_size,
            frame_hop=self.mel_hop,
            latent_hop=self.latent_hop,
            sample_rate=sample_rate,
        )

    @classmethod
    def micro(cls) -> MelAudioCodec:
        """A six-channel codec with a tiny random vocoder, for tests."""
        return cls(latent_channels=6, num_mels=16, decoder_width=8, decoder_layers=1)

    @torch.no_grad()
    def set_basis(self, basis: Tensor, mean: Tensor, scale: Tensor) -> None:
        """Replace the mel basis (C - 2, 2 * mels), the mean log-mels (2 * mels,) and the channels' scale (C,)."""
        self.basis.copy_(basis)
        self.mean.copy_(mean)
        self.scale.copy_(scale)

    @torch.no_grad()
    def encode(self, waveform: Tensor) -> Tensor:
        """(B, S) in [-1, 1] to latents (B, C, A), A = floor(S / hop); samples beyond the last whole latent are dropped.

        Raises:
            ValueError: if the sound is not (B, S) or shorter than one latent.
        """
        return (self.coefficients(waveform) / self.scale.float()).transpose(1, 2).to(waveform.dtype)

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Latents (B, C, A) to a waveform (B, A * hop), clipped to [-1, 1]."""
        return self.reconstruct(latents).clamp(-1.0, 1.0)

    @torch.no_grad()
    def silence_latents(self, num_latents: int) -> Tensor:
        """The latents (1, C, A) of a zero waveform."""
        return self.encode(torch.zeros(1, num_latents * self.latent_hop).to(self.mean))

    @torch.no_grad()
    def preview(self, latents: Tensor) -> Tensor:
        """A loudness curve (B, A) in dB below a full-scale tone, from the mels alone."""
        power = self.log_mels(latents).exp().square().sum(dim=1)  # (B, 2A)
        power = rearrange(power, "b (a k) -> b a k", k=2).mean(dim=-1)
        return (10.0 * torch.log10(power.clamp_min(_FLOOR**2))).to(latents.dtype)

    def reconstruct(self, latents: Tensor) -> Tensor:
        """:meth:`decode` without the clipping, and differentiable: what training compares with the sound."""
        self._check_latents(latents)
        octaves, voicing = self.pitch(latents)
        mels = self.log_mels(latents)
        features = torch.cat([mels / 4.0, latents.float().repeat_interleave(2, dim=-1)], dim=1)
        weights = self.decoder.head.weight
        return self.decoder(features.to(weights.dtype), self.envelope(mels), octaves, voicing).to(latents.dtype)

    def coefficients(self, waveform: Tensor) -> Tensor:
        """The latents before scaling, (B, A, C): mel coefficients, then voicing * octaves and voicing - 1/2."""
        waveform = self._whole_latents(waveform).float()
        mel = (self.mel_pairs(waveform) - self.mean.float()) @ self.basis.float().T
        octaves, voicing = track_pitch(waveform, sample_rate=self.sample_rate, hop=self.latent_hop)
        return torch.cat([mel, (voicing * octaves)[..., None], voicing[..., None] - 0.5], dim=-1)

    def mel_pairs(self, waveform: Tensor) -> Tensor:
        """Log-mels of a waveform (B, A * hop), two frames to a latent: (B, A, 2 * mels), natural log of amplitude."""
        window = torch.hann_window(self.config.fft_size, dtype=waveform.dtype, device=waveform.device)
        side = self.config.fft_size - self.mel_hop
        padded = F.pad(waveform, (side // 2, side - side // 2))
        spectrum = torch.stft(
            padded, self.config.fft_size, self.mel_hop, window=window, center=False, return_complex=True
        )
        amplitude = spectrum.abs() * (2.0 / window.sum())  # a full-scale tone has amplitude 1
        mels = self._filters(waveform).T @ amplitude
        return rearrange(torch.log(mels + _FLOOR), "b m (a k) -> b a (k m)", k=2)

    def log_mels(self, latents: Tensor) -> Tensor:
        """Latents (B, C, A) to the log-mels (B, mels, 2A) that the basis keeps."""
        count = self.basis.shape[0]
        coefficients = latents[:, :count].float().transpose(1, 2) * self.scale[:count].float()
        pairs = self.mean.float() + coefficients @ self.basis.float()
        return rearrange(pairs, "b a (k m) -> b m (a k)", k=2)

    def envelope(self, mels: Tensor) -> Tensor:
        """Log-mels (B, mels, frames) spread over the spectrum's bins (B, bins, frames): log of amplitude per bin."""
        filters = self._filters(mels)  # (bins, mels)
        per_bin = mels - torch.log(filters.sum(dim=0))[:, None]
        shares = filters.clone()
        shares[0, 0] = shares[-1, -1] = 1.0  # no filter covers 0 Hz and the Nyquist rate
        return (shares / shares.sum(dim=1, keepdim=True)) @ per_bin

    def pitch(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Octaves above 160 Hz and voicing, (B, A) each, as the latents tell them."""
        product, voicing = (latents[:, -PITCH_CHANNELS:].float() * self.scale[-PITCH_CHANNELS:, None].float()).unbind(1)
        voicing = (voicing + 0.5).clamp(0.0, 1.0)
        octaves = (product / voicing.clamp_min(0.25)).clamp(-1.5, 1.5)
        # Where a voice pauses, its pitch stays where it was, so that it does not glide at every consonant.
        kernel = torch.tensor([1.0, 4.0, 16.0, 0.0, 16.0, 4.0, 1.0]).to(octaves).view(1, 1, -1)
        trust = voicing.square() + 1e-4
        near = F.conv1d((trust * octaves)[:, None], kernel, padding=3) / F.conv1d(trust[:, None], kernel, padding=3)
        return torch.lerp(near[:, 0], octaves, voicing), voicing

    def _filters(self, like: Tensor) -> Tensor:
        return torchaudio.functional.melscale_fbanks(
            self.config.fft_size // 2 + 1, 0.0, self.sample_rate / 2, self.config.num_mels, self.sample_rate
        ).to(like)

    def _whole_latents(self, waveform: Tensor) -> Tensor:
        if waveform.ndim != 2:
            raise ValueError(f"the sound must be (B, S), got {tuple(waveform.shape)}")
        count = waveform.shape[1] // self.latent_hop
        if count < 1:
            raise ValueError(f"the sound must hold at least {self.latent_hop} samples, got {waveform.shape[1]}")
        return waveform[:, : count * self.latent_hop]

    def _check_latents(self, latents: Tensor) -> None:
        if latents.ndim != 3 or latents.shape[1] != self.latent_channels:
            raise ValueError(f"audio latents must be (B, {self.latent_channels}, A), got {tuple(latents.shape)}")


def mel_dct_basis(channels: int, num_mels: int) -> tuple[Tensor, Tensor]:
    """The ``channels`` smoothest cosine patterns over two mel frames (C, 2 * mels), and their scale (C,)."""
    m = torch.arange(num_mels)
    cosines = torch.cos(math.pi * m[:, None] * (2 * m[None] + 1) / (2 * num_mels))
    cosines = cosines / cosines.norm(dim=1, keepdim=True)
    same, change = torch.cat([cosines, cosines], dim=1), torch.cat([cosines, -cosines], dim=1)
    basis = torch.stack([same, change], dim=1).flatten(0, 1) / math.sqrt(2.0)
    return basis[:channels], 0.5 * math.sqrt(2.0 * num_mels) / (1.0 + torch.arange(channels) / 2.0)
