"""The app: endpoints that make playable clips, sentences for what goes wrong, a page that a person can use."""

import os
import re
import shutil
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file

from harmony import media
from harmony.session import Job, Knobs
from harmony.ui import examples
from harmony.ui.app import launch_app
from harmony.ui.controls import chosen_seed
from harmony.ui.model import ModelHolder
from harmony.ui.studio import Studio

ENDPOINTS = {"/generate", "/audio_to_video", "/video_to_audio", "/compare"}
FAST = dict(steps=2, guidance="none", seed=3, randomize_seed=False)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
    patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    app = launch_app("micro", mcp=True, block=False)
    yield app
    app.close()
    patch.undo()


@pytest.fixture(scope="module")
def client(page):
    return Client(page.local_url, verbose=False)


@pytest.fixture
def files(tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (100, 48, 80, 3), dtype=np.uint8)
    film = media.write_clip(tmp_path / "film.mp4", frames, None, frame_rate=25.0, sample_rate=16_000)
    wave = np.sin(np.arange(6 * 22_050) / 9).astype(np.float32) * np.linspace(0, 0.9, 6 * 22_050, dtype=np.float32)
    sound = media.write_wav(tmp_path / "song.wav", wave, 22_050)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(bytes(range(256)) * 8)
    return SimpleNamespace(film=film, sound=sound, broken=broken)


def played(result):
    """The clip's facts and the rest of what an endpoint gave."""
    clip, attention, matrix, sound, settings, seed, facts, sync, timeline = result
    paths = [value["video"] if isinstance(value, dict) else value for value in (clip, attention)]
    infos = [media.probe(path) for path in paths]
    assert all((info.video_codec, info.audio_codec) == ("h264", "aac") for info in infos)
    assert media.probe(sound).has_audio
    assert media.read_image(matrix).shape[2] == media.read_image(timeline).shape[2] == 3
    assert "In sync?" in sync
    return infos[0], SimpleNamespace(settings=Path(settings).read_text(), seed=seed, facts=facts, sound=sound)


# -- the endpoints -------------------------------------------------------------------------------


def test_every_endpoint_and_parameter_is_documented(client):
    api = client.view_api(return_format="dict", print_info=False)
    assert set(api["named_endpoints"]) == ENDPOINTS and not api["unnamed_endpoints"]
    tools = httpx.get(f"{client.src}gradio_api/mcp/schema").raise_for_status().json()
    assert {f"/{tool['name']}" for tool in tools} == ENDPOINTS
    for tool in tools:
        assert tool["description"]
        assert [n for n, p in tool["inputSchema"]["properties"].items() if not p.get("description")] == []


def test_words_make_a_clip_again_and_again_the_same(client):
    info, rest = played(client.predict(prompt="a red drum", transcript="hello", api_name="/generate", **FAST))
    assert (info.num_frames, info.width, info.height) == (33, 64, 64)
    assert rest.seed == 3 and "Seed 3" in rest.facts and '"transcript": "hello"' in rest.settings


def test_a_sound_drives_a_picture_from_the_chosen_start(client, files):
    info, rest = played(client.predict(audio=handle_file(files.sound), start=3.5, api_name="/audio_to_video", **FAST))
    assert info.num_frames == 33 and "3.50 s to 5.56 s" in rest.facts
    heard, _ = media.read_audio(rest.sound)
    given, _ = media.read_audio(files.sound, start=3.5, duration=33 / 16)
    np.testing.assert_allclose(heard[: len(given)], given, atol=1e-4)


def test_a_film_keeps_its_pictures(client, files):
    info, rest = played(client.predict(video=handle_file(files.film), start=1.0, api_name="/video_to_audio", **FAST))
    assert (info.width, info.height, info.frame_rate) == (80, 48, 25.0)
    assert "1.00 s to 3.06 s" in rest.facts


ERRORS = [
    ("/generate", {"prompt": "drum", "transcript": "?!"}, "No word of the transcript can be spoken"),
    ("/generate", {"prompt": "drum", "guidance_start": 0.8, "guidance_stop": 0.2}, "from one share of the steps to a"),
    ("/audio_to_video", {"audio": "broken"}, "cannot be read"),
    ("/audio_to_video", {"audio": None}, "Please upload or record a sound first"),
    ("/video_to_audio", {"video": "broken"}, "cannot be read"),
    ("/video_to_audio", {"video": None}, "Please upload a film first"),
    ("/video_to_audio", {"video": "film", "start": 60.0}, "nothing starts at 60.00 s"),
]


def test_what_goes_wrong_is_a_sentence_and_the_next_request_is_served(client, files):
    for endpoint, wish, words in ERRORS:
        uploads = {key: handle_file(getattr(files, wish[key])) for key in ("audio", "video") if wish.get(key)}
        with pytest.raises(Exception, match=words):
            client.predict(**wish | uploads, api_name=endpoint, **FAST)
    played(client.predict(prompt="next", api_name="/generate", **FAST))


def test_two_visitors_at_once_are_both_served(page):
    results = {}

    def visit(name):
        results[name] = Client(page.local_url, verbose=False).predict(prompt=name, api_name="/generate", **FAST)

    visitors = [threading.Thread(target=visit, args=(name,)) for name in ("drum", "lamp")]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    settings = [played(results[name])[1].settings for name in ("drum", "lamp")]
    assert '"prompt": "drum"' in settings[0] and '"prompt": "lamp"' in settings[1]


