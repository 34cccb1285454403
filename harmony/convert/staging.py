"""A folder that is there as a whole or not at all."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class CannotWrite(ValueError):  # noqa: N818  (said to people as a sentence)
    """There is no room, or something is there already."""


@contextmanager
def staged(out: Path, *, needs: int = 0) -> Iterator[Path]:
    """A temporary folder beside ``out`` that becomes ``out`` when all went well, and vanishes when not.

    Args:
        out: must not be there yet, or be an empty folder.
        needs: bytes that are going to be written.

    Raises:
        CannotWrite: ``out`` is there already, or the disk is full or too small.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CannotWrite(f"{out} is there already; choose another folder or remove it first")
    out.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(out.parent).free
    if free < needs:
        raise CannotWrite(f"{out.parent} has {free / 1e9:.1f} GB free but {needs / 1e9:.1f} GB are needed")
    folder = out.with_name(f".{out.name}.unfinished")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
        if out.exists():
            out.rmdir()
        folder.rename(out)
    except Exception as error:
        if is_full(error):
            raise CannotWrite(f"the disk of {out.parent} is full; make room and try again") from error
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_full(error: BaseException) -> bool:
    """Whether a disk was full; safetensors says so in words only."""
    return getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error)
