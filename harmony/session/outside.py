"""Kind words where somebody's picture comes from outside the world that a small model knows.

The small model's picture codec was fitted to that world, so what it cannot hold is foreign. Measured: 240 first
pictures of the world come back with 31.4 dB or more, five photographs with 22 to 24 dB, a sixth (smooth, one animal)
with 30.1. The sound codec tells nothing of the kind: of nine recordings of speech and music most come back like the
world's own. Nor does a network that names the world's sounds: it is as sure of a tune. So a given sound is not called
foreign, but people read what it is taken for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from harmony.pipeline import HarmonyPipeline

PICTURE_DB = 30.5
_PICTURE = "Your picture is not from the toy world that this model knows, so the clip may not go on from it."
_SOUND = "This model knows its toy world alone; to it your sound is most like this: {kind}."
_FILM = "Your film is not from the toy world that this model knows, so the sound may not fit it."


def outside_words(pipe: HarmonyPipeline, files: Mapping[str, Any]) -> tuple[str, ...]:
    """A sentence about each upload that is foreign to the model, and what a sound is taken for; none for models of the
    real world.

    Args:
        files: what the pipeline is called with: ``image`` uint8 (H, W, 3), ``video`` (frames, rate), ``audio``
            (waveform, rate); others are not looked at.
    """
    from harmony.models.codecs.video import PatchVideoCodec

    if not isinstance(pipe.video_codec, PatchVideoCodec):
        return ()
    found = []
    if "image" in files and picture_fidelity(pipe, files["image"]) < PICTURE_DB:
        found.append(_PICTURE)
    if "video" in files and picture_fidelity(pipe, files["video"][0][0]) < PICTURE_DB:
        found.append(_FILM)
    if "audio" in files and (kind := sound_kind(*files["audio"])):
        found.append(_SOUND.format(kind=kind))
    return tuple(found)


def sound_kind(waveform: np.ndarray, sample_rate: int) -> str | None:
    """The scene of the toy world that a sound, (S,) or (channels, S), is most like; ``None`` without the judges."""
    import torchaudio

    from harmony.session.readout import detectors
    from harmony.session.understanding import scene_title

    try:
        judge = detectors().sound
    except FileNotFoundError:  # an installation without them makes clips all the same
        return None
    sound = torch.from_numpy(np.atleast_2d(np.asarray(waveform, dtype=np.float32)).mean(0))
    sound = torchaudio.functional.resample(sound, sample_rate, judge.config.sample_rate)
    return scene_title(judge.predict(sound[None])[0])


@torch.no_grad()
def picture_fidelity(pipe: HarmonyPipeline, picture: np.ndarray) -> float:
    """PSNR in dB of a picture uint8 (H, W, 3), at the model's size, after its codec."""
    from harmony.tracks import fit_pictures

    codec = pipe.video_codec
    fitted = fit_pictures(picture[None], height=pipe.config.height, width=pipe.config.width)  # (3, 1, H, W)
    frame = fitted.transpose(0, 1).to(codec.dtype)
    back = codec.shrunk(codec.decode(codec.static_latents(frame, 1)))[:, :, 0]
    error = ((back.float() - frame.float()) / 2).square().mean()
    return float(-10 * torch.log10(error.clamp_min(1e-10)))
