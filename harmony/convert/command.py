"""``harmony convert``: open public weights as Harmony folders, and write Ovi's names again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harmony.terminal import out as screen
from harmony.terminal import plain_errors

app = typer.Typer(
    help="Convert public weights: Ovi as a whole pipeline, Wan2.2 as the start of a training.", no_args_is_help=True
)

Out = Annotated[Path, typer.Argument(help="The folder to write. It must not be there yet.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


@app.command(
    epilog="[b]Examples[/b]\n\nharmony convert ovi chetwinlow1/Ovi ovi-720 --accept-noncommercial\n\n"
    "harmony convert ovi model_960x960_10s.safetensors ovi-10s --wan Wan2.2-TI2V-5B-Diffusers"
)
def ovi(
    source: Annotated[str, typer.Argument(help="Ovi's .safetensors file (bf16 or fp8), or chetwinlow1/Ovi.")],
    out: Out,
    release: Annotated[str | None, typer.Option(help="720x720_5s, 960x960_5s or 960x960_10s.")] = None,
    wan: Annotated[
        str | None, typer.Option(help="Wan2.2-TI2V-5B in diffusers' layout: a folder or hub id. Default: the hub's.")
    ] = None,
    accept_noncommercial: Annotated[
        bool,
        typer.Option(
            "--accept-noncommercial",
            help="Fetch MMAudio's sound codec too. Its weights are CC-BY-NC 4.0: not for commercial use.",
        ),
    ] = False,
    mmaudio: Annotated[Path | None, typer.Option(help="A folder with v1-16.pth and best_netG.pt, if at hand.")] = None,
    for_training: Annotated[
        bool, typer.Option("--for-training", help="Add the parts that Ovi lacks; the same clips until trained.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Write a pipeline's folder from Ovi's released weights."""
    with plain_errors(debug):
        from harmony.convert.ovi import convert_ovi, training_config

        report = convert_ovi(
            source, out, release=release, wan=wan, accept_noncommercial=accept_noncommercial, say=screen.print,
            mmaudio=None if mmaudio is None else (mmaudio / "v1-16.pth", mmaudio / "best_netG.pt"),
            config=training_config() if for_training else None,
        )  # fmt: skip
        _tell(report.num_taken, report.fresh, report.num_parameters, out)
        if not accept_noncommercial:
            screen.print(
                "  There is no sound codec in it: MMAudio's is CC-BY-NC 4.0. Add --accept-noncommercial, or open the "
                "folder with a codec of your own.",
                style="dim",
            )


@app.command(epilog="[b]Example[/b]\n\nharmony convert wan Wan2.2-TI2V-5B/transformer harmony-start")
def wan(
    source: Annotated[Path, typer.Argument(help="Wan2.2's transformer: a folder, index or file.")],
    out: Out,
    seed: Annotated[int, typer.Option(help="Of the parts that start fresh.")] = 0,
    debug: Debug = False,
) -> None:
    """Write the transformer that the paper's training starts from."""
    with plain_errors(debug):
        from harmony.convert.wan import convert_wan

        report = convert_wan(source, out, seed=seed, say=screen.print)
        _tell(report.num_taken, report.fresh, report.num_parameters, out)


@app.command(epilog="[b]Example[/b]\n\nharmony convert to-ovi my-model my-ovi.safetensors")
def to_ovi(
    folder: Annotated[Path, typer.Argument(help="A folder that harmony convert ovi wrote, trained or not.")],
    file: Annotated[Path, typer.Argument(help="The .safetensors file to write.")],
    debug: Debug = False,
) -> None:
    """Write a model in Ovi's names, for Ovi's own software."""
    with plain_errors(debug):
        from harmony.convert.ovi import convert_to_ovi

        count = convert_to_ovi(folder, file)
        screen.print(f"[green]✓[/green] {file}: {count} tensors")


def _tell(num_taken: int, fresh: tuple[str, ...], num_parameters: int, out: Path) -> None:
    screen.print(f"[green]✓[/green] {out}: {num_parameters / 1e9:.2f} B parameters")
    screen.print(f"  {num_taken} tensors taken over, {len(fresh)} start fresh", style="dim")
