"""``harmony plan``: which settings a card needs, and what to expect of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from harmony.terminal import err, out, plain_errors

if TYPE_CHECKING:
    from harmony.memory.parts import Parts
    from harmony.memory.planner import Plan

Quantize = Annotated[
    str, typer.Option(help="[b]none[/b], [b]int8[/b] or [b]nf4[/b]: fewer bits for the big layers. Default: as needed.")
]
Offload = Annotated[
    str,
    typer.Option(
        help="[b]none[/b], [b]model[/b], [b]group[/b] or [b]sequential[/b]: what waits in main memory. "
        "Default: as needed."
    ),
]
Compile = Annotated[
    bool,
    typer.Option("--compile", help="Compile the model's layers on the graphics card; the first clip waits for it."),
]

_PHASES = {"text": "reading the text", "denoise": "making the clip", "codecs": "coding pictures and sound"}


def plan(
    vram: Annotated[
        float | None, typer.Option(min=0.1, help="Memory of the card in GB. Default: what is free on the one here.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="A folder or hub id; only its configs are read. Default: Ovi's released size.")
    ] = None,
    height: Annotated[int | None, typer.Option(min=1, help="Of the clip, in pixels. Default: the model's own.")] = None,
    width: Annotated[int | None, typer.Option(min=1, help="Of the clip, in pixels. Default: the model's own.")] = None,
    frames: Annotated[int | None, typer.Option(min=1, help="Of the clip. Default: the model's own.")] = None,
    quantize: Quantize = "auto",
    offload: Offload = "auto",
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Tell how a model would be opened on a graphics card, and what it would need there. Opens no weights."""
    with plain_errors(debug), err.status("Counting …"):
        from dataclasses import replace

        from harmony.memory.card import card_bytes
        from harmony.memory.planner import GB, make_plan, passes_of_a_step

        free = card_bytes() if vram is None else vram * GB
        if free is None:
            raise ValueError("no graphics card was found here; say how much memory yours has, for example --vram 24")
        parts, guidance = _opened(model)
        if parts.is_small and quantize == offload == "auto":
            out.print(f"{model}: so small a model fits every card; it is opened as it is, all of it on the card.")
            return
        wanted = dict(height=height, width=width, num_frames=frames)
        size = replace(parts.size, **{name: value for name, value in wanted.items() if value is not None})
        made = make_plan(
            parts, vram=free, size=size, quantize=quantize, offload=offload,
            num_passes=passes_of_a_step(guidance.terms, guidance.num_inference_steps),
        )  # fmt: skip
        lines = [*told(made, vram=free, name=model or "Ovi's released size"), *_seconds(made)]
    for line in lines:
        out.print(line)
    if not made.fits:
        raise typer.Exit(1)


def told(made: Plan, *, vram: float, name: str) -> list[str]:
    """A plan as lines for the screen."""
    from harmony.memory.planner import GB, RESERVE, SLACK

    weights = ", ".join(f"{part.replace('_', ' ')} {size / GB:.1f} GB" for part, size in made.weights.items())
    verdict = "[green]✓[/green] fits" if made.fits else "[red]✗[/red] does not fit; the most frugal settings are"
    return [
        f"{name}, clips of {made.size}, {made.num_passes} passes a step, on a card of {vram / GB:.1f} GB",
        f"{verdict}: [b]{made.settings.words}[/b]",
        *(f"  {words:<26}{made.phases[phase] / GB:6.1f} GB" for phase, words in _PHASES.items()),
        f"  {'waiting in main memory':<26}{made.main_memory / GB:6.1f} GB",
        f"[dim]Weights, exact: {weights}. Activations are counted on the code that runs. "
        f"Assumed: {RESERVE / GB:.1f} GB for the driver and {SLACK - 1:.0%} for the allocator.[/dim]",
    ]


def _seconds(made: Plan) -> list[str]:
    """What is known about time: the work, and, where a card is here, the least time that its measured rate allows."""
    from harmony.memory.card import has_card, matmul_rate

    work = f"[dim]One pass is {made.operations_per_pass / 1e12:.1f} TFLOP."
    if not has_card():
        return [f"{work} Seconds: no card was measured here, so none are told.[/dim]"]
    rate = matmul_rate("cuda")
    least = made.operations_per_pass * made.num_passes / rate
    return [
        f"{work} The card here multiplies at {rate / 1e12:.0f} TFLOP/s in bf16 (measured now), "
        f"so a step takes at least {least:.2f} s; how near a real step comes was not measured.[/dim]"
    ]


def _opened(model: str | None) -> tuple[Parts, object]:
    from harmony.guidance import GuidanceConfig
    from harmony.memory.choice import config_folder
    from harmony.memory.parts import Parts

    if model is None:
        return Parts.ovi(), GuidanceConfig.ovi()
    from harmony.session import MICRO, chosen_model

    if model == MICRO:
        raise ValueError("micro is so small that there is nothing to plan; name a folder or hub id")
    folder = config_folder(chosen_model(model))
    return Parts.of(folder), GuidanceConfig.load(folder)
