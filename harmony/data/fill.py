"""Fill a latent cache with clips of the tiny world."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from harmony.data.cache import CacheInfo, EncodedClip, create_cache, write_shard
from harmony.data.world import KINDS, Clip, render, render_reference, sample_scene
from harmony.data.world.base import scene_kind
from harmony.data.world.types import Split
from harmony.models.codecs.base import AudioCodec, VideoCodec
from harmony.timeline import Timeline

_ENCODED_AT_ONCE = 16


@dataclass(frozen=True)
class Encoder:
    """Renders scenes and encodes them.

    Attributes:
        video_codec, audio_codec: frozen codecs, in float32.
        timeline: the clips' clock; height, width: the pictures' size.
        reference_seconds: length of the voice references.
    """

    video_codec: VideoCodec
    audio_codec: AudioCodec
    timeline: Timeline
    height: int = 64
    width: int = 64
    reference_seconds: float = 2.0

    def info(self) -> CacheInfo:
        return CacheInfo(self.timeline, self.height, self.width, self.reference_seconds, self._fingerprint())

    @torch.no_grad()
    def _fingerprint(self) -> tuple[float, ...]:
        """Four latents of a colour ramp and four of a rising tone: another basis gives other numbers."""
        stride = self.video_codec.spatial_stride
        ramp = torch.linspace(-1, 1, 3 * stride * stride).view(1, 3, 1, stride, stride)
        seconds = torch.arange(self.audio_codec.sample_rate // 4) / self.audio_codec.sample_rate
        tone = 0.5 * torch.sin(2 * torch.pi * (200 + 1500 * seconds) * seconds)[None]
        video = self.video_codec.encode(ramp).flatten()[:4]
        audio = self.audio_codec.encode(tone)[0, :4, 2]
        return tuple(round(float(x), 4) for x in torch.cat([video, audio]))

    @torch.no_grad()
    def silence(self) -> np.ndarray:
        return self.audio_codec.silence_latents(self.timeline.num_audio_latents)[0].float().numpy()

    @torch.no_grad()
    def encode(self, clips: Sequence[Clip]) -> list[EncodedClip]:
        """Clips to latents, references included."""
        frames = torch.from_numpy(np.stack([clip.frames for clip in clips])).permute(0, 4, 1, 2, 3)
        frames = frames.float() / 127.5 - 1.0  # (B, 3, F, H, W)
        video = self.video_codec.encode(frames)
        still = self.video_codec.static_latents(frames[:, :, 0], 2)[:, :, 1]
        audio = self.audio_codec.encode(torch.from_numpy(np.stack([clip.waveform for clip in clips])))
        audio = audio[..., : self.timeline.num_audio_latents]
        references = [self._references(clip) for clip in clips]
        return [
            EncodedClip(clip.scene, group_of(clip.scene.kind), *_arrays(video[i], audio[i], still[i]), *references[i])
            for i, clip in enumerate(clips)
        ]

    def _references(self, clip: Clip) -> tuple[np.ndarray | None, np.ndarray | None]:
        """The same voice twice: a cut of this clip, and other words; None where nobody speaks."""
        waves = [
            render_reference(clip.scene, clip.scene.seed, seconds=self.reference_seconds, same_clip=same)
            for same in (True, False)
        ]
        if waves[0] is None or waves[1] is None:
            return None, None
        same, other = self.audio_codec.encode(torch.from_numpy(np.stack(waves))).float().numpy()
        return same, other


def group_of(kind: str) -> str:
    """The group ("ambient", "speech", "complex") of a scene kind."""
    return scene_kind(kind).group


def fill_cache(
    folder: str | Path,
    encoder: Encoder,
    seeds: range,
    *,
    split: Split = "train",
    kinds: Sequence[str] | None = None,
    shard_size: int = 500,
    report: Callable[[str], None] = lambda line: None,
) -> int:
    """Render, encode and append the clips of a range of seeds; seeds that the cache already has are skipped.

    Args:
        folder: of the cache, made if it is not there.
        seeds: scene seeds; cut into shards at multiples of ``shard_size`` from its start.
        split: of the world.
        kinds: scene kinds taken in turn; ``None`` draws each clip's kind by the world's own weights.
        report: gets one line a shard.

    Returns:
        How many clips were added.
    """
    unknown = set(kinds or ()) - set(KINDS)
    if unknown:
        raise ValueError(f"there is no scene kind '{sorted(unknown)[0]}'; choose from {', '.join(KINDS)}")
    create_cache(folder, encoder.info(), encoder.silence())
    added = 0
    for part in missing_ranges(folder, seeds, split=split, kinds=kinds, shard_size=shard_size):
        name = shard_name(part, split=split, kinds=kinds)
        began = time.monotonic()
        clips = list(_encoded(encoder, part, split=split, kinds=kinds))
        write_shard(folder, name, clips)
        added += len(clips)
        report(f"{name}: {len(clips)} clips, {(time.monotonic() - began) / len(clips) * 1000:.1f} ms each")
    return added


def missing_ranges(
    folder: str | Path, seeds: range, *, split: str, kinds: Sequence[str] | None, shard_size: int
) -> list[range]:
    """The seeds that no shard of this split and these kinds covers yet, as ranges of at most ``shard_size``."""
    there: set[int] = set()
    for shard in (Path(folder) / "shards").glob(f"{split}-*"):
        start, stop, *chosen = shard.name.removeprefix(f"{split}-").split("-", 2)
        if chosen == ([] if kinds is None else ["+".join(kinds)]):
            there.update(range(int(start), int(stop)))
    ranges: list[range] = []
    for seed in seeds:
        if seed in there:
            continue
        last = ranges[-1] if ranges else range(0)
        if last and last.stop == seed and len(last) < shard_size and (seed - seeds.start) % shard_size:
            ranges[-1] = range(last.start, seed + 1)
        else:
            ranges.append(range(seed, seed + 1))
    return ranges


def shard_name(seeds: range, *, split: str, kinds: Sequence[str] | None) -> str:
    """A range of seeds as a folder name; the same range of other kinds has another name."""
    chosen = "" if kinds is None else "-" + "+".join(kinds)
    return f"{split}-{seeds.start:09d}-{seeds.stop:09d}{chosen}"


def _encoded(encoder: Encoder, seeds: range, *, split: Split, kinds: Sequence[str] | None) -> Iterator[EncodedClip]:
    for start in range(seeds.start, seeds.stop, _ENCODED_AT_ONCE):
        part = range(start, min(start + _ENCODED_AT_ONCE, seeds.stop))
        scenes = [
            sample_scene(
                seed,
                kind=None if kinds is None else kinds[seed % len(kinds)],
                split=split,
                duration=encoder.timeline.duration,
            )
            for seed in part
        ]
        clips = [render(scene, encoder.timeline, height=encoder.height, width=encoder.width) for scene in scenes]
        yield from encoder.encode(clips)


def _arrays(*tensors: Tensor) -> list[np.ndarray]:
    return [tensor.float().numpy() for tensor in tensors]
