"""Where public weights come from: a file or folder at hand, else the Hugging Face hub. Never more than is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

OVI_HUB = "chetwinlow1/Ovi"
WAN_HUB = "Wan-AI/Wan2.2-TI2V-5B-Diffusers"
MMAUDIO_HUB = "hkchengrex/MMAudio"
MMAUDIO_FILES = ("ext_weights/v1-16.pth", "ext_weights/best_netG.pt")
WAN_PARTS = ("vae", "text_encoder", "tokenizer")

Say = Callable[[str], None]


def fetch_ovi(source: str, file: str, *, say: Say) -> Path:
    """Ovi's transformer: a file or an index at hand, or ``file`` of a hub id.

    Raises:
        FileNotFoundError: neither a file nor a hub id.
    """
    if Path(source).exists():
        return Path(source)
    _check_hub_id(source)
    say(f"Fetching {file} from {source}")
    from huggingface_hub import hf_hub_download

    return Path(hf_hub_download(source, file))


def fetch_wan(source: str | None, *, say: Say) -> Path:
    """A folder with Wan2.2's ``vae``, ``text_encoder`` and ``tokenizer`` in diffusers' layout.

    Raises:
        FileNotFoundError: neither such a folder nor a hub id.
    """
    source = source or WAN_HUB
    if Path(source).is_dir():
        missing = [part for part in WAN_PARTS if not (Path(source) / part).is_dir()]
        if missing:
            raise FileNotFoundError(
                f"{source} has no {' and no '.join(missing)}; it must be Wan2.2 in diffusers' layout"
            )
        return Path(source)
    _check_hub_id(source)
    say(f"Fetching codec and text encoder from {source}")
    from huggingface_hub import snapshot_download

    kinds = ("*.json", "*.safetensors", "*.model", "*.txt")  # nothing that could hold code
    patterns = [f"{part}/{kind}" for part in WAN_PARTS for kind in kinds]
    return Path(snapshot_download(source, allow_patterns=patterns))


def fetch_mmaudio(*, say: Say) -> tuple[Path, Path]:
    """MMAudio's VAE and vocoder, 1.1 GB, CC-BY-NC 4.0; called only where a person has accepted that."""
    say(f"Fetching the sound codec from {MMAUDIO_HUB}")
    from huggingface_hub import hf_hub_download

    vae, vocoder = (Path(hf_hub_download(MMAUDIO_HUB, file)) for file in MMAUDIO_FILES)
    return vae, vocoder


def _check_hub_id(source: str) -> None:
    if source.count("/") != 1 or source.startswith((".", "/", "~")) or source.endswith(".safetensors"):
        raise FileNotFoundError(f"there is no file or folder '{source}', and it is no hub id (owner/name) either")
