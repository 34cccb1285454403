"""Before any test: the package's import guards, so that tests may import diffusers in any order."""

import harmony  # noqa: F401
