"""Latent caches: clips that were rendered and encoded once, for a training to read many times.

A cache is a folder::

    cache.json              clock, sizes and a fingerprint of the codecs
    silence.npy             (C_a, A)             latents of a zero waveform
    shards/<range>/
        video.npy           (n, C_v, T, h, w)    float16, like all latents here
        audio.npy           (n, C_a, A)
        still.npy           (n, C_v, h, w)       a later latent of the first frame held still
        reference_same.npy  (m, C_a, R)          a cut of the clip's own speech, for the m clips with a voice
        reference_other.npy (m, C_a, R)          the same voice saying other words
        clips.jsonl         one line a clip: its scene, its group, its row in the reference arrays

Captions are not kept: training describes the scene anew each time it is shown. A shard is written beside the others
under a hidden name and renamed when it is whole, so that trainings can read while a cache grows, and several writers
can fill one cache with different ranges.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harmony.data.world import Event, Scene, Word
from harmony.timeline import Timeline

ARRAYS = ("video", "audio", "still")
REFERENCES = ("reference_same", "reference_other")
_FORMAT = 1


@dataclass(frozen=True)
class CacheInfo:
    """What every shard of a cache has in common.

    Attributes:
        timeline: the clips' clock.
        height, width: of the pictures, in pixels.
        reference_seconds: length of the voice references.
        fingerprint: a few latents of a fixed probe; tells one set of codecs from another.
    """

    timeline: Timeline
    height: int
    width: int
    reference_seconds: float
    fingerprint: tuple[float, ...]

    def to_json(self) -> str:
        return json.dumps({"format": _FORMAT} | asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> CacheInfo:
        fields = json.loads(text)
        if fields.pop("format", None) != _FORMAT:
            raise ValueError("this latent cache was written by another version of harmony; make it again")
        fields["timeline"] = Timeline(**fields["timeline"])
        fields["fingerprint"] = tuple(fields["fingerprint"])
        return cls(**fields)

    def check_same_kind(self, other: CacheInfo, where: Path) -> None:
        """Raise ``ValueError`` if clips of ``other`` cannot stand beside the clips of this cache."""
        same_codecs = len(self.fingerprint) == len(other.fingerprint) and np.allclose(
            self.fingerprint, other.fingerprint, atol=2e-2
        )
        if not same_codecs:
            raise ValueError(f"the latents in '{where}' come from other codecs; use another cache name")
        for name in ("timeline", "height", "width", "reference_seconds"):
            if getattr(self, name) != getattr(other, name):
                raise ValueError(f"the clips in '{where}' have another {name}; use another cache name")


@dataclass(frozen=True)
class CachedClip:
    """Where one clip is: its scene's line, its shard's folder and rows. ``voice_row`` is None where nobody speaks.

    It says all that is needed to read the clip, so that another process may do the reading.
    """

    line: bytes
    kind: str
    group: str
    shard: str
    row: int
    voice_row: int | None

    @property
    def scene(self) -> Scene:
        """The scene, parsed anew (some 20 microseconds; parsed scenes of a large cache would fill the memory)."""
        return scene_from_dict(json.loads(self.line)["scene"])


class LatentCache:
    """Reads one or more caches of the same kind as one list of clips.

    Args:
        folders: of the caches.

    Raises:
        FileNotFoundError: if a folder holds no cache.
        ValueError: if the caches do not fit each other.
    """

    def __init__(self, folders: str | Path | Sequence[str | Path]) -> None:
        self.folders = [Path(f) for f in ([folders] if isinstance(folders, str | Path) else folders)]
        self.info = read_info(self.folders[0])
        for folder in self.folders[1:]:
            self.info.check_same_kind(read_info(folder), folder)
        self.silence: np.ndarray = np.load(self.folders[0] / "silence.npy")
        self.clips: list[CachedClip] = []
        self.groups: dict[str, list[int]] = {}
        self._shards: dict[str, dict[str, np.ndarray]] = {}
        self._known: set[Path] = set()
        self.refresh()

    def __len__(self) -> int:
        return len(self.clips)

    def refresh(self) -> int:
        """Take in shards that have appeared since; returns how many clips are new."""
        before = len(self.clips)
        for folder in self.folders:
            for shard in sorted((folder / "shards").glob("[!.]*")):
                if shard not in self._known:
                    self._known.add(shard)
                    self._add(shard)
        return len(self.clips) - before

    def _add(self, folder: Path) -> None:
        for row, line in enumerate((folder / "clips.jsonl").read_bytes().splitlines()):
            entry = json.loads(line)
            clip = CachedClip(line, entry["scene"]["kind"], entry["group"], str(folder), row, entry["voice_row"])
            self.groups.setdefault(clip.group, []).append(len(self.clips))
            self.clips.append(clip)

    def latents(self, name: str, clips: Iterable[CachedClip]) -> np.ndarray:
        """Rows of the array ``name`` ("video", "audio", "still") of the clips, float16 (len(clips), ...)."""
        return np.stack([self._arrays(clip.shard)[name][clip.row] for clip in clips])

    def reference(self, clip: CachedClip, *, same_clip: bool) -> np.ndarray | None:
        """The voice reference (C_a, R) of a clip, None where nobody speaks."""
        if clip.voice_row is None:
            return None
        return self._arrays(clip.shard)[REFERENCES[0 if same_clip else 1]][clip.voice_row]

    def _arrays(self, shard: str) -> dict[str, np.ndarray]:
        """A shard's arrays as memory maps, opened when they are first asked for."""
        if shard not in self._shards:
            names = (*ARRAYS, *REFERENCES)
            self._shards[shard] = {name: np.load(Path(shard) / f"{name}.npy", mmap_mode="r") for name in names}
        return self._shards[shard]


