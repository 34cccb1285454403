"""Metrics, one idea a file. One that cannot run raises ``CannotMeasure`` and says why; none makes a number up."""
