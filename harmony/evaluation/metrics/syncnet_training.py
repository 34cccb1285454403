"""``python -m harmony.evaluation.metrics.syncnet_training``: train our own SyncNet on true clips of the tiny world.

A clip is in sync at one of 21 shifts; the network learns which. That is the published contrast between a true and a
shifted pair, asked of all shifts at once ("Perfect Match", Chung, Chung and Kang, 2019). Negatives come from the same
clip, so what is heard gives nothing away: only when it is heard counts.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor
from torch.nn import functional as F

from harmony.data.world import EVENT_KINDS
from harmony.evaluation.cases import FACES
from harmony.evaluation.examples import Examples, render_examples
from harmony.evaluation.metrics.syncnet import COLUMNS, WorldSyncNet
from harmony.evaluation.train import as_floats, shuffled, train_judge
from harmony.models.codecs.audio import MelAudioCodec
from harmony.models.codecs.video import PatchVideoCodec
from harmony.timeline import Timeline

KINDS = tuple(dict.fromkeys((*EVENT_KINDS, *FACES)))


def sync_loss(model: WorldSyncNet, examples: Examples, index: Tensor, generator: torch.Generator) -> Tensor:
    """Cross-entropy of the true shift. Each sound is moved by chance, within two frames of the farthest."""
    reach = model.config.max_shift
    shifts = torch.randint(2 - reach, reach - 1, (len(index),), generator=generator)
    sounds = moved(examples.sounds(index, generator), shifts.tolist(), samples=model.hop * COLUMNS)
    distances = model(examples.pictures(index, generator, size=model.config.size), sounds)
    return F.cross_entropy(-distances, shifts + reach)


def moved(waveform: Tensor, shifts: Sequence[int], *, samples: int) -> Tensor:
    """Each sound of (B, S) later by its shift (earlier where negative) times ``samples``; what leaves the clip is lost,
    silence comes in."""
    found = torch.zeros_like(waveform)
    length = waveform.shape[1]
    for row, shift in enumerate(shifts):
        by = shift * samples
        found[row, max(0, by) : length + min(0, by)] = waveform[row, max(0, -by) : length - max(0, by)]
    return found


def recovered(model: WorldSyncNet, examples: Examples, *, shift: int) -> list[int]:
    """What offset each true clip is found to have after its sound was moved by ``shift`` frames."""
    found: list[int] = []
    for rows in torch.arange(len(examples.kinds)).split(16):
        sounds = moved(examples.waveform[rows], [shift] * len(rows), samples=model.hop * COLUMNS)
        found += [score.offset for score in model.score(as_floats(examples.frames[rows]), sounds)]
    return found


def main(
    out: Annotated[Path, typer.Option(help="Folder for the weights.")] = Path("assets/judges/sync"),
    model: Annotated[Path, typer.Option(help="Folder with video_codec and audio_codec.")] = Path("assets/harmony-tiny"),
    clips: Annotated[int, typer.Option(help="True clips to learn from.")] = 3000,
    steps: Annotated[int, typer.Option(help="Training steps.")] = 1500,
    batch_size: Annotated[int, typer.Option(help="Clips a step.")] = 24,
    seed: Annotated[int, typer.Option(help="First scene seed.")] = 600_000_000,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
) -> None:
    """Train the SyncNet that judges generated clips."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    codecs = (
        PatchVideoCodec.from_pretrained(model / "video_codec").float().eval(),
        MelAudioCodec.from_pretrained(model / "audio_codec").float().eval(),
    )
    examples = render_examples(range(seed, seed + clips), Timeline(), kinds=KINDS).with_codecs(*codecs)
    held_out = render_examples(range(10 * len(KINDS)), Timeline(), split="val", kinds=KINDS)
    net = WorldSyncNet()
    start = time.monotonic()
    batches = shuffled(torch.arange(clips), batch_size, generator)
    loss = train_judge(net, batches, lambda m, i: sync_loss(m, examples, i, generator), steps=steps)
    typer.echo(f"loss {loss:.3f} after {steps} steps, {time.monotonic() - start:.0f} s")
    net.half().save_pretrained(out)
    net.float()
    for shift in (-8, -4, 0, 4, 8):
        near = [abs(k - shift) <= 1 for k in recovered(net, held_out, shift=shift)]
        typer.echo(f"moved by {shift:+d} frames: {sum(near) / len(near):.1%} found within one frame")


if __name__ == "__main__":
    typer.run(main)
