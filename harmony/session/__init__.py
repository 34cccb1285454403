"""From a person's words and files to a clip on disk: the one way that both the command line and the app go.

- :mod:`harmony.session.opening`: which model, and its defaults;
- :mod:`harmony.session.knobs`: guidance as sliders show it;
- :mod:`harmony.session.job`: read the files, trim them where the person says, make the clip, write it down.
"""

from harmony.session.job import Job, JobCancelled, OnStep, Outcome, encode_job, human_sentence, longest_clip, run_job
from harmony.session.knobs import Defaults, Knobs
from harmony.session.opening import MICRO, check_opening, chosen_model, is_bundled, load_pipeline, read_defaults

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
    "run_job",
]
