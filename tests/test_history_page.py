"""The tab History in a real browser, on random weights: two visitors, keyboard, a voice again, files dropped in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from browser import chromium_page

from harmony import media
from harmony.ui.app import launch_app
from harmony.ui.history import DELETED

pytestmark = [pytest.mark.browser, pytest.mark.slow]  # its waits are for a machine that is not busy


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
    patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    app = launch_app("micro", block=False)
    yield app.local_url
    app.close()
    patch.undo()


class Visitor:
    """Somebody with the page open; looks and presses in the tab that is shown."""

    def __init__(self, page, url: str) -> None:
        self.page = page
        page.goto(url)

    @property
    def panel(self):
        return self.page.get_by_role("tabpanel").locator("visible=true").first

    def go(self, tab: str) -> None:
        self.page.get_by_role("tab", name=tab).click()

    def shown(self, tab: str) -> None:
        self.page.get_by_role("tab", name=tab, selected=True).wait_for(timeout=10_000)

    def button(self, name: str):
        return self.panel.get_by_role("button", name=name, exact=True).locator("visible=true").first

    def open(self, name: str) -> None:
        self.panel.locator("button.label-wrap", has_text=name).locator("visible=true").first.click()

    def number(self, label: str):
        return self.panel.get_by_label(f"number input for {label}")

    def set(self, label: str, value: str) -> None:
        self.number(label).fill(value)
        self.number(label).press("Enter")
        self.page.wait_for_timeout(500)  # the page takes a typed number up a moment later

    def shows(self, label: str, value: str) -> None:
        """The number arrives; how soon depends on how busy the machine is."""
        handle = self.number(label).element_handle()
        self.page.wait_for_function("([field, value]) => field.value === value", arg=[handle, value], timeout=10_000)

    def make(self, button: str) -> None:
        handle = self.button(button).element_handle()
        self.button(button).click()
        self.page.wait_for_timeout(600)  # the same clip again comes too quickly to see the button sleep
        self.page.wait_for_function("b => !b.disabled", arg=handle, timeout=60_000)

    def clips(self) -> list[str]:
        """The words under the clips of the history, newest first."""
        self.page.wait_for_timeout(600)
        return self.panel.locator(".hm-gallery .caption-label").all_inner_texts()

    def download(self, name: str) -> Path:
        with self.page.expect_download(timeout=20_000) as waiting:
            self.button(name).click()
        return Path(waiting.value.path())

    def drop(self, file: Path) -> None:
        self.panel.locator(".hm-drop input[type=file]").set_input_files(str(file))


@pytest.fixture
def visitor(url):
    with chromium_page(viewport={"width": 1280, "height": 1000}) as page:
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield Visitor(page, url)
        assert errors == []


@pytest.fixture
def voice(tmp_path) -> Path:
    """Four seconds that pass for a voice: a low tone with overtones."""
    t = np.arange(4 * 16_000) / 16_000
    wave = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 9)) * (0.2 + 0.1 * np.sin(2 * np.pi * 4 * t))
    return media.write_wav(tmp_path / "voice.wav", wave.astype(np.float32), 16_000)


def test_a_clip_with_a_voice_is_chosen_by_keyboard_and_made_again(visitor, url, voice) -> None:
    visitor.panel.get_by_label("What is seen").fill("a face says hello")
    visitor.panel.get_by_label("What is said").fill("hello")
    visitor.open("A voice, a first picture, the length")
    visitor.panel.locator("input[type=file]").first.set_input_files(str(voice))
    visitor.number("Voice from").wait_for(timeout=20_000)
    visitor.set("Voice from", "0.75")
    visitor.panel.get_by_label("The person who speaks agrees to this").check()
    visitor.open("Guidance, steps and seed")
    visitor.set("Steps", "2")
    visitor.set("Acts until", "0.5")
    visitor.make("Generate")
    clip = visitor.download("Video (mp4)").read_bytes()
    visitor.set("Voice from", "0.2")  # left otherwise than it was
    visitor.set("Steps", "7")

    visitor.go("History")
    assert visitor.clips() == ["a face says hello"]
    visitor.page.get_by_role("button", name="Thumbnail 1 of 1").focus()
    visitor.page.keyboard.press("Enter")
    visitor.panel.get_by_text("Given: the voice").wait_for(timeout=10_000)
    assert visitor.download("Video (mp4)").read_bytes() == clip
    assert media.probe(visitor.download("Sound (wav)")).has_audio
    visitor.button("Use these settings again").focus()
    visitor.page.keyboard.press("Enter")
    visitor.shown("Joint generation")
    visitor.page.wait_for_function(
        "() => [...document.querySelectorAll('input')].some(e => e.ariaLabel === 'number input for Voice from' "
        "&& e.offsetParent && e.value === '0.75')",
        timeout=10_000,
    )
    visitor.shows("Steps", "2")
    visitor.shows("Acts until", "0.5")
    consent = visitor.panel.get_by_label("The person who speaks agrees to this")
    assert not consent.is_checked()
    visitor.make("Generate")
    visitor.page.get_by_text("Please tick that the person who speaks agrees").wait_for(timeout=10_000)
    consent.check()
    visitor.make("Generate")
    assert visitor.download("Video (mp4)").read_bytes() == clip
    visitor.go("History")
    assert visitor.clips() == ["a face says hello"]

    stranger = Visitor(visitor.page.context.browser.new_page(), url)
    stranger.go("History")
    assert stranger.clips() == [] and stranger.button("Use these settings again").is_disabled()
    assert visitor.clips() == ["a face says hello"]


def test_variants_are_kept_deleted_and_made_again_and_files_restore_settings(visitor, tmp_path) -> None:
    visitor.go("Compare guidance")
    visitor.panel.get_by_label("What is seen").fill("a red drum")
    visitor.panel.get_by_label("Values").fill("1, 12")
    visitor.open("Guidance, steps and seed")
    visitor.set("Steps", "1")
    visitor.make("Compare")
    visitor.go("History")
    assert visitor.clips() == ["a red drum", "a red drum"]
    visitor.panel.locator(".hm-gallery img").nth(1).click()
    visitor.panel.get_by_text("picture 12, sound 12").wait_for(timeout=10_000)
    mine = tmp_path / "mine.mp4"
    mine.write_bytes(visitor.download("Video (mp4)").read_bytes())
    visitor.button("Its first picture to Joint generation").click()
    visitor.shown("Joint generation")
    visitor.open("A voice, a first picture, the length")
    visitor.panel.locator("img[alt]").locator("visible=true").first.wait_for(timeout=10_000)

    visitor.go("History")
    visitor.button("Delete this clip").click()
    visitor.panel.get_by_text(DELETED).wait_for(timeout=10_000)
    assert visitor.clips() == ["a red drum"] and visitor.button("Video (mp4)").is_disabled()
    frames = np.zeros((8, 32, 32, 3), np.uint8)
    visitor.drop(media.write_clip(tmp_path / "foreign.mp4", frames, None, frame_rate=8.0, sample_rate=16_000))
    visitor.page.get_by_text("'foreign.mp4' carries no settings of Harmony").wait_for(timeout=20_000)
    visitor.page.wait_for_timeout(500)
    visitor.drop(mine)  # at once: the field is empty again
    visitor.panel.get_by_text("picture 12, sound 12").wait_for(timeout=20_000)
    assert visitor.clips() == ["a red drum", "a red drum"]
    visitor.button("Use these settings again").click()
    visitor.shown("Joint generation")
    visitor.page.get_by_text("Picture strength 12 became 10").wait_for(timeout=10_000)
    visitor.open("Guidance, steps and seed")
    visitor.shows("Picture strength", "10")
    visitor.shows("Steps", "1")
    visitor.make("Generate")
    visitor.go("History")
    assert visitor.clips() == ["a red drum"] * 3
