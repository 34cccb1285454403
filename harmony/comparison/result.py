"""What a comparison left: its clips with what was measured on each, and the files about all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harmony import media
from harmony.comparison.plan import Comparison, Variant
from harmony.session.job import Outcome

if TYPE_CHECKING:
    from harmony.session.readout import SyncReadout

NOTHING, LIPS, SHORT = "nothing happens", "lips: see Sync-C", "lips, too short to judge"  # where there is no F1


@dataclass(frozen=True)
class Made:
    """One variant that was made.

    Attributes:
        clip, sound, settings: its files (mp4, wav, json).
        seconds: that its steps took, without reading the words, decoding and writing, which are alike for all; its
            share of the time where all were made as one batch.
        readout: events seen and heard, measured on the file.
    """

    variant: Variant
    clip: Path
    sound: Path
    settings: Path
    seconds: float
    readout: SyncReadout

    @property
    def label(self) -> str:
        return self.variant.label

    @property
    def together(self) -> float | None:
        """Joint F1: the share of onsets heard and events seen that fall together; ``None`` where nothing happens or a
        face is seen."""
        counts = self.readout.counts()
        return None if counts.empty else 2 * counts.hits / (counts.found + counts.true)

    @property
    def offset_ms(self) -> float | None:
        """Median of heard minus seen over the pairs, in milliseconds; ``None`` without a pair."""
        offset = self.readout.offset
        return None if offset is None else 1000 * offset

    @property
    def sync_c(self) -> float | None:
        """Sync-C by our own SyncNet, lips and events alike; ``None`` where nothing happens or the clip is too short."""
        sync = self.readout.sync
        return None if sync is None or (self.together is None and not self.readout.face) else sync.confidence

    @property
    def note(self) -> str:
        """Why a number is missing, or nothing."""
        if self.together is None:
            return NOTHING if not self.readout.face else SHORT if self.sync_c is None else LIPS
        return "" if self.offset_ms is not None else "no pair"

    def row(self) -> list[str]:
        """Its line of the table, under :data:`HEADERS`."""
        together = self.note if self.together is None else f"{self.together:.2f}"
        offset = "–" if self.together is None else "no pair" if self.offset_ms is None else signed(self.offset_ms)
        events = "–" if self.readout.face else f"{len(self.readout.seen)} / {len(self.readout.heard)}"
        sync = "–" if self.sync_c is None else f"{self.sync_c:.0f}"
        return [self.label, together, offset, sync, events, f"{self.seconds:.1f} s"]


def most_in_sync(made: Sequence[Made]) -> int:
    """Which variant fits best: by F1; where that is the same or, as of faces, unknown, by Sync-C; else the first."""
    return max(range(len(made)), key=lambda k: (made[k].together or 0.0, made[k].sync_c or 0.0))


def measured(variant: Variant, outcome: Outcome, *, seconds: float) -> Made:
    """A variant's clip with what is seen and heard in it, as its file holds it."""
    from harmony.session.readout import read_sync  # imported late: the networks that judge take a while

    readout = read_sync(*media.read_video(outcome.clip), *media.read_audio(outcome.clip))
    return Made(variant, outcome.clip, outcome.sound, outcome.settings, seconds=seconds, readout=readout)


HEADERS = ["Variant", "Together (F1)", "Sound later by", "Sync-C", "Seen / heard", "Steps took"]


@dataclass(frozen=True)
class Compared:
    """A comparison and its files.

    Attributes:
        wish: what was compared. made: its variants, in order.
        heard: which of them is heard in ``clip``: the one most in sync, by F1 and then by Sync-C.
        clip: all variants in one film. table: csv. plot: png. package: all of it as one zip, if that was asked for.
        facts: short sentences about what was used and how long it took.
    """

    wish: Comparison
    made: tuple[Made, ...]
    heard: int
    clip: Path
    table: Path
    plot: Path
    package: Path | None = None
    facts: tuple[str, ...] = ()

    @property
    def seed(self) -> int:
        return self.wish.job.seed

    @property
    def heard_label(self) -> str:
        return self.made[self.heard].label

    def rows(self) -> list[list[str]]:
        """The table, under :data:`HEADERS`."""
        return [one.row() for one in self.made]


def signed(milliseconds: float) -> str:
    """An offset with its sign and unit; a rounded zero has none."""
    whole = round(milliseconds)
    return f"{'+' * (whole > 0)}{'−' * (whole < 0)}{abs(whole)} ms"
