"""The preview of a clip in the making."""

from __future__ import annotations

import time

import numpy as np
from PIL import Image

from harmony.pipeline import HarmonyPipeline
from harmony.session import Job, Knobs, run_job
from harmony.session.preview import PreviewWriter, level_meter, moving_picture

JOB = Job(prompt="a red drum", transcript="hello", knobs=Knobs("none"), steps=3, seed=11, attention=True, readout=True)


def test_previews_are_written_while_a_clip_is_made_and_change_nothing(tmp_path, monkeypatch) -> None:
    pipe = HarmonyPipeline.micro()
    monkeypatch.setattr("harmony.session.preview.EVERY_SECONDS", 0.0)
    seen = []

    class Spy(PreviewWriter):
        def __call__(self, progress) -> None:
            super().__call__(progress)
            seen.append(self.path.read_text() if self.path.is_file() else "")

    made = run_job(pipe, JOB, tmp_path / "seen.mp4", on_preview=Spy(tmp_path / "preview.html")).clip
    plain = run_job(pipe, JOB, tmp_path / "plain.mp4").clip
    assert made.read_bytes() == plain.read_bytes()
    assert ["Step 1 of 3" in seen[0], "Step 2 of 3" in seen[1], "Step 2 of 3" in seen[2]] == [True] * 3
    assert "data:image/webp" in seen[0] and seen[0].count("<rect") == 48
    assert not list(tmp_path.glob("*.part"))


def test_previews_are_not_drawn_too_often(tmp_path) -> None:
    drawn = []

    class Step:
        step, total, seconds_left = 1, 9, 4.0

        def frames(self):
            drawn.append(time.monotonic())
            return np.zeros((4, 8, 8, 3), np.uint8)

        def loudness(self):
            return np.zeros(8)

    writer = PreviewWriter(tmp_path / "preview.html")
    for _ in range(20):
        writer(Step())
    assert len(drawn) == 1 and "<img" not in (tmp_path / "preview.html").read_text()  # a grey picture is not shown


def test_a_moving_picture_moves_and_a_meter_shows_levels() -> None:
    import base64
    import io

    frames = np.random.default_rng(0).integers(0, 255, (33, 400, 300, 3), dtype=np.uint8)
    picture = Image.open(io.BytesIO(base64.b64decode(moving_picture(frames, seconds=2.0).partition(",")[2])))
    assert picture.n_frames == 12 and max(picture.size) == 192
    quiet, loud = level_meter(np.full(66, -60.0)), level_meter(np.full(66, 0.0))
    assert 'height="0.5"' in quiet and 'height="24.0"' in loud
