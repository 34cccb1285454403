"""Every tab's whole way in a real browser, on the weights that ship: fill, run, see it grow, play, keep, use again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from browser import chromium_page

from harmony import media
from harmony.ui.app import launch_app

pytestmark = pytest.mark.browser
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
MADE = 60_000  # milliseconds a clip may take on a busy machine
PLAYS = "v => v.webkitDecodedFrameCount > 0 && v.webkitAudioDecodedByteCount > 0 && v.currentTime > 0.2"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
    patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    app = launch_app(block=False)
    yield app.local_url
    app.close()
    patch.undo()


@pytest.fixture(scope="module")
def page(url):
    with chromium_page(viewport={"width": 1280, "height": 1000}) as page:
        page.outside, page.errors = [], []
        inside = (url, "data:", "blob:")
        page.on("request", lambda r: None if r.url.startswith(inside) else page.outside.append(r.url))
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(url)
        yield page
        assert page.outside == [] and page.errors == []


class Tab:
    """One tab of the page: only what is visible in it is found."""

    def __init__(self, page, name: str) -> None:
        self.page, self.name = page, name
        page.get_by_role("tab", name=name).click()
        self.panel = page.get_by_role("tabpanel").locator("visible=true").first

    def button(self, name: str):
        return self.panel.get_by_role("button", name=name, exact=True).locator("visible=true").first

    def open(self, name: str) -> None:
        self.panel.locator("button.label-wrap", has_text=name).locator("visible=true").first.click()

    def wait_until_made(self, button: str) -> None:
        """From the press on: Cancel wakes up, and sleeps again when the clip is there."""
        handle = self.button(button).element_handle()
        self.page.wait_for_function("b => b.disabled", arg=handle, timeout=5_000)
        self.page.wait_for_function("b => !b.disabled", arg=handle, timeout=MADE)

    def plays(self, number: int = 0) -> None:
        video = self.panel.locator("video").locator("visible=true").nth(number)
        video.wait_for(timeout=MADE)
        handle = video.element_handle()
        handle.evaluate("v => { v.currentTime = 0; return v.play(); }")
        self.page.wait_for_function(PLAYS, arg=handle, timeout=20_000)

    def download(self, name: str) -> Path:
        with self.page.expect_download(timeout=20_000) as waiting:
            self.button(name).click()
        return Path(waiting.value.path())


def test_joint_generation_from_words_to_files_and_back_from_history(page, tmp_path) -> None:
    tab = Tab(page, "Joint generation")
    tab.panel.get_by_label("What is seen").fill("a golden bell rings twice outside")
    tab.button("Generate").click()
    preview = page.locator(".hm-preview").locator("visible=true").first
    preview.wait_for(timeout=MADE)
    assert "Step" in preview.inner_text() and preview.locator("svg rect").count() == 48
    page.wait_for_function("b => !b.disabled", arg=tab.button("Generate").element_handle(), timeout=MADE)
    assert page.locator(".hm-preview").locator("visible=true").count() == 0
    tab.plays()
    tab.panel.get_by_text("In sync?").wait_for()
    clip, settings = tab.download("Video (mp4)"), json.loads(tab.download("Settings (json)").read_text())
    assert media.probe(clip).has_audio and settings["prompt"] == "a golden bell rings twice outside"
    assert media.probe(tab.download("Sound (wav)")).has_audio

    tab.open("Attention")
    film = tab.panel.locator(".hm-stage video").first
    before = film.get_attribute("src")
    tab.panel.get_by_label("What listening changes in the picture").check()
    redrawn = (
        "old => [...document.querySelectorAll('.hm-stage video')].some(v => v.offsetParent && v.src && v.src !== old)"
    )
    page.wait_for_function(redrawn, arg=before, timeout=20_000)

    history = Tab(page, "History")
    history.panel.locator(".hm-gallery img").first.click()
    history.panel.get_by_text("golden bell").first.wait_for()
    history.button("Use these settings again").click()
    page.get_by_role("tab", name="Joint generation", selected=True).wait_for()
    again = Tab(page, "Joint generation")
    again.open("Guidance, steps and seed")
    assert again.panel.get_by_label("Seed", exact=True).input_value() == str(settings["seed"])
    again.button("Generate").click()
    page.wait_for_timeout(500)  # the very same clip is handed out again, too quickly to see the button sleep
    page.wait_for_function("b => !b.disabled", arg=again.button("Generate").element_handle(), timeout=MADE)
    assert media.read_video(again.download("Video (mp4)"))[0].tobytes() == media.read_video(clip)[0].tobytes()

    dropped = Tab(page, "History")
    copy = tmp_path / "mine.mp4"
    copy.write_bytes(clip.read_bytes())
    dropped.panel.locator("input[type=file]").set_input_files(str(copy))
    dropped.panel.get_by_text(f"seed {settings['seed']}").first.wait_for(timeout=20_000)


def test_a_sound_drives_a_picture(page) -> None:
    tab = Tab(page, "Audio-driven video")
    tab.panel.locator("input[type=file]").first.set_input_files(str(EXAMPLES / "rhythm.wav"))
    tab.panel.get_by_text("Used").first.wait_for(timeout=20_000)
    tab.panel.get_by_label("What is seen").fill("a big red drum")
    tab.button("Make the picture").click()
    tab.wait_until_made("Make the picture")
    tab.plays()


def test_a_film_gets_its_sound(page) -> None:
    tab = Tab(page, "Video-driven audio")
    tab.panel.locator("input[type=file]").first.set_input_files(str(EXAMPLES / "drum.mp4"))
    tab.panel.get_by_text("of it is used").or_(tab.panel.get_by_text("Used:")).first.wait_for(timeout=20_000)
    tab.button("Make the sound").click()
    tab.wait_until_made("Make the sound")
    tab.panel.get_by_text("In sync?").wait_for()
    tab.plays(1)


def test_settings_are_compared_side_by_side(page) -> None:
    tab = Tab(page, "Compare guidance")
    tab.panel.get_by_label("What is seen").fill("a red lamp blinks four times at night")
    tab.panel.get_by_label("Values").fill("1, 2")
    tab.button("Compare").click()
    tab.wait_until_made("Compare")
    assert tab.panel.locator(".hm-player video").count() == 2
    assert tab.download("Everything (zip)").stat().st_size > 10_000


def test_cancel_frees_the_model_and_an_error_is_a_sentence(page) -> None:
    tab = Tab(page, "Joint generation")
    steps = tab.panel.get_by_label("number input for Steps")
    steps.fill("100")
    steps.press("Enter")
    tab.button("Generate").click()
    page.locator(".hm-preview").locator("visible=true").first.wait_for(timeout=MADE)
    tab.button("Cancel").click()
    page.wait_for_function("b => !b.disabled", arg=tab.button("Generate").element_handle(), timeout=10_000)
    steps.fill("2")
    steps.press("Enter")
    tab.panel.get_by_label("What is said").fill("?!")
    tab.button("Generate").click()
    page.get_by_text("No word of the transcript can be spoken").wait_for(timeout=MADE)
    tab.panel.get_by_label("What is said").fill("")
    tab.button("Generate").click()
    tab.wait_until_made("Generate")
    tab.plays()
