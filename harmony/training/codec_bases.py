"""Fitting the codecs' fixed bases: principal components in closed form, no descent."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor

from harmony.models.codecs.audio import PITCH_CHANNELS, MelAudioCodec
from harmony.models.codecs.video import PatchVideoCodec
from harmony.training.clip_pool import ClipPool


class Moments:
    """Weighted mean and covariance of rows, gathered batch by batch in double precision."""

    def __init__(self, width: int) -> None:
        self.weight = 0.0
        self.total = torch.zeros(width, dtype=torch.float64)
        self.square = torch.zeros(width, width, dtype=torch.float64)

    def add(self, rows: Tensor, weights: Tensor | None = None) -> None:
        """Rows (n, width), each counted ``weights`` (n,) times."""
        rows = rows.double()
        weighted = rows if weights is None else rows * weights.double()[:, None]
        self.weight += len(rows) if weights is None else float(weights.sum())
        self.total += weighted.sum(dim=0)
        self.square += weighted.T @ rows

    def mean_and_covariance(self) -> tuple[Tensor, Tensor]:
        mean = self.total / self.weight
        return mean, self.square / self.weight - torch.outer(mean, mean)


def fit_video_basis(codec: PatchVideoCodec, pool: ClipPool, *, motion_weight: float = 0.3, batch: int = 8) -> Tensor:
    """Fit the patch basis on a pool and put it into the codec; returns the shares of variance (C,).

    A patch counts 1 + motion_weight * (its change against the clip's median, over the mean change), so that moving
    things get more of the basis than their area.
    """
    moments = Moments(len(codec.mean))
    plain = Moments(len(codec.mean))
    for rows in pool.batches(batch):
        patches = codec.patches(pool.video(rows))  # (B, T, h, w, N)
        still = patches.median(dim=1, keepdim=True).values
        change = (patches - still).square().mean(dim=-1).sqrt()
        weights = 1.0 + motion_weight * change / change.mean().clamp_min(1e-6)
        moments.add(patches.flatten(0, 3), weights.flatten())
        plain.add(patches.flatten(0, 3))
    mean, _ = plain.mean_and_covariance()
    mean = 0.5 * (mean + _reversed(mean[None], codec)[0])
    weighted = _symmetric(moments.mean_and_covariance()[1], codec)
    basis = _parity(_principal(weighted, codec.latent_channels), codec)
    variance = torch.einsum("cn,nm,cm->c", basis, _symmetric(plain.mean_and_covariance()[1], codec), basis)
    codec.set_basis(basis, mean, half_whitening(variance))
    return variance / plain.mean_and_covariance()[1].trace()


def fit_audio_basis(codec: MelAudioCodec, pool: ClipPool, *, batch: int = 32) -> Tensor:
    """Fit the mel basis and the pitch channels' scale on a pool, into the codec; returns shares of variance."""
    mels, pitch = Moments(len(codec.mean)), Moments(PITCH_CHANNELS)
    for rows in pool.batches(batch):
        waveform = pool.audio(rows)
        waveform = waveform[:, : waveform.shape[1] // codec.latent_hop * codec.latent_hop]
        mels.add(codec.mel_pairs(waveform).flatten(0, 1))
        pitch.add(codec.coefficients(waveform)[..., -PITCH_CHANNELS:].flatten(0, 1))
    mean, covariance = mels.mean_and_covariance()
    basis = _principal(covariance, len(codec.basis))
    variance = torch.einsum("cn,nm,cm->c", basis, covariance, basis)
    pitch_rms = (pitch.square.diagonal() / pitch.weight).sqrt()
    codec.set_basis(basis, mean, torch.cat([half_whitening(variance), pitch_rms]))
    return variance / covariance.trace()


def half_whitening(variance: Tensor) -> Tensor:
    """The scales s_c ~ sqrt(sd_c) that bring the mean square of all channels to 1."""
    deviation = variance.sqrt()
    return (deviation * deviation.mean()).sqrt()


def _principal(covariance: Tensor, count: int) -> Tensor:
    """The ``count`` largest eigenvectors as rows, each with its largest entry positive."""
    vectors = torch.linalg.eigh(covariance).eigenvectors.flip(-1)[:, :count].T
    largest = vectors.gather(1, vectors.abs().argmax(dim=1, keepdim=True))
    return vectors * largest.sign()


def _reversed(patches: Tensor, codec: PatchVideoCodec) -> Tensor:
    """Patches (n, N) with their frames in reverse order."""
    return rearrange(patches, "n (s m) -> n s m", s=codec.temporal_stride).flip(1).flatten(1)


def _symmetric(covariance: Tensor, codec: PatchVideoCodec) -> Tensor:
    """The covariance of clips and their reversals together."""
    flipped = _reversed(_reversed(covariance, codec).T, codec).T
    return 0.5 * (covariance + flipped)


def _parity(basis: Tensor, codec: PatchVideoCodec) -> Tensor:
    """Make each vector exactly even or odd in time: it is so already, up to rounding."""
    flipped = _reversed(basis, codec)
    sign = (basis * flipped).sum(dim=1, keepdim=True).sign()
    basis = basis + sign * flipped
    return basis / basis.norm(dim=1, keepdim=True)
