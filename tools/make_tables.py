"""Write the figures of ``benchmarks/results/harmony-tiny.json`` into README and model card, between their marks.

python tools/make_tables.py
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "harmony-tiny.json"
PAGES = (ROOT / "README.md", ROOT / "assets" / "harmony-tiny" / "README.md")
BEGIN, END = "<!-- figures -->", "<!-- /figures -->"
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
    ("the caption's scene is shown", "scene_accuracy", None, ""),
    ("the caption's colours, sizes, places are shown", "attribute_accuracy", None, ""),
    ("phrasings written by hand, never trained on", "unseen_phrasing_accuracy", None, ""),
    ("attention points at the sound's source", "attention_pointing", "attention_pointing_centre", ""),
    ("of two faces, attention finds the one that speaks", "active_speaker", None, ""),
    ("word errors: made clips", "wer_joint", None, ""),
    ("word errors: true clips through the codec", "wer_codec", None, ""),
    ("the reference's voice among five, with the reference", "voice_top1_of_5", "voice_top1_without", ""),
    ("seconds per clip, two cores, float32, guided", "seconds_guided_fp32", None, " s"),
    ("seconds per clip, unguided, in this machine's own precision", "seconds_unguided", None, " s"),
)


def main() -> None:
    figures = json.loads(RESULTS.read_text(encoding="utf-8"))["figures"]
    table = "\n".join(lines(figures))
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        marked = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
        if not marked.search(text):
            raise SystemExit(f"{page} has no {BEGIN} ... {END}")
        page.write_text(marked.sub(lambda _: f"{BEGIN}\n{table}\n{END}", text), encoding="utf-8")
        print(f"wrote {page}")


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
