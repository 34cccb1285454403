"""Before any test: the package's import guards, so that tests may import diffusers in any order."""

from pathlib import Path

import pytest

import harmony  # noqa: F401


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A cache home with eight random clips to train on and four to validate on."""
    from caches import add_shard

    monkeypatch.setenv("HARMONY_CACHE", str(tmp_path))
    add_shard(tmp_path / "latents" / "train", range(8), "a")
    add_shard(tmp_path / "latents" / "val", range(100, 104), "a")
    return tmp_path
