"""The report: one HTML file with tables, plots and clips that play, and nothing that it loads from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader
from PIL import Image

from harmony import media
from harmony.evaluation.harmony_bench.cases import BenchCase, chosen
from harmony.evaluation.harmony_bench.clips import scale_of
from harmony.evaluation.harmony_bench.measures import MEASURES
from harmony.evaluation.harmony_bench.meters import Measure
from harmony.evaluation.harmony_bench.plots import bars, trade
from harmony.evaluation.harmony_bench.run import BenchRun, Record
from harmony.visualize import to_image

ARROWS = {"higher": "↑", "lower": "↓", "": ""}
ABOUT = {
    "model": "as the checkpoint makes them by default",
    "plain": "without SyncCFG; text guidance stays as it is",
    "true": "the scenes as the world draws them: the upper bound",
    "codecs": "true clips through the model's codecs: the best it could do",
    "shuffled": "true pictures with the sound of another case of their kind: what chance gives",
}
FRECHET = Measure("", "", "lower", "distance to true clips of other scenes, on our own classifier's features")


def write_page(
    path: Path, result: Mapping[str, Any], run: BenchRun, records: Mapping[str, Sequence[Record]], *, clips: int
) -> Path:
    """Write the report.

    Args:
        path: of the HTML file.
        result: what the JSON file holds.
        run: where the clips are.
        records: what was measured on each clip.
        clips: how many cases are shown with their clips.
    """
    sets = list(result["sets"])
    template = Environment(loader=PackageLoader("harmony.evaluation.harmony_bench", "."), autoescape=True)
    page = template.get_template("page.html.j2").render(
        edition=result["edition"],
        model=result["model"],
        cases=result["cases"],
        all_cases=len(run.edition),
        command=result["command"],
        sets=[(name, about(name)) for name in sets],
        tables=[(title, rows(result, subset, sets)) for subset, title in _subsets(result, sets)],
        gain_sets=list(result.get("gains", {})),
        gains=gain_rows(result.get("gains", {}), result.get("matched_gains", {})),
        plots=[{"title": title, "data": _png(figure)} for title, figure in (*bars(result), *trade(result))],
        missing=missing(result),
        shown=[shown(case, run, records) for case in chosen(run.cases, clips)] if clips else [],
        made=[
            (name, _plain(result[name]))
            for name in ("weights_and_guidance", "guidance", "seeds", "versions", "threads")
        ],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path


def about(name: str) -> str:
    """What a set is, for people."""
    scale = scale_of(name)
    return ABOUT[name] if scale is None else f"with SyncCFG at scale {scale:g} for picture and sound"


def rows(result: Mapping[str, Any], subset: str, sets: Sequence[str]) -> list[dict[str, Any]]:
    """A line for each measure that any of the sets has, and for the Fréchet distances under all cases."""
    found = []
    for measure in MEASURES.values():
        figures = [result["sets"][name]["figures"].get(subset, {}).get(measure.name) for name in sets]
        if any(figures):
            found.append(_row(measure, [_cell(figure) for figure in figures]))
    if subset == "all":
        for stream in ("picture", "sound"):
            distances = [result["sets"][name]["frechet"].get(stream) for name in sets]
            if any(value is not None for value in distances):
                cells = [None if value is None else {"value": f"{value:.2f}"} for value in distances]
                found.append(_row(FRECHET, cells) | {"label": f"Fréchet distance, {stream}"})
    return found


def gain_rows(
    gains: Mapping[str, Mapping[str, dict]], matched: Mapping[str, Mapping[str, dict]]
) -> list[dict[str, Any]]:
    """A line for each measure, a cell for each set; and for those that also grow when events are just easier to see."""
    found = []
    for measure in MEASURES.values():
        figures = [own.get(measure.name) for own in gains.values()]
        if any(figures):
            found.append(_row(measure, [_cell(figure, signed=True) for figure in figures]))
    for name in ("sync_c", "event_f1"):
        figures = [own.get(name) for own in matched.values()]
        if any(figures):
            label = f"{MEASURES[name].label}, equally visible events"
            found.append(_row(MEASURES[name], [_cell(figure, signed=True) for figure in figures]) | {"label": label})
    return found


def missing(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each reason once, with the sets and the number of clips that it holds for."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, told in result["sets"].items():
        for measure, reasons in told["not_measured"].items():
            for reason, count in reasons.items():
                found.setdefault((MEASURES[measure].label, reason), []).append(f"{name} {count}")
    return [(label, f"{reason} (clips: {', '.join(counts)})") for (label, reason), counts in found.items()]


def shown(case: BenchCase, run: BenchRun, records: Mapping[str, Sequence[Record]]) -> dict[str, Any]:
    """A case with its clips inside the page."""
    clips = []
    for name, found in records.items():
        if name in ABOUT or scale_of(name) is not None:
            record = next(record for record in found if record["id"] == case.id)
            sync = record["parts"].get("sync_c")
            path = run.clip_of(name, case)
            told = f"Sync-C {sync[0]:.1f}" if sync else ""
            clips.append({"name": name, "told": told, "data": _base64(path.read_bytes()), "poster": _poster(path)})
    return {"id": case.id, "prompt": case.prompt, "transcript": case.transcript, "clips": clips}


def _subsets(result: Mapping[str, Any], sets: Sequence[str]) -> list[tuple[str, str]]:
    titles = {"all": "All cases", "ambient": "Ambient sound", "speech": "Speech", "complex": "Complex scenes"}
    return [(subset, title) for subset, title in titles.items()
            if any(subset in result["sets"][name]["figures"] for name in sets)]  # fmt: skip


def _row(measure: Measure, cells: list) -> dict[str, Any]:
    return {"label": measure.label, "about": measure.about, "arrow": ARROWS[measure.better], "cells": cells}


def _cell(figure: dict | None, *, signed: bool = False) -> dict[str, str] | None:
    if figure is None or figure["value"] is None:
        return None
    form = "+.2f" if signed else ".2f"
    form = form.replace(".2f", ".3f") if abs(figure["value"]) < 0.1 else form
    low, high = figure["low"], figure["high"]
    between = "" if low is None or high is None else f"{low:{form}} to {high:{form}}"
    return {"value": f"{figure['value']:{form}}", "range": between}


def _plain(value: Any) -> str:
    return ", ".join(f"{name} {told}" for name, told in value.items()) if isinstance(value, dict) else str(value)


def _png(figure) -> str:
    data = BytesIO()
    to_image(figure).save(data, "PNG", optimize=True)
    return _base64(data.getvalue())


def _poster(clip: Path) -> str:
    """The clip's middle frame: browsers show nothing of an embedded film before it plays."""
    frames, _ = media.read_video(clip)
    data = BytesIO()
    Image.fromarray(frames[len(frames) // 2]).save(data, "JPEG", quality=85)
    return _base64(data.getvalue())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