# -- the model and the studio --------------------------------------------------------------------


def test_the_page_does_not_wait_for_the_model():
    opened = threading.Event()
    holder = ModelHolder("slow", load=lambda name: opened.wait(5) and name)
    holder.start()
    assert holder.state == "loading"
    with pytest.raises(TimeoutError, match="still loading"):
        holder.get(timeout=0.01)
    opened.set()
    assert holder.get() == "slow" and holder.state == "ready"


def test_a_model_that_cannot_be_opened_says_why():
    def refuse(name):
        raise OSError("the weights are cut off")

    studio = Studio(ModelHolder("gone", load=refuse))
    with pytest.raises(gr.Error, match="The model gone could not be opened: the weights are cut off"):
        studio.make(Job(prompt="drum"), None, gr.Progress())


def test_cancel_stops_within_a_step_and_the_model_is_free_again(monkeypatch):
    from harmony.session import load_pipeline

    monkeypatch.setattr(gr, "Info", lambda *_: None)
    studio = Studio(ModelHolder("micro", load=load_pipeline))
    visitor, steps = SimpleNamespace(session_hash="me"), []

    def progress(done, **_):
        if isinstance(done, tuple):
            steps.append(done[0])
            if done[0] == 3:
                studio.cancel(visitor)

    assert studio.make(Job(prompt="drum", steps=500, knobs=Knobs("none")), visitor, progress) is None
    assert steps == [1, 2, 3]
    assert studio.make(Job(prompt="drum", steps=1, knobs=Knobs("none")), visitor, gr.Progress()).clip.is_file()


def test_a_kept_seed_stays_and_new_ones_differ():
    assert chosen_seed(5, False) == 5
    assert len({chosen_seed(5, True) for _ in range(8)}) > 1


def test_the_same_job_is_made_once(monkeypatch):
    calls = []

    def make_once(pipe, job, clip, **_):
        calls.append(job)
        clip.touch()
        return SimpleNamespace(clip=clip)

    monkeypatch.setattr("harmony.ui.studio.run_job", make_once)
    studio = Studio(ModelHolder("none", load=lambda name: None))
    job = Job(prompt="drum", seed=7)
    first, again, other = (studio.make(j, None, gr.Progress()) for j in (job, Job(prompt="drum", seed=7), Job(seed=8)))
    assert first is again and other is not first and len(calls) == 2
    first.clip.unlink()
    studio.make(job, None, gr.Progress())
    assert len(calls) == 3


def test_examples_speak_the_toy_worlds_language():
    from harmony.data.world import vocabulary

    rows = [*examples.JOINT, *examples.AUDIO_DRIVEN, *examples.VIDEO_DRIVEN]
    cells = [cell for row in rows for cell in row if cell]
    named = [cell for cell in cells if "." in cell]
    assert [name for name in named if not (examples.FOLDER / name).is_file()] == []
    spoken = {row[2] for row in examples.JOINT}
    words = {word for cell in cells if cell not in named and cell not in spoken for word in re.findall(r"\w+", cell)}
    assert words - set(vocabulary()) == set()


# -- the page in a browser -----------------------------------------------------------------------

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with playwright.sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.mark.browser
def test_a_person_types_presses_and_sees_a_clip_with_sound(page, browser):
    tab = browser.new_page()
    outside, errors = [], []
    tab.on("request", lambda r: None if r.url.startswith((page.local_url, "data:", "blob:")) else outside.append(r.url))
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.goto(page.local_url)
    tab.get_by_label("What is seen").first.fill("a purple drum is hit three times")
    tab.get_by_role("button", name="Generate").click()
    video = tab.locator("video").first
    video.wait_for(timeout=60_000)
    played_both = "v => v.webkitDecodedFrameCount > 0 && v.webkitAudioDecodedByteCount > 0 && v.currentTime > 0.3"
    deadline = time.monotonic() + 30
    while not video.evaluate(played_both):
        assert time.monotonic() < deadline, video.evaluate("v => [v.readyState, v.currentTime, v.error]")
        tab.wait_for_timeout(100)
    assert tab.get_by_text("Seed").last.is_visible()
    assert outside == [] and errors == []
    tab.close()


@pytest.mark.browser
def test_after_an_error_the_button_is_ready_again(page, browser):
    tab = browser.new_page()
    tab.goto(page.local_url)
    tab.get_by_label("What is seen").first.fill("a drum")
    tab.get_by_label("What is said").first.fill("?!")
    button = tab.get_by_role("button", name="Generate")
    button.click()
    tab.get_by_text("No word of the transcript can be spoken").wait_for(timeout=60_000)
    tab.wait_for_function("b => !b.disabled", arg=button.element_handle(), timeout=10_000)
    tab.close()


@pytest.mark.browser
def test_an_upload_that_cannot_be_read_says_so_at_once(page, browser, files):
    tab = browser.new_page()
    tab.goto(page.local_url)
    tab.get_by_role("tab", name="Video-driven audio").click()
    tab.get_by_role("tabpanel").locator("visible=true").locator("input[type=file]").first.set_input_files(files.broken)
    tab.get_by_text("'broken.mp4' cannot be read").wait_for(timeout=20_000)
    tab.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(page, browser, width):
    tab = browser.new_page(viewport={"width": width, "height": 844})
    tab.goto(page.local_url)
    tab.get_by_role("button", name="Generate").wait_for()
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    tab.close()
