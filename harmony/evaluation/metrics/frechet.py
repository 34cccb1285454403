"""The Fréchet distance between two sets of clips, on embeddings of our own judges.

It is not FVD and not FAD: those are defined on networks trained on real videos and sounds, and their numbers are not
comparable with these. Read it beside the distance between two sets of true clips, which is not zero for few clips.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import sqrtm

from harmony.evaluation.figures import CannotMeasure


def frechet_distance(a: NDArray, b: NDArray) -> float:
    """Between Gaussians with the means and covariances of (N, D) and (M, D): Dowson and Landau, 1982.

    Raises:
        CannotMeasure: if a set has fewer than two clips.
    """
    if min(len(a), len(b)) < 2:
        raise CannotMeasure("a Fréchet distance needs at least two clips on each side")
    mean_a, mean_b = a.mean(0), b.mean(0)
    cov_a, cov_b = np.atleast_2d(np.cov(a, rowvar=False)), np.atleast_2d(np.cov(b, rowvar=False))
    # The trace of the product's root is that of a symmetric one, which few clips do not make unstable.
    root_a = sqrtm(cov_a).real
    values = np.linalg.eigvalsh(root_a @ cov_b @ root_a)
    spread = np.trace(cov_a) + np.trace(cov_b) - 2 * np.sqrt(values.clip(min=0.0)).sum()
    return float(((mean_a - mean_b) ** 2).sum() + spread)
