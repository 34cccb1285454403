"""Which licences go with converted weights, in one short line and in full sentences."""

from __future__ import annotations

_SOURCES = (
    ("transformer", "Ovi", "chetwinlow1/Ovi", "Apache-2.0"),
    ("video_codec, text_encoder, tokenizer", "Wan2.2-TI2V-5B", "Wan-AI/Wan2.2-TI2V-5B", "Apache-2.0"),
)
_SOUND = ("audio_codec", "MMAudio (16 kHz VAE and vocoder)", "hkchengrex/MMAudio", "CC-BY-NC-4.0")


def weights_license(*, with_sound: bool) -> str:
    """The line that goes into the model index and into every clip made with the weights."""
    if with_sound:
        return (
            "Apache-2.0 (transformer, picture codec, text encoder); CC-BY-NC-4.0 (sound codec): non-commercial use only"
        )
    return "Apache-2.0"


def notice(*, with_sound: bool) -> str:
    """The licence file of a converted folder."""
    rows = [*_SOURCES, *([_SOUND] if with_sound else [])]
    table = "\n".join(f"| {part} | {name} | {hub} | {licence} |" for part, name, hub, licence in rows)
    sound = (
        "**The sound codec's weights are licensed for non-commercial use only** (CC-BY-NC 4.0, "
        "https://creativecommons.org/licenses/by-nc/4.0/). Clips made with this folder were made with them.\n"
        if with_sound
        else "There is no sound codec in this folder.\n"
    )
    return (
        "# Licences of these weights\n\n| part | from | hub | licence |\n|---|---|---|---|\n" + table + "\n\n"
        "Tensors were renamed and, where they were 8-bit floats, widened to bfloat16; nothing was trained.\n\n" + sound
    )
