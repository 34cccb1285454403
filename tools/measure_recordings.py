"""How the shipped model follows real recordings: drum loops as a drum, a human voice as a face. None of them was ever
part of a training.

    apt install sonic-pi-samples asterisk-core-sounds-en-g722
    python tools/measure_recordings.py

Onsets are librosa's, strokes are those that the judge sees. A face is drawn from the first picture of a held-out scene,
so that one knows where its mouth is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from librosa.onset import onset_detect

from harmony import HarmonyPipeline, media
from harmony.batch import generate_batch
from harmony.data.world import render, sample_scene
from harmony.evaluation.bench import Judges
from harmony.evaluation.clips import as_judged, as_video
from harmony.evaluation.events import match_events
from harmony.evaluation.faces import lip_sync, mouth_opening, voice_energy
from harmony.evaluation.figures import figure_of, ratio_figure

RATE = 16_000
LOOPS = (
    "loop_amen_full", "loop_breakbeat", "loop_compus", "loop_electric", "loop_garzul", "loop_mehackit1",
    "loop_mehackit2", "loop_mika", "loop_perc1", "loop_perc2", "loop_safari", "loop_tabla", "loop_weirdo",
)  # fmt: skip
SHORTEST, MOST_PROMPTS = 1.2, 16  # seconds of a prompt that is used, and prompts in all
APART = 0.14  # seconds: the world plays no faster, so onsets nearer than that are one stroke


def main(
    loops: Annotated[Path, typer.Option(help="Folder of Sonic Pi's samples.")] = Path("/usr/share/sonic-pi/samples"),
    prompts: Annotated[Path, typer.Option(help="Folder of Asterisk's prompts.")] = Path(
        "/usr/share/asterisk/sounds/en_US_f_Allison"
    ),
    model: Annotated[str, typer.Option(help="Checkpoint.")] = "assets/harmony-tiny",
    out: Annotated[Path, typer.Option(help="Where the figures go.")] = Path("benchmarks/results/recordings.json"),
) -> None:
    pipe, judges = HarmonyPipeline.from_pretrained(model, precision="auto"), Judges.load()
    pipe.set_progress_bar_config(disable=True)
    record = {
        "command": "python tools/measure_recordings.py",
        "sounds": "Sonic Pi's loops (CC0), Asterisk's prompts spoken by Allison Smith (CC-BY-SA 3.0)",
        "precision": pipe.precision,
        "drum_loops": drum_loops(pipe, judges, loops),
        "human_voice": human_voice(pipe, prompts),
    }
    out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(record, indent=2))


def drum_loops(pipe: HarmonyPipeline, judges: Judges, folder: Path) -> dict:
    """Strokes seen against onsets of the loop; beside it the strokes of one loop with the onsets of the next."""
    sounds = [(name, *part) for name in LOOPS for part in windows(folder / f"{name}.flac", pipe.timeline.duration)]
    wishes = [dict(prompt="a big red drum", audio=(wave, RATE), seed=seed) for seed, (_, _, wave) in enumerate(sounds)]
    clips = made(pipe, wishes)
    seen = [judges.seen.events(as_video(as_judged(clip)[None]))[0] for clip in clips]
    heard = [onsets(wave) for *_, wave in sounds]
    figures = {"f1": counts_figure(seen, heard), "f1_shuffled": counts_figure(seen, [*heard[1:], heard[0]])}
    offsets = [o for s, h in zip(seen, heard, strict=True) for o in match_events(s, h).offsets]
    by_loop = {name: round(f1_of(seen, heard, [n == name for n, *_ in sounds]), 3) for name in LOOPS}
    return {k: f.to_dict() for k, f in figures.items()} | {
        "median_offset_ms": round(1000 * float(np.median(np.abs(offsets)))), "by_loop": by_loop,
    }  # fmt: skip


def human_voice(pipe: HarmonyPipeline, folder: Path) -> dict:
    """The lag at which mouth and voice agree best; beside it the same mouths with the next prompt's voice."""
    longest = pipe.timeline.duration
    voices = []
    for file in sorted(folder.glob("*.g722")):
        wave, _ = media.read_audio(file, sample_rate=RATE)
        if SHORTEST <= len(wave) / RATE <= longest:
            voices.append(wave)
    voices = voices[:: max(1, len(voices) // MOST_PROMPTS)][:MOST_PROMPTS]
    scenes = (sample_scene(seed, kind="face", split="test") for seed in range(600, 999))
    faces = [render(s, pipe.timeline.with_seconds(s.duration)) for s in scenes if s.words][: len(voices)]
    length = pipe.timeline.num_samples
    padded = [np.pad(wave, (0, length - len(wave))) for wave in voices]
    wishes = [
        dict(prompt="a woman is talking", audio=(wave, RATE), image=face.frames[0], seed=seed)
        for seed, (wave, face) in enumerate(zip(padded, faces, strict=True))
    ]
    mouths = [face.source_masks[face.scene.words[0].source].any(0) for face in faces]
    openings = [mouth_opening(as_judged(clip), mouth) for clip, mouth in zip(made(pipe, wishes), mouths, strict=True)]
    clock = dict(sample_rate=RATE, frame_rate=pipe.timeline.frame_rate, num_frames=len(openings[0]))
    energies = [voice_energy(wave, **clock) for wave in padded]
    pairs = {"own": energies, "shuffled": [*energies[1:], energies[0]]}
    found = {name: [lip_sync(o, e) for o, e in zip(openings, with_, strict=True)] for name, with_ in pairs.items()}
    return {
        "lag_within_a_frame": figure_of([float(abs(r.best_lag) <= 1) for r in found["own"]]).to_dict(),
        "correlation": figure_of([r.correlation for r in found["own"]]).to_dict(),
        "correlation_shuffled": figure_of([r.correlation for r in found["shuffled"]]).to_dict(),
        "median_lag_ms": round(1000 * float(np.median([r.best_lag for r in found["own"]])) / clock["frame_rate"]),
    }


def windows(file: Path, seconds: float) -> list[tuple[float, np.ndarray]]:
    """Up to two parts of a loop, each as long as a clip, with silence after a loop that is shorter."""
    wave, _ = media.read_audio(file, sample_rate=RATE)
    length = round(seconds * RATE)
    starts = [0] if len(wave) < 2 * length else [0, length]
    return [(s / RATE, np.pad(wave[s : s + length], (0, max(0, length - len(wave) + s)))) for s in starts]


def onsets(wave: np.ndarray) -> list[float]:
    """Seconds at which strokes begin; the first of several that come faster than the world plays."""
    times: list[float] = []
    for time in onset_detect(y=wave, sr=RATE, units="time", hop_length=128):
        if not times or time - times[-1] >= APART:
            times.append(float(time))
    return times


def made(pipe: HarmonyPipeline, wishes: Sequence[dict], *, batch_size: int = 8) -> list[np.ndarray]:
    """The frames of each wish's clip."""
    batches = [wishes[k : k + batch_size] for k in range(0, len(wishes), batch_size)]
    return [clip.frames for batch in batches for clip in generate_batch(pipe, batch)]


def counts_figure(seen: Sequence[Sequence[float]], heard: Sequence[Sequence[float]]):
    counts = [match_events(s, h) for s, h in zip(seen, heard, strict=True)]
    return ratio_figure([2 * c.hits for c in counts], [c.found + c.true for c in counts])


def f1_of(seen: Sequence, heard: Sequence, chosen: Sequence[bool]) -> float:
    pairs = [(s, h) for s, h, take in zip(seen, heard, chosen, strict=True) if take]
    return counts_figure(*zip(*pairs, strict=True)).value


if __name__ == "__main__":
    typer.run(main)
