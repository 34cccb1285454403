"""Compare guidance: each variant is its own single run, what is measured is told, and all of it can be taken home."""

import csv
import re
import time
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from browser import chromium_page
from gradio_client import Client
from typer.testing import CliRunner

from harmony import media
from harmony.cli import cli
from harmony.comparison import AXES, Comparison, Made, run_comparison
from harmony.comparison.files import write_table
from harmony.comparison.result import HEADERS, most_in_sync, signed
from harmony.comparison.together import together_pays
from harmony.evaluation.metrics.sync import SyncScore
from harmony.generation import GenerationRequest
from harmony.pipeline import HarmonyPipeline
from harmony.session import Job, JobCancelled, Knobs
from harmony.session.readout import SyncReadout
from harmony.ui.app import launch_app
from harmony.ui.model import ModelHolder
from harmony.ui.players import players_html
from harmony.ui.studio import Studio
from harmony.ui.theme import HEAD
from harmony.visualize.comparison import comparison_figure

JOB = Job(prompt="a red drum", steps=2, seed=3, knobs=Knobs("sync", 2.0, 2.0, 1.0))


@pytest.fixture(scope="module")
def pipe():
    return HarmonyPipeline.micro()


@pytest.fixture(scope="module")
def done(pipe, tmp_path_factory):
    """A comparison, and what its progress said."""
    told = []
    wish = Comparison.of(JOB, axis="kind", values="none, sync, isolated")
    folder = tmp_path_factory.mktemp("compare")
    compared = run_comparison(pipe, wish, folder, on_step=lambda *step: told.append(step), package=True)
    return SimpleNamespace(compared=compared, told=told, folder=folder)


# -- what is compared ----------------------------------------------------------------------------


def test_every_axis_turns_its_setting_and_no_other(pipe):
    before = replace(JOB.guidance(pipe), num_inference_steps=2)
    for axis, changed in {
        "both": {"video_scale", "audio_scale"},
        "video": {"video_scale"},
        "audio": {"audio_scale"},
        "text": {"text_scale"},
        "kind": {"kind"},
    }.items():
        for variant in Comparison.of(JOB, axis=axis, values=AXES[axis].suggested).variants:
            old, new = vars(JOB.knobs), vars(variant.job.knobs)
            assert {name for name in old if old[name] != new[name]} <= changed
            assert variant.job == replace(JOB, knobs=variant.job.knobs)
    early, late = Comparison.of(JOB, axis="interval", values="0-0.5, 0.5–1").variants
    assert [(t.start, t.stop) for t in early.job.guidance(pipe).terms] == [(0.0, 0.5)]
    assert late.job.guidance(pipe).terms == tuple(replace(t, start=0.5, stop=1.0) for t in before.terms)
    assert (early.label, early.name) == ("0–50 %", "1-interval-0-0.5") and early.job.num_passes(pipe) == 4
    assert [v.job for v in Comparison.of(JOB, axis="steps", values="1,4").variants] == [
        replace(JOB, steps=1),
        replace(JOB, steps=4),
    ]


