"""The files that the app offers open, and are small."""

from pathlib import Path

import numpy as np
import pytest

from harmony import media

FOLDER = Path(__file__).parents[1] / "examples"
FILES = sorted(path for path in FOLDER.iterdir() if path.suffix not in (".md", ".json"))


def test_examples_are_small_and_described():
    assert sum(path.stat().st_size for path in FILES) < 400_000
    told = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"`{path.name}`" in told for path in FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_example_opens(path):
    if path.suffix == ".png":
        assert media.read_image(path).std() > 10
        return
    sound, rate = media.read_audio(path)
    assert np.abs(sound).max() > 0.05 and len(sound) / rate >= 2.0
    if path.suffix == ".mp4":
        frames, frame_rate = media.read_video(path)
        assert (len(frames), frame_rate) == (33, 16.0) and frames.std(0).max() > 10
