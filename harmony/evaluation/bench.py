"""What ``harmony evaluate`` works on: a model, its judges, the frozen requests, and the clips made for them so far."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path

import torch

from harmony.data.world import Clip, Split
from harmony.evaluation.cases import FACES, IMPACTS, Case, fingerprint, frozen_cases
from harmony.evaluation.classifier import SceneClassifier
from harmony.evaluation.clips import Judged, Way, events_of, make_clips, read_back, wish_of
from harmony.evaluation.detectors import HeardEventDetector, SeenEventDetector
from harmony.evaluation.figures import Times
from harmony.evaluation.metrics.sound_classifier import SoundClassifier
from harmony.evaluation.metrics.syncnet import WorldSyncNet
from harmony.evaluation.metrics.world_words import WorldRecogniser
from harmony.guidance import GuidanceTerm
from harmony.pipeline import HarmonyPipeline
from harmony.timeline import Timeline

JUDGES = Path(__file__).resolve().parents[2] / "assets" / "judges"


@dataclass(frozen=True)
class Judges:
    """The networks that judge; see :mod:`harmony.evaluation.train` and, for the last two, their own trainings."""

    seen: SeenEventDetector
    heard: HeardEventDetector
    scene: SceneClassifier
    glimpse: SceneClassifier
    sound: SoundClassifier
    sync: WorldSyncNet
    words: WorldRecogniser

    @classmethod
    def load(cls, folder: Path = JUDGES) -> Judges:
        """Raises ``FileNotFoundError`` with one sentence if they are not there."""
        missing = [judge.name for judge in fields(cls) if not (folder / judge.name).is_dir()]
        if missing:
            raise FileNotFoundError(
                f"'{folder}' lacks the judges {', '.join(missing)}; take those of assets/judges, or make them with "
                f"python -m harmony.evaluation.train --out {folder}"
            )
        return cls(
            SeenEventDetector.from_pretrained(folder / "seen").float().eval(),
            HeardEventDetector.from_pretrained(folder / "heard").float().eval(),
            SceneClassifier.from_pretrained(folder / "scene").float().eval(),
            SceneClassifier.from_pretrained(folder / "glimpse").float().eval(),
            SoundClassifier.from_pretrained(folder / "sound").float().eval(),
            WorldSyncNet.from_pretrained(folder / "sync").float().eval(),
            WorldRecogniser.from_pretrained(folder / "words").float().eval(),
        )


@dataclass
class Bench:
    """One model on the frozen requests. Clips are made once, saved under ``folder``, and judged from there.

    Args:
        pipe: the model.
        judges: what judges it.
        folder: where clips are kept, by model and guidance; an interrupted evaluation goes on from there.
        sheet: where the contact sheet goes.
        per_kind: requests per kind of scene.
        kinds: kinds of scenes; those with faces are judged by lips, words and voices, the others by their events.
        batch_size: clips that go through the model together.
        tell: gets a line about every set of clips that was made.
    """

    pipe: HarmonyPipeline
    judges: Judges
    folder: Path
    sheet: Path = Path("contact-sheet.png")
    per_kind: int = 16
    kinds: Sequence[str] = IMPACTS + FACES
    batch_size: int = 8
    tell: Callable[[str], None] = print
    _made: dict[str, list[Judged]] = field(default_factory=dict)

    @cached_property
    def cases(self) -> list[Case]:
        """Requests with events."""
        return self.frozen([kind for kind in self.kinds if kind not in FACES])

    @cached_property
    def face_cases(self) -> list[Case]:
        """Requests in which somebody speaks."""
        return [case for case in self.frozen([kind for kind in self.kinds if kind in FACES]) if case.scene.transcript]

    def frozen(self, kinds: Sequence[str], *, times: int = 1, split: Split = "test") -> list[Case]:
        """``times`` as many requests of each of these kinds as ``per_kind``, as long as the model's clips."""
        return frozen_cases(times * self.per_kind, kinds, split=split, duration=self.timeline.duration)

    @cached_property
    def true_clips(self) -> list[Clip]:
        """The true clips of :attr:`cases`."""
        return [case.clip(self.timeline) for case in self.cases]

    @property
    def timeline(self) -> Timeline:
        return self.pipe.timeline

    @property
    def kinds_of_cases(self) -> list[str]:
        return [case.kind for case in self.cases]

    @property
    def true_times(self) -> Times:
        return [case.times for case in self.cases]

    def clips(
        self,
        name: str,
        way: Way,
        *,
        cases: Sequence[Case] | None = None,
        terms: Sequence[GuidanceTerm] | None = None,
    ) -> list[Judged]:
        """Make (or find) and read the clips of one way of generating, one for each of ``cases`` (:attr:`cases`)."""
        wanted = self.cases if cases is None else cases
        return self.wished(name, [(file_name(c), lambda c=c: wish_of(c, way, self.timeline)) for c in wanted], terms)

    def wished(self, name: str, wishes, terms: Sequence[GuidanceTerm] | None = None) -> list[Judged]:
        """The same for other wishes: names, and functions that give what is asked."""
        if name not in self._made:
            start = time.monotonic()
            folder = self.folder / self.model_fingerprint / name
            paths = make_clips(self.pipe, wishes, folder=folder, terms=terms, batch_size=self.batch_size)
            self._made[name] = [read_back(path) for path in paths]
            self.tell(f"{name}: {len(paths)} clips, {time.monotonic() - start:.0f} s")
        return self._made[name]

    def without_sync_cfg(self) -> list[Judged]:
        """The joint clips again, with SyncCFG alone off: text guidance stays, where the checkpoint has it."""
        others = [term for term in self.pipe.guidance.terms if term.kind != "sync"]
        return self.clips("joint-unguided", "joint", terms=others)

    def joint_and_faces(self) -> list[Judged]:
        """The joint clips of :attr:`cases` and then of :attr:`face_cases`."""
        faces = self.clips("faces", "joint", cases=self.face_cases) if self.face_cases else []
        return [*self.clips("joint", "joint"), *faces]

    @cached_property
    def model_fingerprint(self) -> str:
        """Clips of another model must not pass for this one's."""
        return model_fingerprint(self.pipe)

    def events(self, clips: Sequence[Judged]) -> tuple[Times, Times]:
        """Times of the events seen and of those heard."""
        return events_of(clips, seen=self.judges.seen, heard=self.judges.heard)


def file_name(case: Case) -> str:
    """The case's name and a hash of its scene, which changes with the world."""
    return f"{case.name}-{fingerprint([case])[:6]}"


def model_fingerprint(pipe: HarmonyPipeline) -> str:
    """A short hash of all weights, their precision and the guidance."""
    digest = hashlib.sha256(f"{pipe.precision} {pipe.guidance.to_json()}".encode())
    for name, part in pipe.components.items():
        if isinstance(part, torch.nn.Module):
            digest.update(name.encode())
            for tensor in part.state_dict().values():
                digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()[:12]
