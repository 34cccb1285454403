# SPDX-License-Identifier: GPL-3.0-or-later
"""Synthesise the speech bank: every voice of voices.json says every word.

    python tools/speech/make_bank.py                      the full bank, to $HARMONY_CACHE/speech
    python tools/speech/make_bank.py --variations 3       and three more voices like each training voice: a model that
                                                          hears many learns to follow a reference it never heard
    python tools/speech/make_bank.py --mini --out assets/speech-mini

The format is described in harmony/data/world/speech.py, which reads it.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Sequence
from multiprocessing import get_context
from pathlib import Path
from random import Random

import numpy as np
import soundfile
from espeak import Espeak
from pypinyin import Style, lazy_pinyin
from synthesis import Recipe, synthesise
from waves import RATE
from words import ENGLISH, MANDARIN, MINI_ENGLISH, MINI_MANDARIN

_GAP = 160  # silent samples between words
_SOURCE = "espeak-ng 1.52 through espeakng-loader; see tools/speech"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="folder; default: speech in $HARMONY_CACHE or ~/.cache/harmony")
    parser.add_argument("--voices", type=Path, default=Path(__file__).with_name("voices.json"))
    parser.add_argument("--mini", action="store_true", help="a few words of one voice per kind and split, in one file")
    parser.add_argument("--variations", type=int, default=0, help="further voices around each training voice")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    home = Path(os.environ.get("HARMONY_CACHE") or Path.home() / ".cache" / "harmony")
    folder = options.out or home / "speech"
    folder.mkdir(parents=True, exist_ok=True)
    voices = json.loads(options.voices.read_text())
    if options.mini:
        voices = [voice for voice in voices if voice["id"].endswith("-01")]
    trained = [voice for voice in voices if voice["split"] == "train"]
    voices += [vary(voice, number) for voice in trained for number in range(1, options.variations + 1)]
    words = {
        "en": MINI_ENGLISH if options.mini else ENGLISH,
        "zh": MINI_MANDARIN if options.mini else MANDARIN,
    }
    # A fresh process per voice: the engine's noise depends on what it said before.
    with get_context("fork").Pool(options.workers, maxtasksperchild=1) as pool:
        spoken = pool.map(say_all, voices, chunksize=1)
    entries = _write_sounds(folder, voices, spoken, words, one_file=options.mini)
    index = {
        "format": 1,
        "name": "mini" if options.mini else "full",
        "sample_rate": RATE,
        "source": _SOURCE,
        "languages": {"en": list(words["en"]), "zh": {word: _pinyin(word) for word in words["zh"]}},
        "voices": entries,
    }
    (folder / "index.json").write_text(_compact(index), encoding="utf-8")
    seconds = sum((w[1] - w[0]) / RATE for voice in entries for w in voice["words"].values())
    print(f"{len(entries)} voices, {seconds / 60:.1f} minutes of words, written to {folder}")


def vary(voice: dict, number: int) -> dict:
    """A voice of the same kind near ``voice``: higher or lower, with a larger or smaller head, slower or faster.

    Its facts are those that the recipe implies; nobody asked a recogniser whether it is as well understood.
    """
    rng = Random(f"{voice['id']}-{number}")
    recipe = dict(voice["recipe"])
    size = rng.uniform(0.92, 1.08)
    recipe["factor"] = round(recipe["factor"] * size, 3)
    recipe["pitch"] = min(max(recipe["pitch"] + rng.randint(-18, 18), 0), 99)
    recipe["pitch_range"] = rng.randint(30, 80)
    recipe["rate"] = rng.randint(155, 195)
    facts = {"formant": round(voice["formant"] * size, 3), "pitch_hz": round(voice["pitch_hz"] * size, 1)}
    return voice | facts | {"id": f"{voice['id']}-{number}", "recipe": recipe}


def say_all(voice: dict) -> dict[str, tuple[np.ndarray, list[tuple[str, int]]]]:
    """All words of one voice: int16 samples and phonemes.

    The mini bank's words are said by the same run, so that both banks hold the same samples.
    """
    engine, recipe = Espeak(), Recipe(**voice["recipe"])
    said = {}
    for language, words in (("en", ENGLISH), ("zh", MANDARIN)):
        for text in words:
            word = synthesise(engine, recipe, text, language)
            said[text] = (np.round(word.wave * 32767).astype(np.int16), word.phonemes)
    return said


def _write_sounds(
    folder: Path, voices: Sequence[dict], spoken: Iterable[dict], words: dict, *, one_file: bool
) -> list[dict]:
    """FLAC files, one per voice or one for all; returns the voices' entries of the index."""
    entries, chunks, position = [], [], 0
    for voice, said in zip(voices, spoken, strict=True):
        if not one_file:
            chunks, position = [], 0
        file = "words.flac" if one_file else f"{voice['id']}.flac"
        entry = {key: voice[key] for key in ("id", "split", "kind", "pitch_hz", "formant", "understood")}
        entry |= {"file": file, "words": {}}
        for text in (*words["en"], *words["zh"]):
            samples, phonemes = said[text]
            entry["words"][text] = [position, position + len(samples), phonemes]
            chunks += [samples, np.zeros(_GAP, np.int16)]
            position += len(samples) + _GAP
        entries.append(entry)
        if not one_file:
            soundfile.write(folder / file, np.concatenate(chunks), RATE, subtype="PCM_16")
    if one_file:
        soundfile.write(folder / "words.flac", np.concatenate(chunks), RATE, subtype="PCM_16")
    return entries


def _pinyin(word: str) -> str:
    return "".join(lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True))


def _compact(index: dict) -> str:
    """JSON with one line a voice."""
    head = {key: value for key, value in index.items() if key != "voices"}
    lines = ",\n".join(json.dumps(voice, ensure_ascii=False) for voice in index["voices"])
    return json.dumps(head, ensure_ascii=False)[:-1] + ', "voices": [\n' + lines + "\n]}\n"


if __name__ == "__main__":
    main()
