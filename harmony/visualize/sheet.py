"""Clips on paper: a row of pictures for each, and labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from harmony.visualize.style import Look, font, readable, theme

_GAP, _MARGIN = 4, 12
_SMALLEST = 96  # pixels: smaller pictures are enlarged


def contact_sheet(
    clips: Sequence[np.ndarray],
    captions: Sequence[str] = (),
    *,
    columns: int = 8,
    height: int | None = None,
    look: Look = "light",
) -> Image.Image:
    """One row of pictures per clip, evenly chosen from its first to its last, with its caption above.

    Args:
        clips: uint8 (F, H, W, 3) each; they may differ in size and length.
        captions: one per clip, or none.
        columns: pictures in a row (fewer where the clip is shorter).
        height: of a row in pixels; by default that of the highest clip, at least 96.

    Raises:
        ValueError: if there is no clip, or captions and clips differ in number.
    """
    if not len(clips) or any(np.ndim(clip) != 4 or not len(clip) for clip in clips):
        raise ValueError("a contact sheet needs clips of uint8 frames (F, H, W, 3), at least one")
    if captions and len(captions) != len(clips):
        raise ValueError(f"{len(clips)} clips have {len(captions)} captions; give one each, or none")
    colours = theme(look)
    height = height or max(_SMALLEST, *(clip.shape[1] for clip in clips))
    rows = [_strip(clip, columns, height, colours.ground) for clip in clips]
    text_size = max(11, round(height / 9))
    line = round(text_size * 1.7) if captions else 0
    width = max(row.width for row in rows) + 2 * _MARGIN
    sheet = Image.new("RGB", (width, 2 * _MARGIN - _GAP + len(rows) * (line + height + 2 * _GAP)), colours.ground)
    pen = ImageDraw.Draw(sheet)
    top = _MARGIN
    for k, row in enumerate(rows):
        if captions:
            caption = shortened(readable(captions[k]), text_size, width - 2 * _MARGIN)
            pen.text((_MARGIN, top + line / 2), caption, colours.ink, font(caption, text_size), anchor="lm")
        sheet.paste(row, (_MARGIN, top + line))
        top += line + height + 2 * _GAP
    return sheet


def label_strip(text: str, *, width: int, look: Look = "dark") -> np.ndarray:
    """A line of text to stand above a picture ``width`` pixels wide: uint8 (h, width, 3), h even."""
    colours = theme(look)
    size = min(max(9, round(width / 11)), 22)
    strip = Image.new("RGB", (width, 2 * round(size * 0.85)), colours.panel)
    caption = shortened(readable(text), size, width - 6)
    middle = (strip.width / 2, strip.height / 2)
    ImageDraw.Draw(strip).text(middle, caption, colours.ink, font(caption, size), anchor="mm")
    return np.asarray(strip)


def shortened(text: str, size: float, width: float) -> str:
    """``text`` on one line, cut with an ellipsis where it would be wider than ``width`` pixels."""
    text = " ".join(text.split())
    face = font(text, size)
    if face.getlength(text) <= width:
        return text
    while text and face.getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"


def _strip(clip: np.ndarray, columns: int, height: int, ground: str) -> Image.Image:
    chosen = np.unique(np.linspace(0, len(clip) - 1, columns).round().astype(int))
    width = round(clip.shape[2] * height / clip.shape[1])
    row = Image.new("RGB", (len(chosen) * (width + _GAP) - _GAP, height), ground)
    for column, k in enumerate(chosen):
        picture = Image.fromarray(np.asarray(clip[k])).resize((width, height), Image.Resampling.LANCZOS)
        row.paste(picture, (column * (width + _GAP), 0))
    return row
