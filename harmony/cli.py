"""The command line: one function per command; what they do is elsewhere."""

from __future__ import annotations

import importlib.util
import runpy
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from harmony import __version__
from harmony.convert.command import app as convert_app
from harmony.memory.command import Compile, Offload, Quantize
from harmony.memory.command import plan as plan_command
from harmony.session import Job, Knobs, chosen_model, load_pipeline, run_job
from harmony.terminal import default_output, new_seed, out, plain_errors, report, waiting, watch_steps

cli = typer.Typer(
    name="harmony",
    help="Make a video and its sound together, or one for the other.",
    epilog='Start with: harmony generate "a purple drum is hit three times"',
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


class Guidance(str, Enum):
    sync = "sync"
    isolated = "isolated"
    none = "none"


# -- options that commands share -----------------------------------------------------------------

AudioPrompt = Annotated[str, typer.Option(help="What is heard. Left out, the prompt serves both.")]
Transcript = Annotated[str, typer.Option(help="What is said, in English or Chinese.")]
WordTimes = Annotated[
    str, typer.Option(help='When each word is said, "0.40-0.85 1.20-1.60", in seconds. Default: the seed decides.')
]
Voice = Annotated[Path | None, typer.Option(help="A sound file with 1 to 3 s of the voice to speak with.")]
Image = Annotated[Path | None, typer.Option(help="A picture: the first frame.")]
Start = Annotated[float, typer.Option(min=0.0, help="Where in a longer file the clip begins, in seconds.")]
Duration = Annotated[float | None, typer.Option(help="How many seconds of it to use. Default: as much as fits.")]
Length = Annotated[
    float | None, typer.Option("--duration", min=0.5, help="Length of the clip in seconds. Default: the model's own.")
]
Kind = Annotated[Guidance | None, typer.Option(help="What to push away from. Default: the model's own choice.")]
VideoScale = Annotated[float | None, typer.Option(min=0.0, help="Strength for the picture, 1 is off.")]
AudioScale = Annotated[float | None, typer.Option(min=0.0, help="Strength for the sound, 1 is off.")]
TextScale = Annotated[float | None, typer.Option(min=0.0, help="Strength of the captions, 1 is off.")]
Steps = Annotated[int | None, typer.Option(min=1, help="Denoising steps. Default: the model's own choice.")]
Seed = Annotated[int | None, typer.Option(min=0, help="The same seed gives the same clip. Default: a new one.")]
Model = Annotated[
    str | None,
    typer.Option(help="A folder, a hub id, or [b]micro[/b] (random weights). Default: the tiny model."),
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="The .mp4 to write. Default: named after the prompt.")
]
Attention = Annotated[bool, typer.Option("--attention", help="Also draw where the sound looks, beside the clip.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


@cli.callback(invoke_without_command=True)
def main_options(
    version: Annotated[bool, typer.Option("--version", help="Show the version and leave.")] = False,
) -> None:
    if version:
        out.print(f"harmony {__version__}")
        raise typer.Exit


@cli.command(
    epilog='[b]Examples[/b]\n\nharmony generate "a red lamp blinks" --audio-prompt "a soft beep" --seed 7\n\n'
    'harmony generate "a man is talking" --transcript "hello blue monkey" --reference-audio me.wav -o hello.mp4'
)
def generate(
    prompt: Annotated[str, typer.Argument(help="What is seen, in one or two plain sentences.")],
    audio_prompt: AudioPrompt = "",
    transcript: Transcript = "",
    word_times: WordTimes = "",
    reference_audio: Voice = None,
    image: Image = None,
    guidance: Kind = None,
    video_scale: VideoScale = None,
    audio_scale: AudioScale = None,
    text_scale: TextScale = None,
    duration: Length = None,
    steps: Steps = None,
    seed: Seed = None,
    model: Model = None,
    quantize: Quantize = "auto",
    offload: Offload = "auto",
    compile: Compile = False,
    output: Output = None,
    attention: Attention = False,
    debug: Debug = False,
) -> None:
    """Make a picture and its sound from words."""
    job = dict(
        task="joint", prompt=prompt, audio_prompt=audio_prompt, transcript=transcript, word_times=word_times,
        image=image, reference_audio=reference_audio, duration=duration, attention=attention,
    )  # fmt: skip
    knobs = dict(kind=guidance, video_scale=video_scale, audio_scale=audio_scale, text_scale=text_scale)
    opening = dict(quantize=quantize, offload=offload, compile=compile)
    make_clip(job, knobs, name=prompt, steps=steps, seed=seed, model=model, opening=opening, output=output, debug=debug)


@cli.command(
    epilog="[b]Examples[/b]\n\nharmony audio-to-video song.wav --start 3\n\n"
    'harmony audio-to-video knocks.mp3 --prompt "a green drum is hit" -o drum.mp4'
)
def audio_to_video(
    sound: Annotated[Path, typer.Argument(help="A sound, or a film with one. Whatever ffmpeg opens.")],
    prompt: Annotated[str, typer.Option(help="What is seen.")] = "",
    transcript: Transcript = "",
    image: Image = None,
    start: Start = 0.0,
    duration: Duration = None,
    guidance: Kind = None,
    video_scale: VideoScale = None,
    text_scale: TextScale = None,
    steps: Steps = None,
    seed: Seed = None,
    model: Model = None,
    quantize: Quantize = "auto",
    offload: Offload = "auto",
    compile: Compile = False,
    output: Output = None,
    attention: Attention = False,
    debug: Debug = False,
) -> None:
    """Make a picture that follows a sound. The sound stays as it is."""
    job = dict(
        task="audio_to_video", audio=sound, prompt=prompt, transcript=transcript, image=image, start=start,
        duration=duration, attention=attention,
    )  # fmt: skip
    knobs = dict(kind=guidance, video_scale=video_scale, text_scale=text_scale)
    name = f"{sound.stem} video"
    opening = dict(quantize=quantize, offload=offload, compile=compile)
    make_clip(job, knobs, name=name, steps=steps, seed=seed, model=model, opening=opening, output=output, debug=debug)


@cli.command(
    epilog="[b]Examples[/b]\n\nharmony video-to-audio film.mp4\n\n"
    'harmony video-to-audio film.mov --start 12.5 --audio-prompt "dull wooden knocks"'
)
def video_to_audio(
    film: Annotated[Path, typer.Argument(help="A film. Whatever ffmpeg opens.")],
    audio_prompt: Annotated[str, typer.Option(help="What is heard.")] = "",
    transcript: Transcript = "",
    reference_audio: Voice = None,
    start: Start = 0.0,
    duration: Duration = None,
    guidance: Kind = None,
    audio_scale: AudioScale = None,
    text_scale: TextScale = None,
    steps: Steps = None,
    seed: Seed = None,
    model: Model = None,
    quantize: Quantize = "auto",
    offload: Offload = "auto",
    compile: Compile = False,
    output: Output = None,
    attention: Attention = False,
    debug: Debug = False,
) -> None:
    """Make the sound that belongs to a film. The pictures keep their size and frame rate."""
    job = dict(
        task="video_to_audio", video=film, audio_prompt=audio_prompt, transcript=transcript,
        reference_audio=reference_audio, start=start, duration=duration, attention=attention,
    )  # fmt: skip
    knobs = dict(kind=guidance, audio_scale=audio_scale, text_scale=text_scale)
    name = f"{film.stem} sound"
    opening = dict(quantize=quantize, offload=offload, compile=compile)
    make_clip(job, knobs, name=name, steps=steps, seed=seed, model=model, opening=opening, output=output, debug=debug)


@cli.command(
    epilog='[b]Examples[/b]\n\nharmony compare "a red drum is hit three times" --axis text --values 1,2,3\n\n'
    'harmony compare "a bell rings" --axis kind --values none,sync,isolated --seed 7 -o kinds\n\n'
    'harmony compare "a dog barks" --axis interval --values 0-1,0-0.5,0.5-1'
)
def compare(
    prompt: Annotated[str, typer.Argument(help="What is seen, in one or two plain sentences.")],
    axis: Annotated[
        str,
        typer.Option(
            help="The one setting that differs: [b]both[/b], [b]video[/b], [b]audio[/b] or [b]text[/b] (strengths), "
            "[b]kind[/b], [b]interval[/b] or [b]steps[/b]."
        ),
    ] = "both",
    values: Annotated[
        str | None, typer.Option(help="2 to 6 of its values, with commas between them. Default: a few that tell.")
    ] = None,
    audio_prompt: AudioPrompt = "",
    transcript: Transcript = "",
    guidance: Kind = None,
    video_scale: VideoScale = None,
    audio_scale: AudioScale = None,
    text_scale: TextScale = None,
    steps: Steps = None,
    seed: Seed = None,
    model: Model = None,
    quantize: Quantize = "auto",
    offload: Offload = "auto",
    compile: Compile = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A new folder for it all. Default: named after the prompt.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Make one clip several times with one setting changed; measure how well picture and sound fit in each."""
    with plain_errors(debug):
        from harmony.comparison.command import compare_clips  # what draws the plot takes a while to import

        knobs = Knobs(guidance and guidance.value, video_scale, audio_scale, text_scale)
        seed = new_seed() if seed is None else seed
        job = Job(
            prompt=prompt, audio_prompt=audio_prompt, transcript=transcript, knobs=knobs, steps=steps, seed=seed
        )  # fmt: skip
        opening = dict(quantize=quantize, offload=offload, compile=compile)
        compare_clips(job, axis=axis, values=values, model=model, opening=opening, folder=output)


@cli.command(
    "app",
    epilog="[b]Examples[/b]\n\nharmony app\n\nharmony app --model micro --port 7861 --mcp",
)
def app_command(
    model: Model = None,
    quantize: Quantize = "auto",
    offload: Offload = "auto",
    compile: Compile = False,
    host: Annotated[str | None, typer.Option(help="Where to listen; 0.0.0.0 is everywhere. Default: here.")] = None,
    port: Annotated[int | None, typer.Option(help="Default: 7860, or the next one that is free.")] = None,
    share: Annotated[bool, typer.Option("--share", help="Also offer a public link through Gradio.")] = False,
    mcp: Annotated[bool, typer.Option("--mcp", help="Also serve the endpoints as MCP tools.")] = False,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    debug: Debug = False,
) -> None:
    """Open the app in a browser's page."""
    with plain_errors(debug):
        from harmony.ui.app import launch_app  # seconds of imports that the other commands do not need

        opening = dict(quantize=quantize, offload=offload, compile=compile)
        launch_app(model, opening=opening, host=host, port=port, share=share, mcp=mcp, open_browser=open_browser)


cli.add_typer(convert_app, name="convert")
cli.command(
    "plan", epilog="[b]Examples[/b]\n\nharmony plan --vram 24\n\nharmony plan --vram 12 --model ovi-720 --frames 61"
)(plan_command)

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


@cli.command(context_settings=PASS_ON, add_help_option=False)
def train(context: typer.Context) -> None:
    """Train a model, or go on training one; [b]harmony train --help[/b] tells how."""
    pass_on("harmony.training", context)


@cli.command(context_settings=PASS_ON, add_help_option=False)
def evaluate(context: typer.Context) -> None:
    """Measure a model on scenes of the tiny world; [b]harmony evaluate --help[/b] tells how."""
    pass_on("harmony.evaluation", context)


@cli.command(context_settings=PASS_ON, add_help_option=False)
def bench(context: typer.Context) -> None:
    """Run Harmony-Bench: 150 cases, all metrics, one report; [b]harmony bench --help[/b] tells how."""
    pass_on("harmony.evaluation.harmony_bench", context)


def pass_on(package: str, context: typer.Context) -> None:
    """Run ``python -m package`` in this process, under this command's name and with its arguments."""
    with plain_errors(debug=False):
        if importlib.util.find_spec(f"{package}.__main__") is None:
            raise ValueError(f"This installation has no {package}; install the whole project from its repository.")
    sys.argv = [f"harmony {context.info_name}", *context.args]
    runpy.run_module(package, run_name="__main__")


def make_clip(
    job: dict[str, Any],
    knobs: dict[str, Any],
    *,
    name: str,
    steps: int | None,
    seed: int | None,
    model: str | None,
    opening: dict[str, str],
    output: Path | None,
    debug: bool,
) -> None:
    """Open the model, run one job under a progress bar, and say where the clip is.

    Args:
        job: fields of :class:`~harmony.session.Job`, paths as they were typed.
        knobs: fields of :class:`~harmony.session.Knobs`; ``None`` is the model's own choice.
        name: what the clip is called where ``output`` does not say.
        opening: how a big model is opened, of :func:`~harmony.session.load_pipeline`.
    """
    with plain_errors(debug):
        kind = knobs.pop("kind")
        files = {field: str(value) if isinstance(value, Path) else value for field, value in job.items()}
        wish = Job(
            **files, knobs=Knobs(kind.value if kind else None, **knobs), steps=steps,
            seed=new_seed() if seed is None else seed,
        )  # fmt: skip
        clip = default_output(name) if output is None else output
        with waiting("Opening the model"):
            pipe = load_pipeline(chosen_model(model), **opening)
        with watch_steps() as on_step:
            outcome = run_job(pipe, wish, clip, on_step=on_step)
        report(outcome)


def main() -> None:
    """The entry point ``harmony``."""
    cli()


if __name__ == "__main__":
    main()
