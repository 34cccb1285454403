"""The tab *Compare guidance*: one caption, one seed, one setting that changes; clips side by side, and what it does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from gradio.components import Component

from harmony.comparison import AXES, Compared, Comparison
from harmony.comparison.result import HEADERS
from harmony.session import Defaults, Job
from harmony.session.readout import TRUE_SYNC_C, WRONG_SYNC_C
from harmony.ui.controls import ButtonRow, chosen_knobs, chosen_seed, fine_controls
from harmony.ui.players import EMPTY, players_html
from harmony.ui.slide import Made
from harmony.ui.studio import Studio, human_errors

INTRO = "Make one clip several times from the same noise, and change a single setting. What differs is its doing."
MEASURED = (
    "*Together* is the share of what is seen and heard to happen that falls within one frame of each other "
    "(joint F1, 62.5 ms). *Sound later by* is the median over those pairs. Both are found on the clips themselves by "
    "two small networks that know the toy world; elsewhere they are a hint. *Sync-C*, of lips too, tells how much "
    f"better the sound fits as it is than moved: {TRUE_SYNC_C} in true clips of that world, {WRONG_SYNC_C} with wrong "
    "sounds."
)
FIRST = "both"
SEED = 7
# What is seen, what is compared, its values.
EXAMPLES = [
    ["a purple drum is hit three times", "both", "1, 1.5, 3"],
    ["a golden bell rings twice outside", "text", "1, 3, 6"],
    ["a big red drum is hit four times", "kind", "none, sync, isolated"],
]


def compare_tab(studio: Studio, defaults: Defaults) -> gr.State:
    """Lay out the tab and publish ``/compare``; what comes back holds the variants that were made last."""
    gr.Markdown(INTRO, elem_classes="hm-intro")
    with gr.Row(elem_classes="hm-columns"):
        with gr.Column(scale=5, min_width=300):
            prompt = gr.Textbox(
                label="What is seen", info="One or two plain sentences.", lines=2, max_lines=6,
                placeholder="a purple drum is hit three times",
            )  # fmt: skip
            audio_prompt = gr.Textbox(
                value="", label="What is heard", info="Optional. Left empty, the sentence above serves both.",
                lines=1, max_lines=6, placeholder="three deep drum beats",
            )  # fmt: skip
            transcript = gr.Textbox(
                value="", label="What is said", info="Optional. The words of a speaker, in English or Chinese.",
                lines=1, max_lines=6, placeholder="hello blue monkey",
            )  # fmt: skip
            axis, values = _axis_controls()
            buttons = ButtonRow.create("Compare")
            fine = fine_controls(defaults)
        with gr.Column(scale=7, min_width=300):
            result = ComparisonPanel.create()

    def compare(
        prompt: str,
        audio_prompt: str = "",
        transcript: str = "",
        axis: str = FIRST,
        values: str = AXES[FIRST].suggested,
        guidance: str = "sync",
        video_scale: float = 1.0,
        audio_scale: float = 1.0,
        text_scale: float = 1.0,
        guidance_start: float = 0.0,
        guidance_stop: float = 1.0,
        steps: int = 8,
        seed: int = 0,
        randomize_seed: bool = True,
        request: gr.Request | None = None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio finds it
    ) -> tuple:
        """Make one clip several times with one setting varied, and measure how well picture and sound fit in each.

        Args:
            prompt: What is seen, in one or two plain sentences.
            audio_prompt: What is heard. Empty: the prompt serves both.
            transcript: What a speaker says, in English or Chinese. Empty: nobody speaks by request.
            axis: The setting that is varied: both, video, audio or text (strengths), kind, interval or steps.
            values: 2 to 6 of its values with commas between them, such as 1, 2, 3; of intervals 0-0.5, 0.5-1.
            guidance: Of all variants: sync (SyncCFG), isolated or none.
            video_scale: Of all variants: strength of the guidance for the picture, 1 is off.
            audio_scale: Of all variants: strength of the guidance for the sound, 1 is off.
            text_scale: Of all variants: strength of the text guidance, 1 is off.
            guidance_start: Of all variants: the share of the steps, 0 to 1, from which the guidance acts.
            guidance_stop: Of all variants: the share of the steps, 0 to 1, until which the guidance acts.
            steps: Of all variants: number of denoising steps.
            seed: Where the noise of all variants starts, used when randomize_seed is false.
            randomize_seed: Draw a new seed.

        Returns:
            The players (html), all clips in one film with their values under them (mp4), everything in one zip (clips,
            sounds, settings, table, plot, film), a table of what was measured, the same as a plot (png), the seed that
            was used, and a line of facts.
        """
        scales = dict(video_scale=video_scale, audio_scale=audio_scale, text_scale=text_scale)
        knobs = chosen_knobs(guidance, **scales, start=guidance_start, stop=guidance_stop)
        job = Job(
            task="joint",
            prompt=prompt,
            audio_prompt=audio_prompt,
            transcript=transcript,
            knobs=knobs,
            steps=steps,
            seed=chosen_seed(seed, randomize_seed),
        )
        with human_errors():
            wish = Comparison.of(job, axis=axis, values=values)
        return result.values(studio.compare(wish, request, progress))

    examples = gr.Examples(
        [[*row, SEED, False] for row in EXAMPLES],
        inputs=[prompt, axis, values, *fine[-2:]],
        example_labels=[f"{AXES[row[1]].label} · {row[0]}" for row in EXAMPLES],
        label="Examples: press one to see it made",
        api_visibility="private",
    )
    buttons.connect(
        compare,
        inputs=[prompt, audio_prompt, transcript, axis, values, *fine],
        outputs=result.outputs(seed=fine[-2]),
        api_name="compare",
        studio=studio,
        examples=examples,
    )
    return result.made


def _axis_controls() -> tuple[gr.Dropdown, gr.Textbox]:
    """What is compared, and its values; choosing another setting suggests values for it."""
    first = AXES[FIRST]
    with gr.Group():
        axis = gr.Dropdown(
            [(one.label, one.name) for one in AXES.values()], value=FIRST, label="What to compare",
            info=f"{first.info} It takes the place of the setting below.", filterable=False,
        )  # fmt: skip
        values = gr.Textbox(first.suggested, label="Values", info=first.hint, lines=1, max_lines=1)

    def suggest(name: str) -> list:
        one = AXES[name]
        info = f"{one.info} It takes the place of the setting below."
        return [gr.update(info=info), gr.update(value=one.suggested, info=one.hint)]

    # input, not change: an example brings values of its own.
    axis.input(
        suggest, inputs=axis, outputs=[axis, values], queue=False, show_progress="hidden", api_visibility="private"
    )
    return axis, values


@dataclass(frozen=True)
class ComparisonPanel:
    """Where a comparison appears: the players, the numbers, and the files to take home."""

    players: gr.HTML
    film: gr.DownloadButton
    package: gr.DownloadButton
    table: gr.Dataframe
    plot: gr.Image
    facts: gr.Markdown
    made: gr.State

    @classmethod
    def create(cls) -> ComparisonPanel:
        players = gr.HTML(EMPTY, label="Clips side by side", padding=False, min_height=220)
        facts = gr.Markdown(label="Facts", elem_classes="hm-note", container=False)
        with gr.Row(elem_classes="hm-downloads"):
            film, package = (
                gr.DownloadButton(label, size="sm", interactive=False, min_width=130)
                for label in ("All in one film (mp4)", "Everything (zip)")
            )
        table = gr.Dataframe(
            headers=HEADERS, datatype="str", type="array", interactive=False, buttons=[], wrap=True,
            label="How well picture and sound fit", column_count=len(HEADERS), elem_classes="hm-table",
        )  # fmt: skip
        plot = gr.Image(
            label="How well picture and sound fit, drawn", show_label=False, interactive=False, buttons=["download"],
            format="png", elem_classes="hm-plot",
        )  # fmt: skip
        gr.Markdown(MEASURED, elem_classes="hm-note", container=False)
        players.change(
            lambda: [gr.update(interactive=True)] * 2, outputs=[film, package], queue=False, show_progress="hidden",
            api_visibility="private",
        )  # fmt: skip
        return cls(players, film, package, table, plot, facts, gr.State([]))

    def outputs(self, *, seed: Component) -> list[Component]:
        """What the endpoint returns, in the order of :meth:`values`; the seed goes back into its own control."""
        return [self.players, self.film, self.package, self.table, self.plot, seed, self.facts, self.made]

    def values(self, compared: Compared | None) -> tuple:
        """What the endpoint hands to :meth:`outputs`; a cancelled comparison leaves everything as it is."""
        if compared is None:
            return (gr.skip(),) * 8
        heard = f"In the film of all you hear {compared.heard_label}."
        return (
            players_html(compared, self._serve),
            str(compared.clip),
            str(compared.package),
            compared.rows(),
            str(compared.plot),
            compared.seed,
            "<br>".join([*compared.facts, heard]),
            [Made(str(one.clip), one.readout, one.variant.job, time.time()) for one in compared.made],
        )

    def _serve(self, path: Path) -> str:
        """Copy a file to where the page may fetch it, for as long as the page's other files."""
        return self.players.move_resource_to_block_cache(path)
