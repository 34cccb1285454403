"""What ``harmony evaluate`` measures, group by group, and the file that holds the figures."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from harmony.evaluation import content_groups, sync_groups
from harmony.evaluation.bench import Bench
from harmony.evaluation.cases import FACES, IMPACTS, fingerprint
from harmony.evaluation.counting import counting
from harmony.evaluation.figures import CannotMeasure, Figure
from harmony.evaluation.identity import identity
from harmony.evaluation.rooms import rooms

Group = tuple[Callable[[Bench], dict[str, Figure | str]], tuple[str, ...]]

# name -> what measures it, and the figures that it gives
GROUPS: dict[str, Group] = {
    "detectors": (sync_groups.detectors, ("detector_f1_seen", "detector_f1_heard", "codec_f1")),
    "driven": (sync_groups.driven, ("a2v_f1", "a2v_f1_shuffled", "v2a_f1", "v2a_f1_shuffled")),
    "joint": (
        sync_groups.joint,
        ("joint_f1", "joint_f1_unguided", "joint_f1_shuffled", "sync_gain", "sync_gain_low", "sync_gain_low_matched",
         "events_ratio"),
    ),
    "counting": (
        counting, ("count_exact", "count_exact_unguided", "count_within_one", "count_within_one_unguided"),
    ),
    "first_frame": (sync_groups.first_frame, ("first_frame_psnr", "i2v_joint_f1")),
    "faces": (sync_groups.faces, ("face_lag_hit", "face_correlation")),
    "turns": (sync_groups.turns, ("turns_taken",)),
    "captions": (content_groups.captions, ("scene_accuracy", "attribute_accuracy")),
    "identity": (identity, ("identity_last_frame",)),
    "shape": (content_groups.shape, ("shape_area", "shape_roundness")),
    "phrasings": (content_groups.phrasings, ("unseen_phrasing_accuracy",)),
    "attention": (content_groups.attention, ("attention_pointing", "attention_pointing_centre")),
    "active_speaker": (content_groups.active_speaker, ("active_speaker",)),
    "words": (content_groups.words, ("wer_joint", "wer_codec", "wer_true")),
    "own_words": (
        content_groups.own_words, ("own_wer_joint", "own_wer_codec", "own_wer_true", "mandarin_syllables"),
    ),
    "voices": (content_groups.voices, ("voice_top1_of_5", "voice_top1_without")),
    "rooms": (rooms, ("room_order",)),
    "sheet": (content_groups.sheet, ()),
    "speed": (content_groups.speed, ("seconds_guided", "seconds_unguided", "seconds_guided_fp32", "share_of_peak")),
}  # fmt: skip

_PACKAGES = ("torch", "diffusers", "numpy", "pocketsphinx", "resemblyzer")


def run(bench: Bench, *, groups: Sequence[str] = tuple(GROUPS), out: Path) -> dict[str, Figure | str]:
    """Measure the named groups and write them, with everything needed to measure them again, to ``out``.

    The file is written after every group, and figures of other groups that it already holds stay, if they are of the
    same model and requests. A figure that cannot be measured here is listed with the reason.

    Returns:
        Each figure by its name, or the reason why it is missing.
    """
    results: dict[str, Figure | str] = {}
    for group in groups:
        measure, names = GROUPS[group]
        try:
            results |= measure(bench)
        except CannotMeasure as reason:
            results |= dict.fromkeys(names, str(reason))
        write(results, bench, out)
    return results


def write(results: Mapping[str, Figure | str], bench: Bench, out: Path) -> None:
    """Put figures, and reasons for missing ones, into the file."""
    record = describe(bench)
    figures, missing = _earlier(out, record)
    for name, result in results.items():
        figures.pop(name, None), missing.pop(name, None)
        if isinstance(result, Figure):
            figures[name] = result.to_dict()
        else:
            missing[name] = result
    record |= {"figures": figures} | ({"not_measured": missing} if missing else {})
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def describe(bench: Bench) -> dict:
    """What the figures depend on."""
    return {
        # Figures of several calls stand in one file: which groups a call asked for, and where to, is left out.
        "command": f"harmony evaluate --per-kind {bench.per_kind} --batch-size {bench.batch_size}"
        + "".join(f" --kind {kind}" for kind in bench.kinds if set(bench.kinds) != set(IMPACTS + FACES)),
        "model": bench.pipe.model_id,
        "weights_and_guidance": bench.model_fingerprint,
        "precision": bench.pipe.precision,
        "guidance": json.loads(bench.pipe.guidance.to_json()),
        "requests": {
            "per_kind": bench.per_kind,
            "events": len(bench.cases),
            "faces": len(bench.face_cases),
            "seeds": f"scene and noise seeds 0 to {bench.per_kind - 1} of each kind, test split",
            "scenes": fingerprint([*bench.cases, *bench.face_cases]),
        },
        "versions": versions(_PACKAGES) | {"python": platform.python_version()},
        "threads": torch.get_num_threads(),
    }


def _earlier(out: Path, record: dict) -> tuple[dict, dict]:
    """Figures and missing ones of an earlier run on the same model and requests."""
    if not out.is_file():
        return {}, {}
    old = json.loads(out.read_text(encoding="utf-8"))
    same = all(old.get(key) == record[key] for key in ("weights_and_guidance", "requests"))
    return (old.get("figures", {}), old.get("not_measured", {})) if same else ({}, {})


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Of those packages that are installed."""
    return {name: found for name in packages if (found := _version(name))}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
