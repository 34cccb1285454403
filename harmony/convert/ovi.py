"""Ovi's released files as a folder that :meth:`HarmonyPipeline.from_pretrained` opens, and back to Ovi's names."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from diffusers import UniPCMultistepScheduler
from diffusers import __version__ as diffusers_version

from harmony.abilities import RAW_OVI
from harmony.adapters.source import Checkpoint
from harmony.adapters.transformer import Converted, config_of, convert_transformer, export_ovi, map_for, num_bytes_of
from harmony.convert.fetch import Say, fetch_mmaudio, fetch_ovi, fetch_wan
from harmony.convert.licenses import notice, weights_license
from harmony.convert.parts import convert_mmaudio, convert_text_encoder, convert_wan_codec
from harmony.convert.staging import CannotWrite, staged
from harmony.guidance import GuidanceConfig
from harmony.models.config import HarmonyConfig
from harmony.models.transcript import TranscriptEncoder
from harmony.prompts import FamilyName

TRANSCRIPT_DIM, TRANSCRIPT_BLOCKS = 512, 4  # F5-TTS' text side


@dataclass(frozen=True)
class Release:
    """What Ovi's released files differ in."""

    file: str
    prompts: FamilyName
    num_frames: int
    height: int
    width: int


RELEASES: dict[str, Release] = {
    "720x720_5s": Release("model.safetensors", "ovi-720", 121, 512, 992),
    "960x960_5s": Release("model_960x960.safetensors", "ovi-960", 121, 704, 1280),
    "960x960_10s": Release("model_960x960_10s.safetensors", "ovi-960", 241, 704, 1280),
}
DEFAULT_RELEASE = "720x720_5s"  # the 8-bit file is of this one too


def release_of(source: str, name: str | None) -> Release:
    """The release that is meant: by name, else by the file's name, else the 720 model.

    Raises:
        ValueError: for a name that there is not.
    """
    if name is not None and name not in RELEASES:
        raise ValueError(f"there is no Ovi release '{name}'; choose {', '.join(RELEASES)}")
    by_file = {release.file: release for release in RELEASES.values()}
    return RELEASES[name] if name else by_file.get(Path(source).name, RELEASES[DEFAULT_RELEASE])


def training_config(**changes) -> HarmonyConfig:
    """Ovi grown into full Harmony: the same output until it is trained, with room for what Ovi lacks.

    Projections of its own for the interaction, a transcript, Global Style Alignment, and each stream's view of the
    other's time.
    """
    grown = dict(
        share_text_qo=False, transcript_dim=TRANSCRIPT_DIM, style=True, cross_timestep=True,
        zero_init_interaction=True, reference_form="prepended",
    )  # fmt: skip
    return HarmonyConfig.ovi(**grown | changes)


def convert_ovi(
    source: str,
    out: str | Path,
    *,
    release: str | None = None,
    wan: str | None = None,
    accept_noncommercial: bool = False,
    mmaudio: tuple[Path, Path] | None = None,
    config: HarmonyConfig | None = None,
    say: Say = print,
) -> Converted:
    """Write a pipeline's folder from Ovi's released files.

    Args:
        source: Ovi's safetensors file (bf16, or 8-bit floats), or its hub id.
        out: the folder to write; it must not be there yet.
        release: one of :data:`RELEASES`, where the file's name does not tell.
        wan: folder or hub id of Wan2.2-TI2V-5B in diffusers' layout; lends codec, text encoder and tokenizer.
        accept_noncommercial: fetch MMAudio's sound codec, whose weights are CC-BY-NC 4.0. Without it the folder has
            no sound codec.
        mmaudio: its two files (VAE, vocoder), where they are at hand.
        config: of the transformer: the released layout, or :func:`training_config`.
        say: told what is being done.

    Raises:
        FileNotFoundError, WrongCheckpoint, CannotWrite, ValueError: one sentence; nothing is left behind.
    """
    if mmaudio and not accept_noncommercial:
        raise ValueError("MMAudio's weights are CC-BY-NC 4.0; add --accept-noncommercial if you use them within that")
    chosen, config = release_of(source, release), config or HarmonyConfig.ovi()
    file, wan_folder = fetch_ovi(source, chosen.file, say=say), fetch_wan(wan, say=say)
    with Checkpoint(file) as checkpoint:
        map_for(checkpoint, config, expected=("Ovi",))  # wrong files are told before anything is written
        with staged(Path(out), needs=num_bytes_of(checkpoint, config)) as folder:
            say(f"Transformer: {file.name}")
            report = convert_transformer(checkpoint, folder / "transformer", config)
            convert_text_encoder(wan_folder, folder, say=say)
            convert_wan_codec(wan_folder, folder, say=say)
            if accept_noncommercial:
                convert_mmaudio(mmaudio or fetch_mmaudio(say=say), folder, say=say)
            if config.transcript_dim:
                encoder = TranscriptEncoder(dim=config.transcript_dim, num_blocks=TRANSCRIPT_BLOCKS)
                encoder.save_pretrained(folder / "transcript_encoder")
            write_index(folder, chosen, with_sound=accept_noncommercial, with_transcript=config.transcript_dim > 0)
    return report


def write_index(folder: Path, release: Release, *, with_sound: bool, with_transcript: bool = False) -> None:
    """``model_index.json``, scheduler, guidance defaults and licences."""
    index = {
        "_class_name": "HarmonyPipeline",
        "_diffusers_version": diffusers_version,
        "transformer": ["harmony", "HarmonyTransformer"],
        "text_encoder": ["transformers", "UMT5EncoderModel"],
        "tokenizer": ["transformers", "T5TokenizerFast"],
        "transcript_encoder": ["harmony", "TranscriptEncoder"] if with_transcript else [None, None],
        "video_codec": ["harmony", "WanVideoCodec"],
        "audio_codec": ["harmony", "MMAudioCodec"] if with_sound else [None, None],
        "scheduler": ["diffusers", "UniPCMultistepScheduler"],
        "num_frames": release.num_frames,
        "max_num_frames": release.num_frames,
        "height": release.height,
        "width": release.width,
        "license": weights_license(with_sound=with_sound),
        "prompt_family": release.prompts,
        "trained_for": list(RAW_OVI),
    }
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=1.0)
    scheduler.save_pretrained(folder / "scheduler")
    GuidanceConfig.ovi().save(folder)
    (folder / "LICENSE.md").write_text(notice(with_sound=with_sound), encoding="utf-8")


def convert_to_ovi(folder: str | Path, file: str | Path) -> int:
    """Write a pipeline's (or a transformer's) folder as one file in Ovi's names; returns how many tensors it has.

    Raises:
        FileNotFoundError, WrongCheckpoint, CannotWrite: one sentence, e.g. where Ovi has no place for a part.
    """
    folder, file = Path(folder), Path(file)
    if file.exists():
        raise CannotWrite(f"{file} is there already; choose another name")
    transformer = folder / "transformer" if (folder / "transformer").is_dir() else folder
    unfinished = file.with_name(f".{file.name}.unfinished")
    try:
        with Checkpoint(transformer) as source:
            count = export_ovi(source, unfinished, config_of(transformer))
        unfinished.rename(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return count
