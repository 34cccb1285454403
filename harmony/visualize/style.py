"""One look for all pictures: colours safe for colour-blind eyes, on light or dark ground, and lettering."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from PIL import Image, ImageFont

Look = Literal["light", "dark"]

_DPI = 144
_MAGMA = ("#3b0f70", "#8c2981", "#de4968", "#fe9f6d", "#fcfdbf")
# Fonts with Chinese letters, by the systems that bring them.
_CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "SimHei",
)


@dataclass(frozen=True)
class Theme:
    """Colours by what they mean: ``seen`` and ``heard`` are Okabe and Ito's blue and orange."""

    ground: str
    panel: str
    ink: str
    faint: str
    seen: str
    heard: str
    accent: str
    sound: str
    scale: tuple[str, ...]

    @property
    def amounts(self) -> LinearSegmentedColormap:
        """Matplotlib's magma, begun at the panel's own colour, so that nothing looks like nothing."""
        return LinearSegmentedColormap.from_list("amounts", [self.panel, *self.scale])


THEMES = {
    "light": Theme(
        "#ffffff", "#f5f6f8", "#20242c", "#c4c9d2", "#0072b2", "#d55e00", "#009e73", "#8a93a3", _MAGMA[-2::-1]
    ),
    "dark": Theme("#14161b", "#1d2027", "#e8eaee", "#434a57", "#56b4e9", "#f0a030", "#2fc79a", "#8d96a6", _MAGMA),
}


def theme(look: Look) -> Theme:
    """The colours of a look; raises ``ValueError`` if there is no such look."""
    if look not in THEMES:
        raise ValueError(f"there is no look '{look}'; choose one of {', '.join(THEMES)}")
    return THEMES[look]


def new_figure(
    look: Look, *, width: float, height: float, rows: int = 1, ratios: list[float] | None = None
) -> tuple[Figure, list[Axes]]:
    """An empty figure in this look, ``width`` by ``height`` inches, with ``rows`` panels that share their x axis.

    It belongs to no window and no global state, so that several may be drawn at once in a server.
    """
    colours = theme(look)
    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor=colours.ground, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": ratios})[:, 0]
    for axes in panels:
        axes.set_facecolor(colours.panel)
        axes.tick_params(colors=colours.ink, labelsize=7.5, length=3, width=0.6)
        for spine in axes.spines.values():
            spine.set(color=colours.faint, linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
    return figure, list(panels)


def write_on(axes: Axes, look: Look, *, title: str = "", x: str = "", y: str = "") -> None:
    """Title and names of the axes."""
    colours = theme(look)
    family = ["DejaVu Sans", *filter(None, [_chinese_family()])]
    if title:
        axes.set_title(readable(title), color=colours.ink, fontsize=9, loc="left", family=family)
    if x:
        axes.set_xlabel(x, color=colours.ink, fontsize=8)
    if y:
        axes.set_ylabel(y, color=colours.ink, fontsize=8)


def to_image(figure: Figure) -> Image.Image:
    """The figure as a picture."""
    figure.canvas.draw()
    return Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3].copy())


def font(text: str, size: float) -> ImageFont.FreeTypeFont:
    """A Pillow font that can write ``text``."""
    return ImageFont.truetype(_font_file(_has_chinese(text)), size)


def readable(text: str) -> str:
    """``text``, or its pinyin where it is Chinese and this machine has no Chinese font."""
    if not _has_chinese(text) or _chinese_family():
        return text
    from pypinyin import Style, lazy_pinyin

    return " ".join(lazy_pinyin(text, style=Style.TONE))


def _has_chinese(text: str) -> bool:
    return any("\u2e80" <= letter <= "\uffef" for letter in text)


@cache
def _chinese_family() -> str | None:
    from matplotlib import font_manager  # imported late: it looks at every font of the machine

    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    return next((name for name in _CHINESE_FONTS if name in installed), None)


@cache
def _font_file(chinese: bool) -> str:
    family = _chinese_family() if chinese else None
    if family:
        from matplotlib import font_manager

        return font_manager.findfont(font_manager.FontProperties(family=family))
    return str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