@pytest.mark.parametrize(
    ("axis", "values", "words"),
    [
        ("speed", "1,2", "nothing to compare named 'speed'; choose one of both"),
        ("text", "1", "2 to 6 values, got 1"),
        ("text", "1,2,3,4,5,6,7", "2 to 6 values, got 7"),
        ("text", "1,two", "'two' is no number"),
        ("text", "1,31", "between 0 and 30; '31' does not"),
        ("text", "1, 2, 1.0", "'1.0' is there twice"),
        ("steps", "2,2.5", "whole numbers from 1 to 100; '2.5' is not"),
        ("kind", "sync,loud", "sync, isolated or none; 'loud' is not"),
        ("interval", "0-1,0.5", "a start and an end, such as 0-0.5; '0.5' has not"),
        ("interval", "0-1,50-100", "such as 0-0.5; got '50-100'"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(axis, values, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        Comparison.of(JOB, axis=axis, values=values)


def test_variants_that_would_be_the_same_are_refused(pipe):
    off = replace(JOB, knobs=Knobs("none", 2.0, 2.0, 1.0))
    with pytest.raises(ValueError, match="'picture 1' and 'picture 2' would give the same clip"):
        Comparison.of(off, axis="video", values="1,2").check(pipe)
    with pytest.raises(ValueError, match="no words"):
        Comparison.of(replace(JOB, prompt=" "), axis="text", values="1,2").check(pipe)


# -- what is made --------------------------------------------------------------------------------


def test_each_variant_is_its_own_single_run(pipe, done, tmp_path):
    """Bit for bit: the tolerance is zero, because a variant goes through the loop as any clip does."""
    sounds = []
    for made in done.compared.made:
        request = GenerationRequest.from_json(made.settings.read_text())
        clip = pipe("a red drum", guidance=request.guidance, seed=3)
        assert request.guidance.num_inference_steps == 2 and request == clip.request
        assert np.array_equal(media.read_video(clip.save(tmp_path / "one.mp4"))[0], media.read_video(made.clip)[0])
        sounds.append(media.read_audio(made.sound)[0])
        assert np.array_equal(media.read_audio(clip.save(tmp_path / "one.wav"))[0], sounds[-1])
    assert not np.array_equal(sounds[0], sounds[1]) and not np.array_equal(sounds[0], sounds[2])


def test_variants_of_one_batch_equal_their_single_runs(pipe, tmp_path):
    """Up to the rounding of a larger matrix product: a grey level of 255 in the picture, -60 dB in the sound."""
    wish, told = Comparison.of(JOB, axis="video", values="1, 1.5, 3"), []
    assert together_pays(pipe, wish.variants)
    compared = run_comparison(pipe, wish, tmp_path, on_step=lambda *step: told.append(step[:2]))
    assert told == [(1, 2), (2, 2)], "one batch: every step is a step of all"
    for made in compared.made:
        request = GenerationRequest.from_json(made.settings.read_text())
        clip = pipe("a red drum", guidance=request.guidance, seed=3)
        assert request == clip.request
        alone, together = clip.frames, media.read_video(made.clip)[0]
        single = media.read_video(clip.save(tmp_path / "one.mp4"))[0]
        assert alone.shape == together.shape and np.abs(single.astype(int) - together).max() <= 1
        assert np.abs(clip.waveform - media.read_audio(made.sound)[0]).max() < 1e-3
    clips = [media.read_video(made.clip)[0] for made in compared.made]
    assert not np.array_equal(clips[0], clips[1]) and not np.array_equal(clips[1], clips[2])


@pytest.mark.parametrize(("axis", "values", "pays"), [
    ("video", "1.5, 2, 3", True), ("text", "2, 3", True), ("kind", "none, sync, isolated", False),
    ("steps", "1, 2", False),
])  # fmt: skip
def test_one_batch_is_made_where_the_variants_need_the_same_passes(pipe, axis, values, pays):
    assert together_pays(pipe, Comparison.of(JOB, axis=axis, values=values).variants) == pays


def test_a_model_opened_for_a_small_card_makes_one_clip_at_a_time(monkeypatch):
    pipe = HarmonyPipeline.micro()
    monkeypatch.setattr(pipe, "batch_passes", False)
    assert not together_pays(pipe, Comparison.of(JOB, axis="video", values="1.5, 2").variants)


def test_a_full_card_makes_them_in_turn(pipe, tmp_path, monkeypatch):
    def full(*_, **__):
        raise torch.cuda.OutOfMemoryError

    monkeypatch.setattr("harmony.batch.generate_batch", full)
    told = []
    wish = Comparison.of(JOB, axis="video", values="1.5, 2")
    compared = run_comparison(pipe, wish, tmp_path, on_step=lambda *step: told.append(step[:2]))
    assert len(compared.made) == 2 and told[-1] == (4, 4)


def test_cancel_stops_a_batch_within_a_step(pipe, tmp_path):
    steps, wish = [], Comparison.of(replace(JOB, steps=9), axis="video", values="1.5, 2")
    with pytest.raises(JobCancelled):
        run_comparison(
            pipe, wish, tmp_path, on_step=lambda step, *_: steps.append(step), cancel=lambda: len(steps) == 2
        )
    assert steps == [1, 2]


def test_progress_runs_over_all_variants(done):
    assert [step[:2] for step in done.told] == [(k, 6) for k in range(1, 7)]
    assert all(step[2] >= 0 for step in done.told) and done.told[-1][2] == 0
    assert all(made.seconds > 0 for made in done.compared.made)


def test_everything_can_be_taken_home(done):
    compared = done.compared
    names = zipfile.ZipFile(compared.package).namelist()
    clips = [f"{k}-kind-{kind}" for k, kind in enumerate(("none", "sync", "isolated"), 1)]
    assert set(names) == {f"{c}.{e}" for c in clips for e in ("mp4", "wav", "json")} | {
        "table.csv", "plot.png", "mosaic.mp4",
    }  # fmt: skip
    rows = list(csv.DictReader(compared.table.open(encoding="utf-8")))
    assert [row["variant"] for row in rows] == ["none", "SyncCFG", "isolated"]
    assert all(len(row) == len(HEADERS) for row in compared.rows())
    assert media.read_image(compared.plot).shape[2] == 3


def test_the_film_of_all_names_whom_one_hears(done):
    film, made = media.probe(done.compared.clip), done.compared.made
    best = made[most_in_sync(made)]
    assert done.compared.heard_label == best.label and film.metadata["title"].endswith(f"heard: {best.label}")
    frames, _ = media.read_video(film.path)
    assert film.num_frames == 33 and film.width == 3 * 256 + 2 * 4 and film.height > 256
    assert (frames[0, 258:, :256] > 150).any() and np.ptp(frames[0, 270:, 256:260]) < 60  # words under, none between
    heard, own = (media.read_audio(path)[0] for path in (film.path, best.clip))
    assert np.corrcoef(heard[: len(own)], own[: len(heard)])[0, 1] > 0.95


def test_cancel_stops_all_variants_within_a_step(pipe, tmp_path):
    steps = []
    wish = Comparison.of(replace(JOB, knobs=Knobs("none")), axis="steps", values="1,50")
    with pytest.raises(JobCancelled):
        run_comparison(
            pipe, wish, tmp_path, on_step=lambda step, *_: steps.append(step), cancel=lambda: len(steps) == 2
        )
    assert steps == [1, 2] and not (tmp_path / "mosaic.mp4").exists()


# -- what is measured ----------------------------------------------------------------------------


def variants_of(tmp_path, *readouts):
    wish = Comparison.of(JOB, axis="text", values=",".join(str(k) for k in range(1, len(readouts) + 1)))
    paths = [tmp_path / name for name in ("a.mp4", "a.wav", "a.json")]
    return [Made(v, *paths, seconds=1.0, readout=r) for v, r in zip(wish.variants, readouts, strict=True)]


def test_numbers_and_what_stands_where_there_is_none(tmp_path):
    good, apart, still, talking = variants_of(
        tmp_path,
        SyncReadout((0.5, 1.0), (0.52, 1.04, 1.6), 2.0),
        SyncReadout((0.5,), (1.5,), 2.0),
        SyncReadout((), (), 2.0),
        SyncReadout((), (), 2.0, face=True, sync=SyncScore(41.6, 2.0, 0)),
    )
    assert good.together == pytest.approx(0.8) and good.offset_ms == pytest.approx(30)
    assert [one.row()[1:3] for one in (good, apart, still, talking)] == [
        ["0.80", "+30 ms"],
        ["0.00", "no pair"],
        ["nothing happens", "–"],
        ["lips: see Sync-C", "–"],
    ]
    assert [one.row()[3:5] for one in (good, still, talking)] == [["–", "2 / 3"], ["–", "0 / 0"], ["42", "–"]]
    rows = list(csv.DictReader(write_table(tmp_path / "t.csv", [good, apart, still]).open(encoding="utf-8")))
    assert [(r["together_f1"], r["offset_ms"], r["note"]) for r in rows] == [
        ("0.800", "30.000", ""), ("0.000", "", "no pair"), ("", "", "nothing happens"),
    ]  # fmt: skip
    assert [signed(x) for x in (-12.4, 0.2, 7)] == ["−12 ms", "0 ms", "+7 ms"]


def test_the_variant_most_in_sync_is_heard_and_of_faces_it_is_told_by_sync_c(tmp_path):
    def lips(confidence):
        return SyncReadout((), (), 2.0, face=True, sync=SyncScore(confidence, 2.0, 0))

    def hits(late, confidence):
        return SyncReadout((0.5, 1.0), (0.5, 1.0 + late), 2.0, sync=SyncScore(confidence, 2.0, 0))

    assert most_in_sync(variants_of(tmp_path, lips(30.0), lips(50.0), lips(40.0))) == 1
    assert most_in_sync(variants_of(tmp_path, hits(0.5, 60.0), hits(0.0, 20.0), hits(0.0, 40.0))) == 2
    assert most_in_sync(variants_of(tmp_path, SyncReadout((), (), 2.0), SyncReadout((), (), 2.0))) == 0


@pytest.mark.parametrize("look", ["light", "dark"])
def test_the_plot_says_where_there_are_no_events(look):
    shares, offsets = [0.4, None, 0.8], [10.0, None, None]
    figure = comparison_figure(["1", "2", "5"], shares, offsets, amounts=[1, 2, 5], name="Text", look=look)
    upper, lower = figure.axes
    assert [t.get_text() for t in upper.texts] == ["no\nevents"]
    np.testing.assert_allclose(upper.lines[0].get_ydata(), [0.4, np.nan, 0.8])
    np.testing.assert_allclose(lower.get_xticks(), [0, 0.25, 1])
    crowded = comparison_figure(["1", "9", "1.1"], shares, offsets, amounts=[1, 9, 1.1])
    np.testing.assert_allclose(crowded.axes[1].get_xticks(), [0, 1, 0.5])
    with pytest.raises(ValueError, match="2 variants have 3 shares"):
        comparison_figure(["1", "2"], shares, offsets)


def test_the_plot_draws_sync_c_where_it_was_measured():
    """Of faces it is all there is: nothing is hit or struck, so nothing else is drawn."""
    figure = comparison_figure(["none", "SyncCFG"], [None, None], [None, None], sync_c=[12.0, 60.0])
    (confidence,) = figure.axes
    np.testing.assert_allclose(confidence.lines[0].get_ydata(), [12, 60])
    assert confidence.get_ylim()[0] == 0 and confidence.get_ylim()[1] > 60
    assert [label.get_text() for label in confidence.get_xticklabels()] == ["none", "SyncCFG"]
    assert len(comparison_figure(["a"], [1.0], [0.0], sync_c=[None]).axes) == 2
    assert len(comparison_figure(["a"], [1.0], [0.0], sync_c=[30.0]).axes) == 3
    with pytest.raises(ValueError, match="1 of Sync-C"):
        comparison_figure(["1", "2"], [None, None], [None, None], sync_c=[1.0])


# -- the studio, the page, the command -----------------------------------------------------------


def test_the_studio_compares_once_cancels_and_says_what_is_wrong(pipe, monkeypatch):
    monkeypatch.setattr(gr, "Info", lambda *_: None)
    studio, visitor = Studio(ModelHolder("micro", load=lambda _: pipe)), SimpleNamespace(session_hash="me")
    job = replace(JOB, steps=1, knobs=Knobs("none", 1.0, 1.0, 1.0))
    wish = Comparison.of(job, axis="text", values="1,2")

    def stop(done, **_):
        if isinstance(done, tuple):
            studio.cancel(visitor)

    assert studio.compare(wish, visitor, stop) is None
    compared = studio.compare(wish, visitor, gr.Progress())
    assert compared.package.is_file() and compared.clip.is_relative_to(studio.folder)
    assert studio.compare(wish, visitor, gr.Progress()) is compared
    with pytest.raises(gr.Error, match="would give the same clip"):
        studio.compare(Comparison.of(job, axis="both", values="1,2"), visitor, gr.Progress())


def test_programs_compare_through_their_endpoint():
    app = launch_app("micro", block=False)
    try:
        client = Client(app.local_url, verbose=False)
        wish = dict(prompt="drum", axis="text", values="1, 2", guidance="none", steps=1, seed=3, randomize_seed=False)
        players, film, package, table, plot, seed, facts = client.predict(**wish, api_name="/compare")
        assert players.count("<video") == 2 and media.probe(film).num_frames == 33 and seed == 3
        assert len(zipfile.ZipFile(package).namelist()) == 9 and media.read_image(plot).ndim == 3
        assert table["headers"] == HEADERS and [row[0] for row in table["data"]] == ["text 1", "text 2"]
        assert "Seed 3 · 2 clips" in facts and "In the film of all you hear text" in facts
        with pytest.raises(Exception, match="'two' is no number"):
            client.predict(**wish | {"values": "1, two"}, api_name="/compare")
        described = client.view_api(return_format="dict", print_info=False)["named_endpoints"]["/compare"]
        assert [p["parameter_name"] for p in described["parameters"]][:5] == [
            "prompt", "audio_prompt", "transcript", "axis", "values",
        ]  # fmt: skip
    finally:
        app.close()


def test_the_command_fills_a_new_folder_and_shows_the_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["compare", "drum", "--axis", "steps", "--values", "1,2", "--guidance", "none", "--seed", "3"]
    words += ["--model", "micro"]
    shown = CliRunner().invoke(cli, words)
    assert shown.exit_code == 0 and "Together (F1)" in shown.output and "1 step " in shown.output
    assert {path.name for path in (tmp_path / "drum-steps").iterdir()} >= {"1-steps-1.mp4", "table.csv", "mosaic.mp4"}
    again = CliRunner().invoke(cli, [*words, "-o", "drum-steps"])
    assert again.exit_code == 2 and "not an empty folder" in again.stderr
    assert "harmony compare" in CliRunner().invoke(cli, ["compare", "--help"]).output


def test_players_begin_with_one_that_is_heard(done):
    html = players_html(done.compared, lambda path: path.name)
    assert html.count("<video") == 3 and html.count(" muted") == 2 and html.count('aria-pressed="true"') == 1
    assert 'src="gradio_api/file=1-kind-none.mp4"' in html and "aspect-ratio: 64 / 64" in html


@pytest.mark.browser
def test_play_all_starts_them_together_and_one_is_heard_at_a_time(done, tmp_path):
    (tmp_path / "gradio_api").mkdir()
    for made in done.compared.made:
        (tmp_path / "gradio_api" / f"file={made.clip.name}").write_bytes(made.clip.read_bytes())
    body = players_html(done.compared, lambda path: path.name).replace("file=", "file%3D")
    (tmp_path / "page.html").write_text(f"<meta charset='utf-8'>{HEAD}{body}", encoding="utf-8")
    state = "() => [...document.querySelectorAll('video')].map(v => [v.paused, v.muted, v.currentTime])"
    with chromium_page() as page:
        page.goto((tmp_path / "page.html").as_uri())
        page.get_by_role("button", name="Play all").click()
        page.get_by_role("button", name="Pause all").wait_for(timeout=10_000)
        time.sleep(0.5)
        paused, muted, at = zip(*page.evaluate(state), strict=True)
        assert not any(paused) and sum(muted) == 2 and min(at) > 0 and max(at) - min(at) < 0.2
        page.get_by_role("button", name="Hear isolated").click()
        assert [m for _, m, _ in page.evaluate(state)] == [True, True, False]
        page.wait_for_timeout(100)  # the players' own events of this press come a moment later
        page.evaluate("() => { document.querySelectorAll('video')[1].muted = false }")  # the player's own button
        page.wait_for_timeout(100)
        assert [m for _, m, _ in page.evaluate(state)] == [True, False, True]
        assert page.locator("[aria-pressed=true]").get_attribute("aria-label") == "Hear SyncCFG"
        page.get_by_role("button", name="Pause all").click()
        assert all(paused for paused, _, _ in page.evaluate(state))
