"""Write the figures of ``benchmarks/results/harmony-tiny.json`` into README and model card, between their marks, and
those of Harmony-Bench (``harmony-bench-tiny.json``) too. Figures that were measured later, or by better means, on the
same weights and requests in float32 (``harmony-tiny-float32.json``) take the place of the others.

python tools/make_tables.py
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "harmony-tiny.json"
LATER = ROOT / "benchmarks" / "results" / "harmony-tiny-float32.json"
TAKEN_FROM_LATER = (
    "count_exact", "count_within_one", "identity_last_frame", "attention_pointing", "attention_pointing_centre",
    "active_speaker",
)  # fmt: skip
BENCH = ROOT / "benchmarks" / "results" / "harmony-bench-tiny.json"
PAGES = (ROOT / "README.md", ROOT / "assets" / "harmony-tiny" / "README.md")
# What it is, its name, the name of what chance or a plain guess gives, a unit.
ROWS: tuple[tuple[str, str, str | None, str], ...] = (
    ("picture for a given sound: events seen at the true times (F1)", "a2v_f1", "a2v_f1_shuffled", ""),
    ("sound for a given picture, no caption: onsets heard at the true times (F1)", "v2a_f1", "v2a_f1_shuffled", ""),
    ("joint: onsets heard when events are seen (F1)", "joint_f1", "joint_f1_shuffled", ""),
    ("joint, without SyncCFG", "joint_f1_unguided", None, ""),
    ("what SyncCFG adds to the joint F1", "sync_gain", None, ""),
    ("true clips through the codecs (F1)", "codec_f1", None, ""),
    ("events seen per clip, against true clips", "events_ratio", None, ""),
    ("from a given first frame: joint F1", "i2v_joint_f1", None, ""),
    ("the first frame is kept", "first_frame_psnr", None, " dB"),
    ("faces: mouth opens with the voice, within a frame", "face_lag_hit", None, ""),
    ("two faces: each moves its mouth in its own turn", "turns_taken", None, ""),
    ("the caption's scene is shown", "scene_accuracy", None, ""),
    ("the caption's colours, sizes, places are shown", "attribute_accuracy", None, ""),
    ("a number in the caption: exactly so many sounds", "count_exact", None, ""),
    ("a number in the caption: one more or less at most", "count_within_one", None, ""),
    ("phrasings written by hand, never trained on", "unseen_phrasing_accuracy", None, ""),
    ("kind and colours are the same at the end", "identity_last_frame", None, ""),
    ("moving parts vary in area, against true clips", "shape_area", None, ""),
    ("moving parts vary in roundness, against true clips", "shape_roundness", None, ""),
    ("the place that is seen decides how a sound dies away (order of three)", "room_order", None, ""),
    ("attention points at the sound's source", "attention_pointing", "attention_pointing_centre", ""),
    ("of two faces, attention finds the one that speaks", "active_speaker", None, ""),
    ("word errors, own recogniser: made clips", "own_wer_joint", None, ""),
    ("word errors, own recogniser: true clips through the codec", "own_wer_codec", None, ""),
    ("Mandarin syllables that are right, own recogniser", "mandarin_syllables", None, ""),
    ("word errors, PocketSphinx: made clips", "wer_joint", None, ""),
    ("word errors, PocketSphinx: true clips through the codec", "wer_codec", None, ""),
    ("the reference's voice among five, with the reference", "voice_top1_of_5", "voice_top1_without", ""),
    ("seconds per clip, two cores, float32, guided", "seconds_guided_fp32", None, " s"),
    ("seconds per clip, unguided, in this machine's own precision", "seconds_unguided", None, " s"),
)
# Harmony-Bench's columns and rows: a set of clips or a measure, and how it is told.
SETS = (
    ("model", "the model"), ("plain", "without SyncCFG"), ("codecs", "true, through codecs"), ("true", "true"),
    ("shuffled", "true pictures, wrong sounds"),
)  # fmt: skip
MEASURES = (
    ("sync_c", "Sync-C"), ("desync", "DeSync, seconds"), ("event_f1", "events heard when seen (F1)"),
    ("lips", "mouth and voice (correlation)"), ("av_align", "AV-Align"), ("own_wer", "word errors, own recogniser"),
    ("voice", "voice like the reference"), ("dnsmos", "DNSMOS of speech"), ("scene", "scene shown"),
    ("attributes", "attributes shown"), ("sound_scene", "scene heard"), ("identity", "later frames like the first"),
    ("flicker", "flicker, 255ths"),
)  # fmt: skip


def main() -> None:
    figures, later = (json.loads(file.read_text(encoding="utf-8"))["figures"] for file in (RESULTS, LATER))
    figures |= {name: later[name] for name in TAKEN_FROM_LATER}
    for page in PAGES:
        put(page, "figures", lines(figures))
    put(PAGES[0], "bench", bench_lines(json.loads(BENCH.read_text(encoding="utf-8"))))


def put(page: Path, mark: str, table: list[str]) -> None:
    """Replace what stands between two marks of a page."""
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    text = page.read_text(encoding="utf-8")
    marked = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not marked.search(text):
        raise SystemExit(f"{page} has no {begin} ... {end}")
    body = "\n".join(table)
    page.write_text(marked.sub(lambda _: f"{begin}\n{body}\n{end}", text), encoding="utf-8")
    print(f"wrote {page}: {mark}")


def bench_lines(result: dict[str, Any]) -> list[str]:
    """Sets against measures, and the Fréchet distances."""
    sets = [(name, label) for name, label in SETS if name in result["sets"]]
    rows = ["| | " + " | ".join(label for _, label in sets) + " |", "|---" * (len(sets) + 1) + "|"]
    for measure, label in MEASURES:
        found = [result["sets"][name]["figures"]["all"].get(measure) for name, _ in sets]
        if any(found):
            rows.append(f"| {label} | " + " | ".join(told(figure, "") if figure else "" for figure in found) + " |")
    for stream in ("picture", "sound"):
        found = [result["sets"][name]["frechet"][stream] for name, _ in sets]
        rows.append(f"| Fréchet distance, {stream} | " + " | ".join(f"{value:.0f}" for value in found) + " |")
    return rows


def lines(figures: dict[str, Any]) -> list[str]:
    rows = ["| what | measured (95 % interval) | chance or plain guess |", "|---|---|---|"]
    for label, name, guess, unit in ROWS:
        if name in figures and figures[name].get("value") is not None:
            rows.append(f"| {label} | {told(figures[name], unit)} | {short(figures.get(guess))} |")
    return rows


def told(figure: dict[str, Any], unit: str) -> str:
    digits = 1 if unit else 2
    low, high = figure.get("low"), figure.get("high")
    span = f" [{low:.{digits}f}, {high:.{digits}f}]" if low is not None and high is not None else ""
    return f"{figure['value']:.{digits}f}{span}{unit}"


def short(figure: dict[str, Any] | None) -> str:
    return "" if not figure or figure.get("value") is None else f"{figure['value']:.2f}"


if __name__ == "__main__":
    main()
