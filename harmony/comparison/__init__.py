"""One caption, one seed, one setting that changes: clips to lay side by side, and how well each is in sync.

- :mod:`harmony.comparison.axis`: what can be compared, and how people write its values;
- :mod:`harmony.comparison.plan`: a comparison as the jobs of its variants;
- :mod:`harmony.comparison.run`: make and measure them, one after the other, through the one way that makes clips;
- :mod:`harmony.comparison.result`: what came of it, as numbers and as words;
- :mod:`harmony.comparison.files`: the table, the plot, the film of all variants, and everything in one zip.
"""

from harmony.comparison.axis import AXES, Axis
from harmony.comparison.plan import Comparison, Variant
from harmony.comparison.result import Compared, Made
from harmony.comparison.run import run_comparison

__all__ = ["AXES", "Axis", "Compared", "Comparison", "Made", "Variant", "run_comparison"]