@dataclass(frozen=True)
class EncodedClip:
    """One clip as a writer takes it; both references are (C_a, R), or None where nobody speaks."""

    scene: Scene
    group: str
    video: np.ndarray
    audio: np.ndarray
    still: np.ndarray
    reference_same: np.ndarray | None = None
    reference_other: np.ndarray | None = None


def read_info(folder: str | Path) -> CacheInfo:
    """The description of the cache in ``folder``."""
    path = Path(folder) / "cache.json"
    if not path.is_file():
        raise FileNotFoundError(f"there is no latent cache in '{folder}'; fill one with `harmony train cache`")
    return CacheInfo.from_json(path.read_text(encoding="utf-8"))


def create_cache(folder: str | Path, info: CacheInfo, silence: np.ndarray) -> None:
    """Make an empty cache, or check that the one that is there takes clips of this kind."""
    folder = Path(folder)
    if (folder / "cache.json").is_file():
        read_info(folder).check_same_kind(info, folder)
        return
    (folder / "shards").mkdir(parents=True, exist_ok=True)
    np.save(folder / "silence.npy", silence.astype(np.float16))
    _write_whole(folder / "cache.json", info.to_json())


def write_shard(folder: str | Path, name: str, clips: Sequence[EncodedClip]) -> Path:
    """Add a shard of clips to a cache; readers see all of it or nothing.

    Raises:
        FileExistsError: if the cache already has a shard of this name.
        ValueError: if there are no clips.
    """
    if not clips:
        raise ValueError("a shard needs at least one clip")
    final = Path(folder) / "shards" / name
    if final.exists():
        raise FileExistsError(f"the cache already has the shard '{name}'")
    hidden = final.with_name(f".{name}.{os.getpid()}")
    hidden.mkdir(parents=True)
    voiced = [clip for clip in clips if clip.reference_same is not None and clip.reference_other is not None]
    for array in ARRAYS:
        np.save(hidden / f"{array}.npy", np.stack([getattr(clip, array) for clip in clips]).astype(np.float16))
    for array in REFERENCES:
        rows = [getattr(clip, array) for clip in voiced] or [np.empty((0, *clips[0].audio.shape[:1], 0))]
        np.save(hidden / f"{array}.npy", (np.stack(rows) if voiced else rows[0]).astype(np.float16))
    voice_rows = {id(clip): row for row, clip in enumerate(voiced)}
    lines = [
        json.dumps({"scene": asdict(clip.scene), "group": clip.group, "voice_row": voice_rows.get(id(clip))})
        for clip in clips
    ]
    (hidden / "clips.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    try:
        hidden.rename(final)
    except OSError:
        shutil.rmtree(hidden, ignore_errors=True)
        raise FileExistsError(f"another writer added the shard '{name}' meanwhile") from None
    return final


def _write_whole(path: Path, text: str) -> None:
    hidden = path.with_name(f".{path.name}.{os.getpid()}")
    hidden.write_text(text, encoding="utf-8")
    hidden.replace(path)


def scene_from_dict(fields: dict[str, Any]) -> Scene:
    """The inverse of ``dataclasses.asdict`` for a scene."""
    fields = dict(fields)
    fields["events"] = tuple(Event(**event) for event in fields["events"])
    fields["words"] = tuple(Word(**word) for word in fields["words"])
    return Scene(**fields)
