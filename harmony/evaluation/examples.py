"""What the judges learn from: true clips of the tiny world, and copies of them as a model's clips may look and sound.

A judge must tell what happens in a clip, not how well it is finished. So it also sees blurred, dimmed and noisy copies,
and copies that went through the codecs with errors in their latents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from harmony.data.world import KINDS, Clip, Split, render, sample_scene
from harmony.evaluation.classifier import looks_like
from harmony.models.codecs.base import AudioCodec, VideoCodec
from harmony.timeline import Timeline

LATENT_ERROR = 0.35  # the largest standard deviation of the error put on latents, whose rms is 1
THROUGH_CODECS = 0.6  # how often a judge sees or hears a copy that went through them


@dataclass(frozen=True)
class Examples:
    """True clips in memory.

    Attributes:
        frames: uint8 (N, F, 3, H, W); waveform: (N, S).
        times: of each clip's events, in seconds.
        kinds, labels: of each clip; ``labels`` holds its kind and all its attributes.
        recoded_frames, recoded_waveform: the same clips through the codecs, where there are codecs.
    """

    frames: Tensor
    waveform: Tensor
    times: list[list[float]]
    kinds: list[str]
    labels: list[dict[str, str]]
    recoded_frames: Tensor | None = None
    recoded_waveform: Tensor | None = None

    def with_codecs(self, video: VideoCodec, audio: AudioCodec, *, error: float = LATENT_ERROR) -> Examples:
        """The same examples, which then also come as the codecs make them, with up to ``error`` on their latents."""
        generator = torch.Generator().manual_seed(0)
        frames = [recode_frames(part, video, generator, error=error) for part in self.frames.split(16)]
        waveform = [recode_waveform(part, audio, generator, error=error) for part in self.waveform.split(16)]
        return replace(self, recoded_frames=torch.cat(frames), recoded_waveform=torch.cat(waveform))

    def pictures(
        self, index: Tensor, generator: torch.Generator, *, size: int, frames: Tensor | slice = slice(None)
    ) -> Tensor:
        """Spoiled pictures (B, F', 3, size, size) in [0, 1] of the clips ``index`` (B,): all frames, or the same some
        of every clip, or some of each (B, F')."""
        chosen = self._either(self.frames, self.recoded_frames, index, generator)
        of_each = isinstance(frames, Tensor) and frames.dim() == 2
        chosen = chosen[torch.arange(len(index))[:, None], frames] if of_each else chosen[:, frames]
        return spoil_frames(shrink(chosen, size), generator)

    def sounds(self, index: Tensor, generator: torch.Generator) -> Tensor:
        """Spoiled sounds (B, S) of the clips ``index`` (B,)."""
        return spoil_waveform(self._either(self.waveform, self.recoded_waveform, index, generator), generator)

    @staticmethod
    def _either(true: Tensor, recoded: Tensor | None, index: Tensor, generator: torch.Generator) -> Tensor:
        chosen = true[index]
        if recoded is not None:
            through = torch.rand(len(index), generator=generator) < THROUGH_CODECS
            chosen[through] = recoded[index[through]]
        return chosen


def render_examples(
    seeds: range, timeline: Timeline, *, split: Split = "train", kinds: Sequence[str] = KINDS
) -> Examples:
    """Render clips of ``kinds`` in turn."""
    clips: list[Clip] = [
        render(sample_scene(seed, kind=kinds[i % len(kinds)], split=split), timeline) for i, seed in enumerate(seeds)
    ]
    return Examples(
        frames=torch.from_numpy(np.stack([c.frames for c in clips])).permute(0, 1, 4, 2, 3).contiguous(),
        waveform=torch.from_numpy(np.stack([c.waveform for c in clips])),
        times=[[event.time for event in c.scene.events] for c in clips],
        kinds=[c.scene.kind for c in clips],
        labels=[{"kind": looks_like(c.scene.kind)} | c.scene.attributes for c in clips],
    )


def shrink(frames: Tensor, size: int) -> Tensor:
    """(B, F, 3, H, W) uint8 to (B, F, 3, size, size) in [0, 1]."""
    small = F.interpolate(frames.flatten(0, 1).float() / 255, (size, size), mode="area")
    return small.unflatten(0, frames.shape[:2])


def spoil_frames(x: Tensor, generator: torch.Generator) -> Tensor:
    """(B, F, 3, H, W) in [0, 1], each clip blurred, dimmed and noised by chance."""
    batch, _, _, height, width = x.shape
    blur, gain, noise = torch.rand(3, batch, 1, 1, 1, 1, generator=generator)
    coarse = F.interpolate(x.flatten(0, 1), (height // 2, width // 2), mode="area")
    coarse = F.interpolate(coarse, (height, width), mode="bilinear", align_corners=False).view_as(x)
    x = torch.lerp(x, coarse, blur * (blur > 0.4))
    spread = 0.06 * noise * (noise > 0.3)
    return (x * (0.85 + 0.3 * gain) + spread * torch.randn(x.shape, generator=generator)).clamp(0, 1)


def spoil_waveform(waveform: Tensor, generator: torch.Generator) -> Tensor:
    """(B, S), each clip at another loudness and with a little noise."""
    gain = 10 ** (-0.6 * torch.rand(waveform.shape[0], 1, generator=generator))
    noise = 0.01 * torch.rand(waveform.shape[0], 1, generator=generator) ** 2
    return waveform * gain + noise * torch.randn(waveform.shape, generator=generator)


def recode_frames(frames: Tensor, codec: VideoCodec, generator: torch.Generator, *, error: float) -> Tensor:
    """uint8 (B, F, 3, H, W) through latents with errors and back, by the codec's cheap linear picture."""
    latents = codec.encode(frames.transpose(1, 2).float() / 127.5 - 1)
    pictures = codec.preview(_with_errors(latents, generator, error)).transpose(1, 2)
    return ((pictures + 1) * 127.5).round().clamp(0, 255).byte()


def recode_waveform(waveform: Tensor, codec: AudioCodec, generator: torch.Generator, *, error: float) -> Tensor:
    """(B, S) through latents with errors and back."""
    decoded = codec.decode(_with_errors(codec.encode(waveform), generator, error))
    return F.pad(decoded, (0, waveform.shape[1] - decoded.shape[1]))


def _with_errors(latents: Tensor, generator: torch.Generator, error: float) -> Tensor:
    """Each clip's latents with white errors of its own strength, small ones more often."""
    size = (latents.shape[0], *[1] * (latents.dim() - 1))
    spread = error * torch.rand(size, generator=generator) ** 2
    return latents + spread * torch.randn(latents.shape, generator=generator)
