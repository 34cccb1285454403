"""What a comparison hands out: the table, the plot, the film of all variants, and all of it in one zip."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Sequence
from pathlib import Path

from harmony import media
from harmony.comparison.plan import Comparison
from harmony.comparison.result import Compared, Made
from harmony.visualize import to_image
from harmony.visualize.comparison import comparison_figure

_CELL = 256  # pixels: the height of a variant in the film of all; enough to see, and labels fit
_COLUMNS = ["variant", "together_f1", "offset_ms", "sync_c", "seen", "heard", "step_seconds", "note", "clip"]


def write_table(path: Path, made: Sequence[Made]) -> Path:
    """Numbers for programs (csv): what was not measured is empty, and the note says why."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for one in made:
            numbers = ["" if value is None else f"{value:.3f}" for value in (one.together, one.offset_ms, one.sync_c)]
            counts = [len(one.readout.seen), len(one.readout.heard)]
            writer.writerow([one.label, *numbers, *counts, f"{one.seconds:.2f}", one.note, one.clip.name])
    return path


def write_plot(path: Path, wish: Comparison, made: Sequence[Made]) -> Path:
    """How well the variants are in sync against their values (png)."""
    axis = wish.setting
    figure = comparison_figure(
        [one.label for one in made],
        [one.together for one in made],
        [one.offset_ms for one in made],
        sync_c=[one.sync_c for one in made],
        amounts=[float(value) for value in wish.values] if axis.measured else None,
        name=axis.label,
    )
    to_image(figure).save(path)
    return path


def write_mosaic(path: Path, made: Sequence[Made], *, heard: int) -> Path:
    """All variants in one film, each with its value under it; the one that is heard says so."""
    labels = [f"{one.label} (heard)" if k == heard else one.label for k, one in enumerate(made)]
    return media.mosaic(
        [one.clip for one in made],
        path,
        labels=labels,
        labels_below=True,
        columns=2 if len(made) == 4 else min(len(made), 3),
        sound=heard,
        height=_CELL,
        metadata={"title": f"Compared: {', '.join(one.label for one in made)}; heard: {made[heard].label}"},
    )


def write_package(path: Path, compared: Compared) -> Path:
    """Clips, sounds, settings, table, plot and film in one zip."""
    files = [file for one in compared.made for file in (one.clip, one.sound, one.settings)]
    with zipfile.ZipFile(path, "w") as package:
        for file in (*files, compared.table, compared.plot, compared.clip):
            packed = file.suffix in (".mp4", ".png")  # these do not shrink
            package.write(file, file.name, zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED)
    return path
