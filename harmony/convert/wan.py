"""Wan2.2-TI2V-5B's transformer as the video stream of a model that is to be trained."""

from __future__ import annotations

from pathlib import Path

from harmony.adapters.source import Checkpoint
from harmony.adapters.transformer import Converted, convert_transformer, map_for, num_bytes_of
from harmony.convert.fetch import Say
from harmony.convert.staging import staged
from harmony.models.config import HarmonyConfig

FAMILIES = ("Wan2.2", "Wan2.2 (diffusers)")


def convert_wan(
    source: str | Path, out: str | Path, *, config: HarmonyConfig | None = None, seed: int = 0, say: Say = print
) -> Converted:
    """Write a transformer's folder: Wan2.2's video stream, and a fresh sound stream, interaction and style path.

    Args:
        source: folder, index or file of Wan2.2's transformer, in its own names or in diffusers'.
        out: the folder to write; it must not be there yet.
        config: of the model; the paper's where left out.
        seed: of what starts fresh.
        say: told what is being done.

    Raises:
        FileNotFoundError, WrongCheckpoint, CannotWrite: one sentence; nothing is left behind.
    """
    config = config or HarmonyConfig.paper()
    with Checkpoint(source) as checkpoint:
        map_for(checkpoint, config, expected=FAMILIES)
        with staged(Path(out), needs=num_bytes_of(checkpoint, config)) as folder:
            say("Video stream from Wan2.2; sound stream, interaction and style start fresh")
            return convert_transformer(checkpoint, folder, config, expected=FAMILIES, seed=seed)
