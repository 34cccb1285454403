"""Harmony-Bench: its cases, runs that are stopped, the table's arithmetic, and a report that opens and plays."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from browser import chromium_page
from typer.testing import CliRunner

from harmony.data.world import Clip
from harmony.data.world.speech import speech_bank
from harmony.evaluation.harmony_bench import __main__ as command
from harmony.evaluation.harmony_bench import run as running
from harmony.evaluation.harmony_bench.cases import SUBSETS, BenchCase, chosen, edition_file, read_cases
from harmony.evaluation.harmony_bench.clips import check_set, guidance_of, partners
from harmony.evaluation.harmony_bench.measures import MEASURES, METERS, measure_clip
from harmony.evaluation.harmony_bench.meters import Taken, Tools
from harmony.evaluation.harmony_bench.run import BenchRun
from harmony.evaluation.harmony_bench.table import table
from harmony.evaluation.harmony_bench.tiny import language_of, sibling, style_of
from harmony.guidance import GuidanceConfig, GuidanceTerm
from harmony.pipeline import HarmonyPipeline
from harmony.timeline import Timeline

TINY = read_cases(edition_file("tiny"))


@pytest.fixture(scope="module")
def pipe():
    pipe = HarmonyPipeline.micro()
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.mark.parametrize("edition", ["tiny", "full"])
def test_an_edition_has_fifty_cases_a_subset_and_half_of_the_speech_is_stylised(edition) -> None:
    cases = read_cases(edition_file(edition))
    assert Counter(case.subset for case in cases) == dict.fromkeys(SUBSETS, 50)
    speech = [case for case in cases if case.subset == "speech"]
    assert Counter(case.style for case in speech) == {"plain": 25, "stylised": 25}
    assert Counter(case.language for case in speech)["zh"] >= 16
    assert all((case.language is None) == (case.transcript is None) for case in cases)
    assert all(case.transcript for case in speech)
    assert len({case.seed for case in cases}) == len({(case.prompt, case.transcript) for case in cases}) == 150


def test_the_tiny_edition_tells_the_truth_about_its_scenes() -> None:
    full_bank = speech_bank().name == "full"
    for case in chosen(TINY, 30):
        if full_bank or case.transcript is None:
            assert case.world.split == "test" and case.world.transcript == case.transcript
            assert style_of(case.world) == case.style and language_of(case.world) == case.language
    scenes = [(case.scene.kind, case.scene.seed) for case in TINY]
    assert len(set(scenes)) == len(scenes)


def test_a_sibling_is_another_scene_of_the_same_make() -> None:
    case = next(case for case in TINY if case.language == "zh" and case.style == "stylised")
    other = sibling(case)
    assert (other.kind, other.style, other.language) == (case.kind, style_of(case.world), language_of(case.world))
    assert other.scene.seed != case.scene.seed


def test_chosen_cases_come_from_every_subset_and_stay_chosen() -> None:
    some = chosen(TINY, 12)
    assert Counter(case.subset for case in some) == dict.fromkeys(SUBSETS, 4)
    assert some == chosen(TINY, 12) and chosen(TINY, None) == TINY
    assert [case.subset for case in chosen(TINY, 2)] == ["ambient", "speech"]


def test_a_broken_line_and_a_name_given_twice_are_told(tmp_path) -> None:
    path = tmp_path / "own.jsonl"
    line = json.dumps(dict(id="a", subset="ambient", prompt="a bell", audio_prompt="a bell", seed=1))
    path.write_text(f"{line}\n{line}\n")
    with pytest.raises(ValueError, match="'a' stands more than once"):
        read_cases(path)
    path.write_text(f'{line}\n{{"id": "b", "subset": "music", "prompt": "", "audio_prompt": "", "seed": 1}}\n')
    with pytest.raises(ValueError, match="line 2 .* subset"):
        read_cases(path)
    with pytest.raises(FileNotFoundError, match="no cases"):
        read_cases(tmp_path / "nothing.jsonl")


def test_shuffled_sounds_are_of_another_case_of_the_kind() -> None:
    for case in TINY:
        partner = partners(TINY)[case.id]
        assert partner.id != case.id and partner.kind == case.kind


def test_a_set_changes_syncguidance_and_leaves_text_guidance() -> None:
    text = GuidanceTerm("text", 3.0, 3.0, stop=0.4)
    own = GuidanceConfig(terms=(GuidanceTerm("sync", 1.4, 1.4), text))
    assert guidance_of("model", own) == own
    assert guidance_of("plain", own).terms == guidance_of("sync-1", own).terms == (text,)
    assert guidance_of("sync-2.5", own).terms == (GuidanceTerm("sync", 2.5, 2.5), text)
    with pytest.raises(ValueError, match="no set of clips 'sink-2'"):
        check_set("sink-2")


def test_no_two_measures_share_a_name() -> None:
    assert len(MEASURES) == sum(len(meter.measures) for meter in METERS)


def record(subset: str, **parts) -> dict:
    return {"id": "x", "subset": subset, "parts": parts, "missing": {"dnsmos": "no"}, "embeddings": {}}


def test_figures_are_all_parts_over_all_totals_and_gains_are_paired() -> None:
    plain = [record("speech", wer=(1, 4), sync_c=(2.0, 1)), record("ambient", sync_c=(4.0, 1))]
    better = [record("speech", wer=(0, 2), sync_c=(5.0, 1)), record("ambient", sync_c=(7.0, 1))]
    found = table({"model": better, "plain": plain})
    assert found["sets"]["plain"]["figures"]["all"]["sync_c"]["value"] == 3.0
    assert found["sets"]["plain"]["figures"]["speech"]["wer"]["value"] == 0.25
    assert "wer" not in found["sets"]["plain"]["figures"]["ambient"]
    gain = found["gains"]["model"]["sync_c"]
    assert gain["value"] == gain["low"] == gain["high"] == 3.0  # each clip gains three: no interval is left
    assert found["sets"]["plain"]["not_measured"] == {"dnsmos": {"no": 2}}


def test_a_true_clip_is_in_sync_and_a_wrong_sound_is_not() -> None:
    timeline = Timeline()
    tools = Tools()
    case = next(case for case in TINY if case.kind == "drum")
    clip: Clip = case.true_clip(timeline)
    wrong = partners(TINY)[case.id].true_clip(timeline)
    told = [
        measure_clip(tools, Taken(case, clip.frames, sound, timeline))[0] for sound in (clip.waveform, wrong.waveform)
    ]
    assert told[0]["event_f1"][0] == told[0]["event_f1"][1] > 0
    assert told[0]["desync"][0] == 0.0 and told[0]["scene"][0] == 1.0
    assert told[0]["sync_c"][0] > told[1]["sync_c"][0]
    assert told[0]["event_f1"][0] / told[0]["event_f1"][1] > told[1]["event_f1"][0] / told[1]["event_f1"][1]


def test_a_run_that_was_stopped_goes_on_and_makes_nothing_twice(pipe, tmp_path, monkeypatch) -> None:
    cases = [case for case in chosen(TINY, 12) if case.subset != "speech"][:6]

    def bench() -> BenchRun:
        return BenchRun(pipe, "abc", TINY, cases, tmp_path, batch_size=2, tell=lambda line: None)

    judged: list[str] = []
    real = running.measure_clip

    def counting(tools: Tools, clip: Taken):
        if len(judged) == 3:
            raise KeyboardInterrupt
        judged.append(clip.case.id)
        return {}, {}

    monkeypatch.setattr(running, "measure_clip", counting)
    with pytest.raises(KeyboardInterrupt):
        bench().run(["plain"])
    made = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.mp4")}
    assert len(made) == 4 and len(list(tmp_path.rglob("*.json"))) == 3
    monkeypatch.setattr(running, "measure_clip", real)
    again = bench()
    again.run(["plain"])
    assert all(path.stat().st_mtime_ns == time for path, time in made.items())
    assert [one["id"] for one in again.records("plain")] == [case.id for case in cases]
    assert [one["parts"] == {} for one in again.records("plain")] == [case.id in judged for case in cases]
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


def run_command(tmp_path: Path, *arguments: str):
    return CliRunner().invoke(command.app, ["--model", "micro", "--out", str(tmp_path), *arguments])


def test_the_command_says_what_it_does_not_know(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HARMONY_CACHE", str(tmp_path))  # no speech bank but the small one
    for arguments, words in (
        (("--cases", "1", "--set", "best"), "no set of clips"),
        (("--edition", "huge"), "no cases"),
        (("--cases", "30"), "full speech bank"),
        (("--edition", "full", "--set", "true"), "tiny world only"),
        (("--edition", "full", "--split", "val"), "edition tiny"),
    ):
        told = run_command(tmp_path, *arguments)
        assert told.exit_code == 2 and words in " ".join(told.output.replace("│", " ").split())


def test_cases_of_the_real_world_are_made_and_measured_as_far_as_that_goes(pipe, tmp_path) -> None:
    cases = [BenchCase(id="a", subset="ambient", prompt="a bell", audio_prompt="a bell", seed=1)]
    bench = BenchRun(pipe, "abc", cases, cases, tmp_path, batch_size=1, tell=lambda line: None)
    bench.run(["model"])
    (told,) = bench.records("model")
    assert "flicker" in told["parts"] and "sync_c" not in told["parts"] and told["embeddings"] == {}
    assert "imagebind" in told["missing"]["ib"] and "ib" not in told["parts"]


@pytest.mark.browser
def test_the_report_loads_nothing_and_its_clips_play(tmp_path) -> None:
    own = tmp_path / "own.jsonl"
    own.write_text("".join(case.model_dump_json() + "\n" for case in TINY if case.kind in ("drum", "bell_and_lamp")))
    told = run_command(
        tmp_path,
        "--edition",
        str(own),
        "--cases",
        "2",
        "--set",
        "plain",
        "--set",
        "true",
        "--shown",
        "2",
        "--batch-size",
        "2",
    )
    assert told.exit_code == 0, told.output
    figures = json.loads((tmp_path / "harmony-bench.json").read_text())
    assert set(figures["sets"]) == {"plain", "true"} and "true" in figures["gains"]
    with chromium_page() as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((tmp_path / "report.html").as_uri())
        assert page.locator("video").count() == 4
        page.evaluate("document.querySelector('video').muted = true; document.querySelector('video').play()")
        page.wait_for_function("document.querySelector('video').currentTime > 0.2", timeout=10_000)
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


@pytest.mark.slow
def test_processes_share_the_cases(tmp_path) -> None:
    own = tmp_path / "own.jsonl"
    own.write_text("".join(case.model_dump_json() + "\n" for case in TINY if case.kind == "drum"))
    arguments = ["--edition", str(own), "--model", "micro", "--set", "plain", "--out", str(tmp_path)]
    module = ["-m", "harmony.evaluation.harmony_bench", *arguments]
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", *module]
    told = subprocess.run(launch, capture_output=True, text=True, timeout=280)
    assert told.returncode == 0, told.stderr[-2000:]
    assert told.stdout.count("of 2 clips") == 2  # four cases, two a process
    assert json.loads((tmp_path / "harmony-bench.json").read_text())["cases"] == 4
