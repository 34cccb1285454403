"""How much moves, and how much flickers: optical flow and differences of neighbouring frames."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from harmony.evaluation.figures import CannotMeasure


def mean_flow(frames: NDArray) -> NDArray:
    """Mean length of the optical flow between neighbouring frames, in pixels, (F - 1,); Farneback's method.

    Args:
        frames: uint8 (F, H, W, 3).

    Raises:
        CannotMeasure: if OpenCV is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise CannotMeasure("opencv-python-headless is not installed; pip install 'harmony[metrics]'") from error
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    flows = (cv2.calcOpticalFlowFarneback(a, b, None, 0.5, 3, 15, 3, 5, 1.2, 0) for a, b in itertools.pairwise(grey))
    return np.array([np.linalg.norm(flow, axis=-1).mean() for flow in flows])


def dynamic_degree(frames: NDArray) -> float:
    """Mean flow from frame to frame as a share of the picture's smaller side, so that sizes can be compared."""
    return float(mean_flow(frames).mean() / min(frames.shape[1:3]))


def flicker(frames: NDArray, *, calm: float = 0.5) -> float:
    """Mean difference of neighbouring frames where the picture should stand still, in grey levels of 255.

    What should stand still is taken to be the ``calm`` share of the pixels whose smoothed picture moves least: there a
    difference is noise of the model and not an act of the scene.

    Args:
        frames: uint8 (F, H, W, 3).
    """
    x = frames.astype(np.float32)
    smooth = (x[:-2] + x[1:-1] + x[2:]) / 3
    motion = np.abs(np.diff(smooth, axis=0)).mean((0, 3))
    still = motion <= np.quantile(motion, calm)
    return float(np.abs(np.diff(x, axis=0)).mean((0, 3))[still].mean())
