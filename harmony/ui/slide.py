"""Slide the sound against the picture, and see where more falls together: what an offset does to ear and eye."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import gradio as gr
import numpy as np
from PIL import Image

from harmony import media
from harmony.evaluation.events import ONE_FRAME
from harmony.session.job import Job
from harmony.session.readout import MOST_FRAMES, SyncReadout
from harmony.ui.events import SILENT, TELLING
from harmony.ui.studio import Studio, human_errors
from harmony.visualize import shift_figure, to_image


class Made(NamedTuple):
    """A clip as it was made: its file, how well it fits, what it was made from, and when it was handed out."""

    clip: str
    readout: SyncReadout | None
    job: Job
    at: float  # seconds since the epoch: who asks for the very same clip again starts over with it


@dataclass(frozen=True)
class Slider:
    """The slider and its curve.

    Attributes:
        made: the clip as it was made: what the slider starts from.
    """

    made: gr.State
    frames: gr.Slider
    curve: gr.Image

    @classmethod
    def create(cls, studio: Studio, player: gr.Video) -> Slider:
        made: gr.State = gr.State(None)
        frames = gr.Slider(
            -MOST_FRAMES, MOST_FRAMES, value=0, step=1, label="Slide the sound",
            info="In frames of 1/16 s. To the right the sound comes later; 0 is the clip as it was made.",
        )  # fmt: skip
        curve = gr.Image(
            label="Events together", show_label=False, interactive=False, buttons=["download"], format="png",
            height=200, elem_classes="hm-plot",
        )  # fmt: skip
        frames.release(slide, inputs=[made, frames], outputs=[player, curve], **TELLING)
        made.change(_start_over, inputs=made, outputs=[frames, curve], **SILENT)
        return cls(made, frames, curve)


def slide(made: Made | None, frames: int) -> tuple:
    """The clip with its sound ``frames`` later, and the curve with that shift marked."""
    if made is None:
        return gr.skip(), gr.skip()
    with human_errors():
        return slid_clip(Path(made.clip), int(frames)), _drawn(made.readout, int(frames))


def slid_clip(clip: Path, frames: int) -> str:
    """A copy of the clip beside it, its pictures untouched and its sound moved; the clip itself for no shift.

    Raises:
        FileNotFoundError: the clip was swept away meanwhile.
    """
    if frames == 0:
        return str(clip)
    if not clip.is_file():
        raise FileNotFoundError("this clip is no longer kept; make it again")
    slid = clip.with_name(f"{clip.stem}-slid{frames:+d}.mp4")
    if not slid.is_file():
        waveform, rate = media.read_audio(clip, mono=False)
        media.mux(slid, video_from=clip, audio_from=(moved(waveform, round(frames * ONE_FRAME * rate)), rate))
    return str(slid)


def moved(waveform: np.ndarray, samples: int) -> np.ndarray:
    """A waveform (..., S) as long as before, ``samples`` later; silence comes in, what leaves is gone."""
    out = np.zeros_like(waveform)
    size = waveform.shape[-1]
    if abs(samples) < size:
        start, stop = max(samples, 0), size + min(samples, 0)
        out[..., start:stop] = waveform[..., start - samples : stop - samples]
    return out


def _start_over(made: Made | None) -> tuple:
    return 0, _drawn(made.readout, 0) if made else None


def _drawn(readout: SyncReadout | None, frames: int) -> Image.Image | None:
    if readout is None or not (readout.seen and readout.heard):
        return None
    return to_image(shift_figure(readout.curve(), frames, frame_seconds=ONE_FRAME))
