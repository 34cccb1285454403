"""What a clip's attention looks like: where its sound looks, and which moment of it the picture listens to.

These are the model's own weights in the middle of the denoising, means over layers and heads. They tell how the clip
was made; they do not measure what it shows.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from harmony.generation import Generation
from harmony.models.recorder import AttentionRecorder
from harmony.timeline import Timeline
from harmony.visualize import attention_matrix_figure, overlay_heat, to_image


def sound_heat(recorder: AttentionRecorder) -> np.ndarray:
    """How much sound looks at each place at each time: V2A weights (T, h, w), summed over the sound that looks."""
    return recorder.sound_sources()[0].sum(0).numpy()


def attention_frames(generation: Generation, timeline: Timeline) -> np.ndarray:
    """The clip's pictures with :func:`sound_heat` drawn over them: uint8 (F, H, W, 3).

    Args:
        generation: made with ``output_attention=True``. Its pictures may have another rate than the model's (a given
            film), but must show what the model saw, edge to edge.
        timeline: the model's clock, of the clip's length.

    Raises:
        ValueError: if no attention was recorded.
    """
    heat = sound_heat(_recorder(generation))
    times = [(k + 0.5) / generation.frame_rate for k in range(len(generation.frames))]
    return overlay_heat(generation.frames, heat[[timeline.video_latent_at(seconds) for seconds in times]])


def attention_picture(generation: Generation, timeline: Timeline, *, window: float | None) -> Image.Image:
    """Time against time: which moment of the sound each moment of the picture listens to (A2V, mean over space).

    Raises:
        ValueError: if no attention was recorded.
    """
    matrix = _recorder(generation).audio_of_frames()[0].numpy()
    return to_image(attention_matrix_figure(matrix, timeline, window=window))


def _recorder(generation: Generation) -> AttentionRecorder:
    if generation.attention is None:
        raise ValueError("this clip was made without output_attention=True, so there is no attention to draw")
    return generation.attention
