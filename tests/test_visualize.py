"""Pictures of what a model did: the right thing at the right place, and one sentence where inputs do not fit."""

import numpy as np
import pytest

from harmony.timeline import Timeline
from harmony.visualize import (
    attention_matrix_figure,
    contact_sheet,
    label_strip,
    overlay_heat,
    spectrogram_image,
    timeline_figure,
    to_image,
)
from harmony.visualize.heat import enlarge
from harmony.visualize.style import readable

CLOCK = Timeline()


def grey_clip(count=33, level=120, height=64, width=64):
    return np.full((count, height, width, 3), level, np.uint8)


def one_hot_heat(latent: int, row: int, column: int) -> np.ndarray:
    heat = np.zeros((17, 8, 8), np.float32)
    heat[latent, row, column] = 1
    return heat


def test_heat_lands_on_the_frames_and_the_place_of_its_latent():
    drawn = overlay_heat(grey_clip(), one_hot_heat(3, 2, 5), timeline=CLOCK)
    changed = (np.abs(drawn.astype(int) - 120).max(-1) > 8).reshape(33, -1).any(1)
    assert np.flatnonzero(changed).tolist() == list(CLOCK.frames_of_video_latent(3))
    where = np.argwhere(np.abs(drawn[5].astype(int) - 120).sum(-1) > 60)
    assert np.abs(where.mean(0) - (2.5 * 8 - 0.5, 5.5 * 8 - 0.5)).max() < 1.0


def test_the_peak_of_an_enlarged_map_lies_between_two_cells_that_share_it():
    cells = np.zeros((4, 4))
    cells[1, 1:3] = 1
    big = enlarge(cells, 64, 64)
    assert np.unravel_index(big.argmax(), big.shape) in {(23, 31), (23, 32), (24, 31), (24, 32)}
    cells[1, 2] = 0.5  # the stronger of the two pulls it over
    assert 24 <= enlarge(cells, 64, 64).max(0).argmax() < 29


def test_heat_may_come_one_map_per_frame_and_keeps_the_picture_visible():
    picture = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    heat = np.random.default_rng(1).random((4, 4, 4))
    drawn = overlay_heat(picture, heat)
    light, before = drawn.mean(-1).ravel(), picture.mean(-1).ravel()
    assert np.corrcoef(light, before)[0, 1] > 0.6
    flat = overlay_heat(picture, np.ones((4, 4, 4)))
    assert np.array_equal(flat, overlay_heat(picture, heat, alpha=0.0))  # no differences, nothing to show


def test_scales_per_clip_and_per_frame():
    heat = np.zeros((33, 8, 8), np.float32)
    heat[:, 4, 4] = np.linspace(0.01, 1, 33)
    warmth = {}
    for scale in ("clip", "frame"):
        drawn = overlay_heat(grey_clip(), heat, normalise=scale).astype(int)
        warmth[scale] = np.abs(drawn - 120).sum((1, 2, 3))
    assert warmth["clip"][0] < 0.2 * warmth["clip"][-1]
    assert warmth["frame"][0] == pytest.approx(warmth["frame"][-1], rel=0.01)


@pytest.mark.parametrize(
    ("heat", "options", "why"),
    [
        (np.zeros((16, 8, 8)), {"timeline": CLOCK}, "16 maps do not fit 33 frames"),
        (np.zeros((17, 8, 8)), {}, "timeline"),
        (np.zeros((33, 8)), {}, "heat must be"),
        (np.full((33, 8, 8), np.nan), {}, "finite"),
        (np.zeros((33, 8, 8)), {"alpha": 2.0}, "alpha"),
        (np.zeros((33, 8, 8)), {"normalise": "row"}, "normalise"),
    ],
)
def test_heat_that_does_not_fit_is_refused(heat, options, why):
    with pytest.raises(ValueError, match=why):
        overlay_heat(grey_clip(), heat, **options)


