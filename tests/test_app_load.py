"""Eighty jobs from eight visitors at once: each gets its own clip, none fails, and memory does not grow."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from gradio_client import Client

from harmony.ui.studio import IDLE_SECONDS

VISITORS, JOBS = 8, 10
GROWTH = 1.10  # of memory from the first round to the last


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("load")
    environment = os.environ | {"GRADIO_TEMP_DIR": str(folder / "gradio"), "TMPDIR": str(folder)}
    command = [sys.executable, "-u", "-m", "harmony.cli", "app"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    try:
        for line in process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                break
        else:
            pytest.fail("the app did not start")
        threading.Thread(target=process.stdout.read, daemon=True).start()  # a full pipe would stop it
        yield process.pid, found.group(), folder
    finally:
        process.terminate()
        process.wait(20)


def memory(pid: int) -> int:
    """Bytes that the server and its helpers have for themselves, once it has rested."""
    time.sleep(IDLE_SECONDS + 3)
    process = psutil.Process(pid)
    return sum(one.memory_full_info().uss for one in (process, *process.children(recursive=True)))


@pytest.mark.slow
def test_eighty_jobs_of_eight_visitors_are_served_and_leave_nothing(server) -> None:
    pid, url, folder = server
    barrier = threading.Barrier(VISITORS + 1)
    wrong: list[str] = []

    def visit(visitor: int) -> None:
        client = Client(url, verbose=False, download_files=str(folder / f"visitor-{visitor}"))
        for job in range(JOBS):
            wish = f"a drum is hit, visitor {visitor}, job {job}"
            try:
                result = client.predict(
                    prompt=wish, steps=2, seed=100 * visitor + job, randomize_seed=False, api_name="/generate"
                )
                if json.loads(Path(result[4]).read_text())["prompt"] != wish:
                    wrong.append(f"{wish}: another visitor's clip")
            except Exception as error:
                wrong.append(f"{wish}: {error}")
            if job in (0, JOBS - 1):
                barrier.wait(600)  # everybody's first, then everybody's last job is done
                barrier.wait(600)

    visitors = [threading.Thread(target=visit, args=(visitor,)) for visitor in range(VISITORS)]
    for visitor in visitors:
        visitor.start()
    found = []
    for _ in range(2):
        barrier.wait(900)
        found.append(memory(pid))
        barrier.wait(900)
    for visitor in visitors:
        visitor.join()
    print(f"memory after the first {VISITORS} jobs {found[0] / 1e6:.0f} MB, after all {found[1] / 1e6:.0f} MB")
    assert wrong == []
    assert found[1] <= GROWTH * found[0], found
