"""All measures by name, and taking them on one clip."""

from __future__ import annotations

import hashlib

from harmony.evaluation.figures import CannotMeasure
from harmony.evaluation.harmony_bench import anywhere, inside, outside
from harmony.evaluation.harmony_bench.meters import Parts, Taken, Tools

METERS = (*inside.METERS, *outside.METERS, *anywhere.METERS)
MEASURES = {measure.name: measure for meter in METERS for measure in meter.measures}


def measure_clip(tools: Tools, clip: Taken) -> tuple[dict[str, Parts], dict[str, str]]:
    """All measures that say something about the clip's case, and the reasons for those that cannot be taken."""
    found: dict[str, Parts] = {}
    missing: dict[str, str] = {}
    for meter in METERS:
        if not meter.fits(clip.case):
            continue
        names = [measure.name for measure in meter.measures]
        try:
            found |= dict(zip(names, meter.take(tools, clip), strict=True))
        except CannotMeasure as reason:
            missing |= dict.fromkeys(names, str(reason))
    return found, missing


def fingerprint(tools: Tools) -> str:
    """Of our own judges and of what is measured: what others found must not pass for what these would."""
    return hashlib.sha256(f"{tools.fingerprint} {' '.join(MEASURES)}".encode()).hexdigest()[:12]
