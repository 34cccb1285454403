# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw voices at random and keep those that a recogniser understands; writes voices.json.

    python tools/speech/screen_voices.py

Takes about half an hour of one core; its result is committed, so nobody needs to run it again. Voices that are in
voices.json already are kept, and only what is missing is looked for.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
from espeak import Espeak, variant_folder, variants
from recognise import Recogniser
from synthesis import Recipe, synthesise
from waves import pitch_of
from words import ENGLISH, MANDARIN

VOICES = Path(__file__).with_name("voices.json")
QUOTAS = {
    "train": {"man": 24, "woman": 24, "child": 16},
    "val": {"man": 4, "woman": 4, "child": 2},
    "test": {"man": 6, "woman": 6, "child": 4},
}
# Pitch in Hz, and formants against the engine's adult male voice: drawn evenly, so that neither gives a voice away.
PITCHES = {"man": (80, 150), "woman": (165, 240), "child": (240, 315)}
FORMANTS = {"man": (0.88, 1.08), "woman": (1.0, 1.18), "child": (1.12, 1.3)}
_FACTORS = (0.86, 1.18)
_SHARES = {"train": 0.66, "val": 0.12, "test": 0.22}  # of the variants: held-out voices have timbres of their own
_UNDERSTOOD = {"man": 0.7, "woman": 0.7, "child": 0.65}  # share of words; the recogniser never heard children
_HEARD = ENGLISH[::2]  # every second word will do to judge a voice
_FIRST_LOOK = 16  # words after which hopeless voices are given up
_ADULT = 1.02  # the recogniser knows adults: smaller heads are played back at this size to it (as VTLN does)
_PER_VARIANT, _PATIENCE = 4, 4  # voices taken from one variant; failures for a kind after which it is given up
_ROUNDS = 12


def main() -> None:
    engine, recogniser = Espeak(), Recogniser(ENGLISH)
    voices = json.loads(VOICES.read_text()) if VOICES.exists() else []
    rng = Random(len(voices))
    for split, names in _deal(Random(7)).items():
        mine = [voice for voice in voices if voice["split"] == split]
        missing = Counter(QUOTAS[split])
        missing.subtract(voice["kind"] for voice in mine)
        used, failed = Counter(voice["recipe"]["variant"] for voice in mine), Counter()
        for _ in range(_ROUNDS):
            for variant in rng.sample(names, len(names)):
                wanted = [kind for kind in sorted(+missing) if failed[variant, kind] < _PATIENCE]
                if used[variant] >= _PER_VARIANT or not wanted:
                    continue
                kind = rng.choice(wanted)
                found = _try(engine, recogniser, rng, variant, kind)
                if not found:
                    failed[variant, kind] += 1
                else:
                    used[variant] += 1
                    missing[kind] -= 1
                    number = QUOTAS[split][kind] - missing[kind]
                    voices.append({"id": f"{split}-{kind}-{number:02d}", "split": split, "kind": kind} | found)
                    VOICES.write_text("[\n" + ",\n".join(json.dumps(voice) for voice in voices) + "\n]\n")
        print(f"{split}: missing {dict(+missing)}", flush=True)


def _deal(rng: Random) -> dict[str, list[str]]:
    """Share the engine's variants out among the splits."""
    names = [name for name in variants() if "whisper" not in name]
    names = rng.sample(names, len(names))
    first, second = round(_SHARES["train"] * len(names)), round((_SHARES["train"] + _SHARES["val"]) * len(names))
    return {"train": names[:first], "val": names[first:second], "test": names[second:]}


def _try(engine: Espeak, recogniser: Recogniser, rng: Random, variant: str, kind: str) -> dict | None:
    """Facts and recipe of a new voice, or None if the variant cannot have it or it is not understood."""
    own = formant_scale(variant)
    low, high = max(FORMANTS[kind][0], own * _FACTORS[0]), min(FORMANTS[kind][1], own * _FACTORS[1])
    pitch, formant = rng.uniform(*PITCHES[kind]), rng.uniform(low, high)
    if low > high:
        return None
    factor = round(formant / own, 3)
    recipe = Recipe(variant, 50, rng.randint(30, 80), rng.randint(155, 195), factor)
    try:
        recipe, pitch = _tuned(engine, recipe, pitch)
        for word in MANDARIN[:3]:
            synthesise(engine, recipe, word, "zh")
    except ValueError:
        return None
    if not PITCHES[kind][0] <= pitch <= PITCHES[kind][1]:
        return None
    heard = replace(recipe, factor=min(factor, _ADULT / own))
    waves = {word: synthesise(engine, heard, word, "en").wave for word in _HEARD}
    share = _share(recogniser, {word: waves[word] for word in _HEARD[:_FIRST_LOOK]})
    if share >= _UNDERSTOOD[kind] - 0.12:
        share = _share(recogniser, waves)
    print(f"{variant}: {kind}, {pitch:.0f} Hz, formants {formant:.2f}, understood {share:.2f}", flush=True)
    if share < _UNDERSTOOD[kind]:
        return None
    facts = {"pitch_hz": round(pitch, 1), "formant": round(formant, 3), "understood": round(share, 3)}
    return facts | {"recipe": vars(recipe)}


def _tuned(engine: Espeak, recipe: Recipe, target: float) -> tuple[Recipe, float]:
    """The recipe with the pitch parameter that comes nearest to ``target`` Hz, and the pitch it has.

    Raises:
        ValueError: if the voice is silent or has no pitch.
    """
    low, high, pitch = 0, 99, 0.0
    while low <= high:
        middle = (low + high) // 2
        recipe = replace(recipe, pitch=middle)
        pitch = pitch_of(np.concatenate([synthesise(engine, recipe, word, "en").wave for word in ENGLISH[:4]])) or 0.0
        if not pitch:
            raise ValueError("the voice has no pitch")
        if abs(pitch / target - 1) < 0.03:
            break
        low, high = (middle + 1, high) if pitch < target else (low, middle - 1)
    return recipe, pitch


def _share(recogniser: Recogniser, waves: dict[str, np.ndarray]) -> float:
    return float(np.mean(list(recogniser.understood(waves).values())))


def formant_scale(variant: str) -> float:
    """Mean of a variant's first three formants, 1 for the engine's plain voice."""
    percent = {1: 100.0, 2: 100.0, 3: 100.0}
    for line in (variant_folder() / variant).read_text(errors="ignore").splitlines():
        fields = line.split()
        if len(fields) > 2 and fields[0] == "formant" and fields[1] in "123":
            percent[int(fields[1])] = float(fields[2])
    return sum(percent.values()) / 300


if __name__ == "__main__":
    main()
