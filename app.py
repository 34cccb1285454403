"""Start the app: ``python app.py``, with ``--help`` for its options. A Hugging Face Space runs this file."""

import spaces  # noqa: F401, I001 - on ZeroGPU it must come before everything that touches CUDA

import typer

from harmony.cli import app_command

if __name__ == "__main__":
    typer.run(app_command)
