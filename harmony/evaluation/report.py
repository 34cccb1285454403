"""``harmony evaluate``: the figures of the shipped model on frozen held-out requests, from saved mp4 files.

harmony evaluate --model assets/harmony-tiny --out benchmarks/results/harmony-tiny.json
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from harmony.evaluation.cases import FACES, Case, fingerprint, frozen_cases
from harmony.evaluation.classifier import SceneClassifier
from harmony.evaluation.clips import Judged, Way, as_video, events_of, generate, read_back, through_codecs
from harmony.evaluation.detectors import HeardEventDetector, SeenEventDetector
from harmony.evaluation.events import match_events
from harmony.evaluation.faces import lip_sync, mouth_opening, voice_energy
from harmony.evaluation.figures import (
    Figure,
    Times,
    event_contrast,
    figure_of,
    gain_figure,
    matched_gain_figure,
    shuffled_figure,
    sync_figure,
)
from harmony.pipeline import HarmonyPipeline

JUDGES = Path(__file__).resolve().parents[2] / "assets" / "judges"


@dataclass(frozen=True)
class Judges:
    """The networks that judge; see :mod:`harmony.evaluation.train`."""

    seen: SeenEventDetector
    heard: HeardEventDetector
    scene: SceneClassifier

    @classmethod
    def load(cls, folder: Path = JUDGES) -> Judges:
        return cls(
            SeenEventDetector.from_pretrained(folder / "seen").eval(),
            HeardEventDetector.from_pretrained(folder / "heard").eval(),
            SceneClassifier.from_pretrained(folder / "scene").eval(),
        )


@dataclass
class Evaluation:
    """One model on the frozen requests. Clips are made once, saved under ``folder``, and judged from there.

    Args:
        pipe: the model.
        judges: what judges it.
        folder: where clips are kept; an interrupted evaluation goes on from there.
        per_kind: requests per kind of scene.
    """

    pipe: HarmonyPipeline
    judges: Judges
    folder: Path
    per_kind: int = 16
    tell: Callable[[str], None] = print
    _made: dict[str, list[Judged]] = field(default_factory=dict)

    @cached_property
    def cases(self) -> list[Case]:
        return frozen_cases(self.per_kind)

    @cached_property
    def face_cases(self) -> list[Case]:
        return [case for case in frozen_cases(self.per_kind, FACES) if case.scene.transcript]

    @property
    def kinds(self) -> list[str]:
        return [case.kind for case in self.cases]

    @property
    def true_times(self) -> Times:
        return [case.times for case in self.cases]

    def clips(self, name: str, way: Way, *, cases: Sequence[Case] | None = None, guided: bool = True) -> list[Judged]:
        """Make (or find) and read the clips of one way of generating."""
        if name not in self._made:
            start, made = time.monotonic(), []
            for case in cases or self.cases:
                path = generate(self.pipe, case, way, terms=None if guided else (), folder=self.folder / name)
                made.append(read_back(case, path))
            self._made[name] = made
            self.tell(f"{name}: {len(made)} clips, {time.monotonic() - start:.0f} s")
        return self._made[name]

    def events(self, clips: Sequence[Judged]) -> tuple[Times, Times]:
        return events_of(clips, seen=self.judges.seen, heard=self.judges.heard)

    # -- groups of figures ---------------------------------------------------------------------

    def detectors(self) -> dict[str, Figure]:
        """Detectors on true held-out clips, and on true clips that went through the codecs."""
        true = [case.clip(self.pipe.timeline) for case in self.cases]
        seen, heard = self.events([Judged(c, t.frames, t.waveform) for c, t in zip(self.cases, true, strict=True)])
        codec_seen, codec_heard = self.events([through_codecs(self.pipe, case) for case in self.cases])
        return {
            "detector_f1_seen": sync_figure(seen, self.true_times, self.kinds),
            "detector_f1_heard": sync_figure(heard, self.true_times, self.kinds),
            "codec_f1": sync_figure(codec_heard, codec_seen, self.kinds),
        }

    def driven(self) -> dict[str, Figure]:
        """Audio-driven video and video-driven audio against the true times."""
        seen, _ = self.events(self.clips("audio-to-video", "audio_to_video"))
        _, heard = self.events(self.clips("video-to-audio", "video_to_audio"))
        return {
            "a2v_f1": sync_figure(seen, self.true_times, self.kinds),
            "a2v_f1_shuffled": shuffled_figure(seen, self.true_times, self.kinds),
            "v2a_f1": sync_figure(heard, self.true_times, self.kinds),
            "v2a_f1_shuffled": shuffled_figure(heard, self.true_times, self.kinds),
        }

    def joint(self) -> dict[str, Figure]:
        """Onsets heard against events seen, with the checkpoint's guidance and without; what guidance adds."""
        guided, plain = self.clips("joint", "joint"), self.clips("joint-unguided", "joint", guided=False)
        (seen, heard), (seen_plain, heard_plain) = self.events(guided), self.events(plain)
        counts = [match_events(h, s) for h, s in zip(heard, seen, strict=True)]
        counts_plain = [match_events(h, s) for h, s in zip(heard_plain, seen_plain, strict=True)]
        contrasts = (
            [event_contrast(clip.frames, times) for clip, times in zip(guided, seen, strict=True)],
            [event_contrast(clip.frames, times) for clip, times in zip(plain, seen_plain, strict=True)],
        )
        gain = gain_figure(counts, counts_plain, self.kinds)
        true_count = np.array([len(times) for times in self.true_times], float)
        made_count = np.array([len(times) for times in seen], float)
        return {
            "joint_f1": sync_figure(heard, seen, self.kinds),
            "joint_f1_unguided": sync_figure(heard_plain, seen_plain, self.kinds),
            "joint_f1_shuffled": shuffled_figure(heard, seen, self.kinds),
            "sync_gain": gain,
            "sync_gain_low": Figure(gain.low, gain.low, gain.high, gain.clips),
            "sync_gain_low_matched": matched_gain_figure(counts, counts_plain, contrasts),
            "events_ratio": figure_of(made_count / true_count.mean()),
        }

    def first_frame(self) -> dict[str, Figure]:
        """A given first frame: is it kept, and do its clips stay in sync?"""
        clips = self.clips("image-to-clip", "image_to_clip")
        seen, heard = self.events(clips)
        given = [case.clip(self.pipe.timeline).frames[0] for case in self.cases]
        return {
            "first_frame_psnr": figure_of([psnr(c.frames[0], g) for c, g in zip(clips, given, strict=True)]),
            "i2v_joint_f1": sync_figure(heard, seen, self.kinds),
        }

    def faces(self) -> dict[str, Figure]:
        """Mouth opening against voice energy in joint clips of faces."""
        if not self.face_cases:
            return {}
        results = []
        for clip in self.clips("faces", "joint", cases=self.face_cases):
            mouth = clip.case.clip(self.pipe.timeline).source_masks.any((0, 1))
            energy = voice_energy(clip.waveform, sample_rate=16_000, frame_rate=16.0, num_frames=len(clip.frames))
            results.append(lip_sync(mouth_opening(clip.frames, mouth), energy))
        return {
            "face_lag_hit": figure_of([float(abs(result.best_lag) <= 1) for result in results]),
            "face_correlation": figure_of([result.correlation for result in results]),
        }

    def captions(self) -> dict[str, Figure]:
        """Did the picture follow its caption? Judged by the scene classifier."""
        scene, attributes = [], []
        for clip in self.clips("joint", "joint"):
            guess = self.judges.scene.predict(as_video(clip.frames[None]))[0]
            wanted = {"kind": clip.case.kind} | clip.case.scene.attributes
            scene.append(float(guess["kind"] == wanted["kind"]))
            named = [name for name in guess if name != "kind" and name in wanted]
            attributes += [float(guess[name] == wanted[name]) for name in named]
        return {"scene_accuracy": figure_of(scene), "attribute_accuracy": figure_of(attributes)}


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two uint8 pictures, in dB."""
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


GROUPS = ("detectors", "driven", "joint", "first_frame", "faces", "captions")


def run(evaluation: Evaluation, *, groups: Sequence[str] = GROUPS, out: Path) -> dict[str, Figure]:
    """Measure the named groups and write them, with everything needed to measure them again, to ``out``."""
    figures: dict[str, Figure] = {}
    for group in groups:
        figures |= getattr(evaluation, group)()
        write(figures, evaluation, out)
    return figures


def write(figures: dict[str, Figure], evaluation: Evaluation, out: Path) -> None:
    record = {
        "command": "harmony " + " ".join(sys.argv[1:]),
        "model": evaluation.pipe.model_id,
        "precision": evaluation.pipe.precision,
        "guidance": json.loads(evaluation.pipe.guidance.to_json()),
        "requests": {"per_kind": evaluation.per_kind, "scenes": fingerprint(evaluation.cases)},
        "versions": {name: version(name) for name in ("torch", "diffusers", "numpy")}
        | {"python": platform.python_version()},
        "threads": torch.get_num_threads(),
        "figures": {name: figure.to_dict() for name, figure in figures.items()},
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
