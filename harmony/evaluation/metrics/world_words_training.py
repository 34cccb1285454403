"""``python -m harmony.evaluation.metrics.world_words_training``: train the recogniser of the world's words.

It hears true clips of the training voices, with and without the sound codec and errors in its latents, in the rain too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor

from harmony.data.world import Split, Word, sample_scene
from harmony.data.world.base import scene_kind
from harmony.data.world.sound import finish
from harmony.data.world.speech import speech_bank
from harmony.evaluation.cases import FACES
from harmony.evaluation.examples import LATENT_ERROR, THROUGH_CODECS, recode_waveform, spoil_waveform
from harmony.evaluation.metrics.world_words import WorldRecogniser, recogniser_loss, spoken_at
from harmony.evaluation.train import shuffled, train_judge
from harmony.evaluation.words import word_errors
from harmony.models.codecs.audio import MelAudioCodec
from harmony.timeline import Timeline


@dataclass(frozen=True)
class Spoken:
    """Sounds (N, S), the same through the codec, and the words of each; ``language`` is "english" or "chinese"."""

    waveform: Tensor
    recoded: Tensor
    words: list[tuple[Word, ...]]
    language: list[str]

    def texts(self, row: int) -> list[str]:
        return [word.text for word in self.words[row]]


def spoken_examples(
    seeds: range, codec: MelAudioCodec, *, split: Split = "train", error: float = LATENT_ERROR
) -> Spoken:
    """Scenes of faces in turn in which somebody speaks, their sound alone."""
    timeline, generator = Timeline(), torch.Generator().manual_seed(seeds.start)
    scenes = [sample_scene(seed, kind=FACES[seed % len(FACES)], split=split) for seed in seeds]
    scenes = [scene for scene in scenes if scene.words]
    sounds = [scene_kind(s.kind).sound(s, timeline.num_samples, timeline.sample_rate) for s in scenes]
    waveform = torch.from_numpy(np.stack([finish(sound) for sound in sounds])).float()
    with torch.no_grad():
        recoded = torch.cat([recode_waveform(part, codec, generator, error=error) for part in waveform.split(16)])
    return Spoken(
        waveform, recoded, [scene.words for scene in scenes], [scene.attributes["language"] for scene in scenes]
    )


def spoken_loss(model: WorldRecogniser, spoken: Spoken, index: Tensor, generator: torch.Generator) -> Tensor:
    """Of a batch, some of it through the codec, each sound moved by up to a tenth of a second."""
    sounds = spoken.waveform[index]
    through = torch.rand(len(index), generator=generator) < THROUGH_CODECS
    sounds[through] = spoken.recoded[index[through]]
    said = [spoken_at(model, spoken.words[i], num_samples=sounds.shape[1]) for i in index.tolist()]
    shift = int(torch.randint(-5, 6, (), generator=generator))
    sounds, said = torch.roll(sounds, shift * model.hop, dims=1), torch.roll(torch.stack(said), shift, dims=1)
    return recogniser_loss(model, spoil_waveform(sounds, generator), said)


def error_rates(model: WorldRecogniser, spoken: Spoken) -> dict[str, float]:
    """Word error rates by language, on untouched sounds and after the codec."""
    found = {}
    for name, sounds in (("true", spoken.waveform), ("codec", spoken.recoded)):
        said = [words for part in sounds.split(32) for words in model.words(part)]
        for language in sorted(set(spoken.language)):
            rows = [k for k, own in enumerate(spoken.language) if own == language]
            errors = sum(word_errors(said[k], spoken.texts(k)) for k in rows)
            found[f"{language}, {name}"] = errors / sum(len(spoken.words[k]) for k in rows)
    return found


def batches_of(spoken: Spoken, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Rows of the examples, without end."""
    return shuffled(torch.arange(len(spoken.words)), size, generator)


def main(
    out: Annotated[Path, typer.Option(help="Folder for the weights.")] = Path("assets/judges/words"),
    model: Annotated[Path, typer.Option(help="Folder with audio_codec.")] = Path("assets/harmony-tiny"),
    clips: Annotated[int, typer.Option(help="Scenes to learn from.")] = 9000,
    steps: Annotated[int, typer.Option(help="Training steps.")] = 3000,
    batch_size: Annotated[int, typer.Option(help="Clips a step.")] = 32,
    seed: Annotated[int, typer.Option(help="First scene seed.")] = 700_000_000,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
) -> None:
    """Train the recogniser that judges what generated clips say."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    bank = speech_bank()
    if bank.name != "full":
        raise typer.BadParameter("the full speech bank is not here; make it with python tools/speech/make_bank.py")
    codec = MelAudioCodec.from_pretrained(model / "audio_codec").float().eval()
    spoken = spoken_examples(range(seed, seed + clips), codec)
    held_out = spoken_examples(range(600), codec, split="val", error=0.0)
    net = WorldRecogniser(vocabulary=[word for words in bank.languages.values() for word in words])
    start = time.monotonic()
    loss = train_judge(
        net, batches_of(spoken, batch_size, generator), lambda m, i: spoken_loss(m, spoken, i, generator), steps=steps
    )
    typer.echo(f"loss {loss:.3f} after {steps} steps of {len(spoken.words)} clips, {time.monotonic() - start:.0f} s")
    net.half().save_pretrained(out)
    for name, rate in error_rates(net.float(), held_out).items():
        typer.echo(f"word errors, {name}: {rate:.3f}")


if __name__ == "__main__":
    typer.run(main)
