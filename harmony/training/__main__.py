"""``python -m harmony.training``: the same commands as ``harmony train``."""

from harmony.training.commands import app

if __name__ == "__main__":
    app()
