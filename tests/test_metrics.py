"""Metrics against closed forms and clips whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harmony.evaluation.metrics.frechet import frechet_distance
from harmony.evaluation.metrics.sync import shift_distances, sync_scores


@pytest.mark.parametrize("shift", [-8, -1, 0, 3, 8])
def test_a_late_sound_has_a_positive_offset(shift) -> None:
    picture = torch.randn(1, 29, 16, generator=torch.Generator().manual_seed(0))
    sound = torch.roll(picture, shift, dims=1)
    score = sync_scores(shift_distances(picture, sound, max_shift=10))[0]
    assert score.offset == shift and score.distance == pytest.approx(0.0, abs=1e-6) and score.confidence > 4


def test_too_short_a_clip_is_refused() -> None:
    with pytest.raises(ValueError, match="longer clip"):
        shift_distances(torch.zeros(1, 8, 4), torch.zeros(1, 8, 4), max_shift=10)


def test_frechet_distance_of_moved_points_is_the_way_they_moved() -> None:
    points = np.random.default_rng(0).normal(size=(200, 3))
    assert frechet_distance(points, points) == pytest.approx(0.0, abs=1e-6)
    assert frechet_distance(points, points + np.array([3.0, 0.0, 4.0])) == pytest.approx(25.0, abs=1e-6)
