"""Pictures of what a model did: attention over the clip, time lines, spectrograms, contact sheets."""

from harmony.visualize.figures import attention_matrix_figure, shift_figure, timeline_figure
from harmony.visualize.heat import overlay_heat
from harmony.visualize.sheet import contact_sheet, label_strip
from harmony.visualize.sound import spectrogram_image
from harmony.visualize.style import to_image

__all__ = [
    "attention_matrix_figure",
    "contact_sheet",
    "label_strip",
    "overlay_heat",
    "shift_figure",
    "spectrogram_image",
    "timeline_figure",
    "to_image",
]
