"""A headless Chromium for the tests: $CHROMIUM, else the one on PATH, else Playwright's own."""

import os
import shutil
from contextlib import contextmanager

import pytest

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


@contextmanager
def chromium_page(**options):
    """An empty page; ``options`` go to Playwright's ``new_page`` (``viewport``, ``color_scheme``)."""
    playwright = pytest.importorskip("playwright.sync_api")
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            yield browser.new_page(**options)
        finally:
            browser.close()
