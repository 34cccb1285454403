"""From a person's words and files to a clip on disk: the one way that both the command line and the app go.

- :mod:`harmony.session.opening`: which model, and its defaults;
- :mod:`harmony.session.knobs`: guidance as sliders show it;
- :mod:`harmony.session.job`: read the files, trim them where the person says, make the clip, write it down;
- :mod:`harmony.session.readout`: how well the clip's picture and sound fit, measured on the clip;
- :mod:`harmony.session.understanding`: what the shipped model makes of a caption's words.
"""

from harmony.session.job import Job, JobCancelled, OnStep, Outcome, encode_job, human_sentence, run_job
from harmony.session.knobs import Defaults, Knobs
from harmony.session.opening import (
    MICRO,
    check_opening,
    chosen_model,
    is_bundled,
    load_pipeline,
    read_defaults,
    read_license,
    read_prompt_family,
)
from harmony.session.part import longest_clip

__all__ = [
    "MICRO",
    "Defaults",
    "Job",
    "JobCancelled",
    "Knobs",
    "OnStep",
    "Outcome",
    "check_opening",
    "chosen_model",
    "encode_job",
    "human_sentence",
    "is_bundled",
    "load_pipeline",
    "longest_clip",
    "read_defaults",
    "read_license",
    "read_prompt_family",
    "run_job",
]
