"""Train the judges (event detectors, scene classifier) on true clips of the tiny world.

    python -m harmony.evaluation.train --out assets/judges --codecs assets/harmony-tiny

What they see is made in :mod:`harmony.evaluation.examples`. They learn from the training split only; their quality on
held-out clips is measured by ``harmony evaluate``, and printed here for the validation split.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor, nn
from torch.nn import functional as F

from harmony.data.world import EVENT_KINDS, KINDS
from harmony.evaluation.cases import FACES
from harmony.evaluation.classifier import SceneClassifier, classifier_loss
from harmony.evaluation.detectors import HeardEventDetector, SeenEventDetector, event_target
from harmony.evaluation.events import f1_by_kind, match_events
from harmony.evaluation.examples import Examples, render_examples
from harmony.evaluation.figures import by_kind
from harmony.evaluation.identity import glimpse_length, glimpse_starts, tells_identity
from harmony.evaluation.metrics.sound_classifier import SoundClassifier
from harmony.models.codecs.audio import MelAudioCodec
from harmony.models.codecs.video import PatchVideoCodec
from harmony.timeline import Timeline

# What a picture shows of an attribute's name, or of its last part ("bell_material"). Counts and tempo are not among
# them: the event detectors judge those.
VISIBLE = (
    "colour", "size", "material", "place", "position", "bar", "intensity", "sea",
    "style", "who", "skin", "hair", "hairstyle", "glasses", "shirt",
)  # fmt: skip


# What the judges learn from: faces three times as often, which have most of the attributes and most values of each.
TAUGHT = (*KINDS, *FACES, *FACES)


def train_judge(
    model: nn.Module, batches: Iterator, loss_of: Callable[..., Tensor], *, steps: int, lr: float = 2e-3
) -> float:
    """AdamW with a one-cycle learning rate; returns the mean loss of the last tenth."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.1)
    tail: list[float] = []
    model.train()
    for step in range(steps):
        loss = loss_of(model, next(batches))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step >= steps * 0.9:
            tail.append(float(loss.detach()))
        if (step + 1) % max(1, steps // 10) == 0:
            print(f"step {step + 1}: loss {float(loss.detach()):.3f}", flush=True)
    model.eval()
    return float(np.mean(tail))


def train_all(
    examples: Examples, *, steps: int, seed: int = 0, batch_size: int = 24, only: Sequence[str] | None = None
) -> dict[str, nn.Module]:
    """Train the judges, or only some, one after the other."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    timeline = Timeline(num_frames=examples.frames.shape[1])
    impacts = torch.tensor([i for i, kind in enumerate(examples.kinds) if kind in EVENT_KINDS])
    everything = torch.arange(len(examples.kinds))
    judges: dict[str, tuple[nn.Module, Tensor, Callable[..., Tensor]]] = {
        "seen": (SeenEventDetector(frame_rate=timeline.frame_rate), impacts, detector_loss),
        "heard": (HeardEventDetector(sample_rate=timeline.sample_rate), impacts, detector_loss),
        "scene": (SceneClassifier(classes=visible_classes(examples)), everything, scene_loss),
        "glimpse": (
            SceneClassifier(classes=identity_classes(examples), width=24, num_frames=4),
            everything,
            glimpse_loss,
        ),
        "sound": (SoundClassifier(kinds=sorted(set(examples.kinds))), everything, sound_loss),
    }
    judges = {name: judge for name, judge in judges.items() if name in (only or judges)}
    for name, (judge, clips, loss_of) in judges.items():
        start = time.monotonic()
        batches = shuffled(clips, batch_size, generator)
        loss = train_judge(judge, batches, lambda m, i, f=loss_of: f(m, examples, i, generator), steps=steps)
        print(f"{name}: loss {loss:.4f} after {steps} steps, {time.monotonic() - start:.0f} s", flush=True)
    return {name: judge for name, (judge, _, _) in judges.items()}


def detector_loss(model: nn.Module, examples: Examples, index: Tensor, generator: torch.Generator) -> Tensor:
    """Cross-entropy of every frame or column; events are rare, so they weigh three times as much."""
    if isinstance(model, SeenEventDetector):
        logits = model(examples.pictures(index, generator, size=model.size))
    else:
        logits = model(examples.sounds(index, generator))
    targets = [event_target(examples.times[i], logits.shape[1], rate=model.rate) for i in index.tolist()]
    return F.binary_cross_entropy_with_logits(logits, torch.stack(targets), pos_weight=torch.tensor(3.0))


def scene_loss(model: SceneClassifier, examples: Examples, index: Tensor, generator: torch.Generator) -> Tensor:
    looked_at = model.chosen_frames(examples.frames.shape[1])
    scores = model(examples.pictures(index, generator, size=model.size, frames=looked_at))
    return classifier_loss(scores, [examples.labels[i] for i in index.tolist()], model.config.classes)


def glimpse_loss(model: SceneClassifier, examples: Examples, index: Tensor, generator: torch.Generator) -> Tensor:
    """As the scene's, of one glimpse of each clip."""
    num_frames = examples.frames.shape[1]
    timeline, looked_at = Timeline(num_frames=num_frames), []
    for i in index.tolist():
        events = [timeline.frame_at(time) for time in examples.times[i]]
        starts = glimpse_starts(num_frames, examples.kinds[i], events)
        start = starts[int(torch.randint(len(starts), (1,), generator=generator))]
        looked_at.append(start + model.chosen_frames(glimpse_length(num_frames)))
    scores = model(examples.pictures(index, generator, size=model.size, frames=torch.stack(looked_at)))
    return classifier_loss(scores, [examples.labels[i] for i in index.tolist()], model.config.classes)


def sound_loss(model: SoundClassifier, examples: Examples, index: Tensor, generator: torch.Generator) -> Tensor:
    target = torch.tensor([model.config.kinds.index(examples.kinds[i]) for i in index.tolist()])
    return F.cross_entropy(model(examples.sounds(index, generator)), target)


def visible_classes(examples: Examples) -> dict[str, list[str]]:
    """The values that the kind and each visible attribute take in the examples."""
    told = {
        name for label in examples.labels for name in label if not name.startswith(("talker_", "first_", "second_"))
    }  # left or right again
    names = {name for name in told if name.rpartition("_")[2] in VISIBLE}
    values = {
        name: sorted({label[name] for label in examples.labels if name in label}) for name in ("kind", *sorted(names))
    }
    return {name: found for name, found in values.items() if len(found) > 1}


def identity_classes(examples: Examples) -> dict[str, list[str]]:
    """Of those, what must not change within a clip."""
    return {name: values for name, values in visible_classes(examples).items() if tells_identity(name)}


def quality(judges: dict[str, nn.Module], examples: Examples) -> dict[str, dict[str, float]]:
    """F1 of the detectors per kind and accuracy of every head, on untouched clips and, for the detectors, after the
    codecs if there are any. The judge of glimpses is shown the ends of clips, where not every lamp is lit."""
    rows = [i for i, kind in enumerate(examples.kinds) if kind in EVENT_KINDS]
    kinds, true = [examples.kinds[i] for i in rows], [examples.times[i] for i in rows]
    inputs = {"seen": ("seen", examples.frames), "heard": ("heard", examples.waveform)}
    if examples.recoded_frames is not None:
        inputs |= {
            "seen, codec": ("seen", examples.recoded_frames),
            "heard, codec": ("heard", examples.recoded_waveform),
        }
    scores = {}
    for name, (judge, given) in inputs.items():
        if judge not in judges:
            continue
        found = [times for part in given[rows].split(16) for times in judges[judge].events(as_floats(part))]
        scores[name] = f1_by_kind([match_events(f, t) for f, t in zip(found, true, strict=True)], kinds)
    if "sound" in judges:
        heard = [kind for part in examples.waveform.split(16) for kind in judges["sound"].predict(part)]
        scores["sound"] = by_kind([float(a == b) for a, b in zip(heard, examples.kinds, strict=True)], examples.kinds)
    whole, end = examples.frames, examples.frames[:, -glimpse_length(examples.frames.shape[1]) :]
    for name, frames in {"scene": whole, "glimpse": end}.items():
        if name in judges:
            scores[name] = _right_heads(judges[name], frames, examples.labels)
    return scores


def _right_heads(judge: SceneClassifier, frames: Tensor, labels: Sequence[dict[str, str]]) -> dict[str, float]:
    guesses = [guess for part in frames.split(16) for guess in judge.predict(as_floats(part))]
    pairs = list(zip(guesses, labels, strict=True))
    heads = {name: [guess[name] == label[name] for guess, label in pairs if name in label] for name in guesses[0]}
    return {name: float(np.mean(right)) for name, right in heads.items() if right}


def as_floats(given: Tensor) -> Tensor:
    """uint8 pictures in [0, 1]; sound as it is."""
    return given.float() / 255 if given.dtype == torch.uint8 else given


def shuffled(clips: Tensor, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Batches of clips without end, every clip once an epoch."""
    while True:
        for order in torch.randperm(len(clips), generator=generator).split(batch_size):
            yield clips[order]


def main(
    out: Annotated[Path, typer.Option(help="Folder for the judges' weights.")],
    codecs: Annotated[
        Path | None, typer.Option(help="Folder with video_codec and audio_codec, such as a checkpoint.")
    ] = None,
    clips: Annotated[int, typer.Option(help="True clips to learn from.")] = 3000,
    steps: Annotated[int, typer.Option(help="Training steps of each judge.")] = 1500,
    seed: Annotated[int, typer.Option(help="First scene seed.")] = 500_000_000,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
    only: Annotated[list[str] | None, typer.Option(help="Only these: seen, heard, scene, glimpse, sound.")] = None,
) -> None:
    """Train the event detectors and the classifiers of pictures and sounds that judge generated clips."""
    torch.set_num_threads(threads)
    examples = render_examples(range(seed, seed + clips), Timeline(), kinds=TAUGHT)
    held_out = render_examples(range(10 * len(KINDS)), Timeline(), split="val")
    if codecs is not None:
        pair = (
            PatchVideoCodec.from_pretrained(codecs / "video_codec").float().eval(),
            MelAudioCodec.from_pretrained(codecs / "audio_codec").float().eval(),
        )
        examples, held_out = examples.with_codecs(*pair), held_out.with_codecs(*pair, error=0.0)
    judges = train_all(examples, steps=steps, only=only)
    for name, judge in judges.items():
        judge.half().save_pretrained(out / name)
    for name, scores in quality({name: judge.float() for name, judge in judges.items()}, held_out).items():
        print(f"{name}: " + ", ".join(f"{key} {value:.2f}" for key, value in scores.items()))


if __name__ == "__main__":
    typer.run(main)