@pytest.mark.parametrize("look", ["light", "dark"])
def test_the_attention_matrix_stands_on_seconds_with_its_band(look):
    matrix = np.full((17, 66), np.nan)
    matrix[4, 14] = 1.0
    figure = attention_matrix_figure(matrix, CLOCK, window=1, title="鼓", look=look)
    axes = figure.axes[0]
    assert axes.get_xlim() == (0, CLOCK.duration) and axes.get_ylim() == (CLOCK.duration, 0)
    left, right = (line.get_xdata() for line in axes.lines)
    rows = axes.lines[0].get_ydata()
    # Latent 8 lasts from 15/16 to 17/16 s. It sees audio latents whose middles lie within 3/16 s (1.5 latents) of 1 s.
    at = np.flatnonzero(np.isclose(rows[::2], 15 / 16))[0]
    middles = np.array(CLOCK.audio_latent_midpoints())
    seen = middles[np.abs(middles - 1.0) <= 3 / 16]
    assert (left[2 * at], right[2 * at]) == pytest.approx((seen[0] - 1 / 64, seen[-1] + 1 / 64))
    assert to_image(figure).size[0] > 500
    with pytest.raises(ValueError, match="matrix must be"):
        attention_matrix_figure(matrix.T, CLOCK, window=1)


@pytest.mark.parametrize("look", ["light", "dark"])
def test_the_time_line_shows_events_where_they_are(look):
    wave = np.sin(np.arange(33_000) / 20)
    words = [("hello", 0.1, 0.5), ("朋友", 0.6, 1.0)]
    figure = timeline_figure([0.5, 1.0], [1.02], wave, sample_rate=16_000, words=words, title="x", look=look)
    seen, heard = figure.axes[0].lines[0], figure.axes[2].lines[0]
    assert seen.get_xdata().tolist() == [0.5, 1.0] and heard.get_xdata().tolist() == [1.02]
    assert figure.axes[-1].get_xlim() == pytest.approx((0, 33_000 / 16_000))
    assert figure.axes[0].get_ylabel() == "seen (2)"
    assert [text.get_text() for text in figure.axes[3].texts] == ["hello", readable("朋友")]
    bare = timeline_figure([], [], np.zeros((2, 16_000)), sample_rate=16_000)
    assert len(bare.axes) == 3 and to_image(bare).size[0] > 500


def test_a_tone_is_bright_at_its_pitch_and_time():
    wave = np.zeros(32_000, np.float32)
    wave[16_000:] = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)
    from harmony.visualize.sound import _mel_decibels

    levels = _mel_decibels(wave, 16_000)
    assert levels.max() == pytest.approx(0, abs=1e-6) and levels[:, : levels.shape[1] // 2 - 20].max() <= -69
    row = levels[:, -levels.shape[1] // 4].argmax() / (len(levels) - 1)
    assert row == pytest.approx(np.log10(1 + 1000 / 700) / np.log10(1 + 8000 / 700), abs=0.01)
    for sound, rate in ((wave, 16_000), (np.zeros((2, 50), np.float32), 8_000)):
        assert np.asarray(spectrogram_image(sound, rate)).shape[-1] == 3
    with pytest.raises(ValueError, match="empty"):
        spectrogram_image(np.zeros(0, np.float32), 16_000)


def test_a_contact_sheet_has_a_row_per_clip():
    clips = [grey_clip(33, 40), grey_clip(5, 200, 32, 64)]
    sheet = np.asarray(contact_sheet(clips, ["a drum", "一个鼓 " + "long " * 99], columns=8, look="dark"))
    bare = np.asarray(contact_sheet(clips, columns=8, look="dark"))
    assert sheet.shape[0] > bare.shape[0] and sheet.shape[1] == bare.shape[1]
    row = bare[12 + 48]
    assert (row == 40).all(-1).sum() == 8 * 96
    row = bare[12 + 96 + 8 + 48]
    assert (row == 200).all(-1).sum() == 5 * 192
    with pytest.raises(ValueError, match="captions"):
        contact_sheet(clips, ["one"])
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet([])


def test_labels_fit_their_width():
    for text in ("a", "wide " * 50, "两个红色的鼓" * 9):
        strip = label_strip(text, width=64)
        assert strip.shape[1:] == (64, 3) and strip.shape[0] % 2 == 0
        assert (strip[:, :1] == strip[0, 0]).all() and not (strip == strip[0, 0]).all()
    with pytest.raises(ValueError, match="no look"):
        label_strip("a", width=64, look="blue")
