"""How good the codecs are on held-out clips."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from harmony.evaluation.figures import CannotMeasure
from harmony.evaluation.words import Recogniser, word_errors
from harmony.models.codecs.audio import MelAudioCodec
from harmony.models.codecs.pitch import track_pitch
from harmony.models.codecs.video import PatchVideoCodec
from harmony.training.clip_pool import ClipPool
from harmony.training.codec_losses import mel_distance, moving_pixels, multi_resolution_stft

# Hops whose original is at least this voiced are asked for their pitch.
_CLEARLY_VOICED = 0.7


class SquaredError:
    """Mean squared error gathered over batches, as PSNR for signals in [-1, 1]."""

    def __init__(self) -> None:
        self.total, self.count = 0.0, 0

    def add(self, difference: Tensor) -> None:
        self.total += float(difference.double().square().sum())
        self.count += difference.numel()

    @property
    def psnr(self) -> float:
        return -10 * math.log10(max(self.total / max(self.count, 1), 1e-12) / 4)


@torch.no_grad()
def measure_pictures(codec: PatchVideoCodec, pool: ClipPool, *, noise: float = 0.0, batch: int = 8) -> dict[str, float]:
    """PSNR in dB: of all pixels, of moving ones, of first frames, and of the linear inverse alone."""
    errors = {name: SquaredError() for name in ("psnr", "psnr_moving", "psnr_first_frame", "psnr_linear")}
    by_kind = {kind: SquaredError() for kind in sorted(set(pool.kinds))}
    generator = torch.Generator().manual_seed(0)
    for rows in pool.batches(batch):
        video = pool.video(rows)
        small = codec.shrunk(video)
        latents = codec.encode(small)
        latents = latents + noise * torch.randn(latents.shape, generator=generator)
        difference = codec.decode(latents) - video
        moving = moving_pixels(video.transpose(1, 2), dim=1).transpose(1, 2).expand_as(video)
        errors["psnr"].add(difference)
        errors["psnr_moving"].add(difference[moving])
        errors["psnr_first_frame"].add(difference[:, :, 0])
        errors["psnr_linear"].add(codec.preview(latents) - small)
        for row, clip in zip(rows, difference, strict=True):
            by_kind[pool.kinds[row]].add(clip)
    named = {**errors, **{f"psnr_{kind}": error for kind, error in by_kind.items()}}
    return {name: round(error.psnr, 2) for name, error in named.items()}


@torch.no_grad()
def measure_sounds(codec: MelAudioCodec, pool: ClipPool, *, noise: float = 0.0, batch: int = 8) -> dict[str, float]:
    """Spectral distances of all clips, and what becomes of voices' pitch in clips where somebody speaks.

    ``pitch_kept`` is the share of clearly voiced hops whose pitch stays within a quarter octave, ``voicing_kept`` the
    share that are still voiced, ``periodicity`` the decoded sound's mean voicing there (the original's is 1). With
    pocketsphinx installed, ``wer_original`` and ``wer`` are the word error rates of English clips before and after.
    """
    generator = torch.Generator().manual_seed(0)
    stft, mel, voices, pitch = [], [], [], []
    spoken: list[tuple[list[str], Tensor, Tensor]] = []
    for rows in pool.batches(batch):
        sound = pool.audio(rows)
        latents = codec.encode(sound)
        made = codec.decode(latents + noise * torch.randn(latents.shape, generator=generator))
        sound = sound[:, : made.shape[1]]
        for row, y, x in zip(rows, made, sound, strict=True):
            stft.append(float(multi_resolution_stft(y[None], x[None])))
            mel.append(float(mel_distance(y[None], x[None], sample_rate=codec.sample_rate)))
            if pool.transcripts[row]:
                voices.append(stft[-1])
                pitch.append(_pitch_kept(y[None], x[None], codec))
                spoken.append((pool.transcripts[row].split(), x, y))
    figures = {"mr_stft": _mean(stft), "mel_l1": _mean(mel)}
    if pitch:
        kept, voiced, periodicity = torch.cat(pitch, dim=1).mean(dim=1).tolist()
        figures |= {"mr_stft_speech": _mean(voices), "pitch_kept": kept, "voicing_kept": voiced}
        figures |= {"periodicity": periodicity} | _words_kept(spoken)
    return {name: round(value, 4) for name, value in figures.items()}


def _pitch_kept(made: Tensor, sound: Tensor, codec: MelAudioCodec) -> Tensor:
    """(3, hops) over clearly voiced hops: pitch within a quarter octave, still voiced, and how voiced."""
    clock = {"sample_rate": codec.sample_rate, "hop": codec.latent_hop}
    true, certain = track_pitch(sound, **clock)
    octaves, voicing = track_pitch(made, **clock)
    kept = torch.stack([(octaves - true).abs() < 0.25, voicing > 0.5, voicing])
    return kept[:, certain > _CLEARLY_VOICED].float()


def _words_kept(spoken: list[tuple[list[str], Tensor, Tensor]]) -> dict[str, float]:
    """Word error rates of originals and decoded sounds of English clips; nothing where they cannot be measured."""
    english = [clip for clip in spoken if all(word.isascii() for word in clip[0])]
    if not english:
        return {}
    try:
        recogniser = Recogniser(sorted({word for words, _, _ in english for word in words}))
    except CannotMeasure:
        return {}
    total = max(1, sum(len(words) for words, _, _ in english))
    before, after = (
        sum(word_errors(recogniser.words(clip[which].numpy()), clip[0]) for clip in english) / total for which in (1, 2)
    )
    return {"wer_original": before, "wer": after}


def _mean(values: list[float]) -> float:
    return sum(values) / max(len(values), 1)
