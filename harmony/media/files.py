"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harmony.media.errors import MediaError


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A name beside ``path`` to write to; it takes ``path``'s place on success and vanishes on failure.

    Raises:
        MediaError: if the folder cannot be written to.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem[:40]}-{secrets.token_hex(4)}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(exist_ok=False)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise MediaError(f"'{path}' cannot be written ({error.strerror}); choose another folder") from error
    finally:
        temporary.unlink(missing_ok=True)
