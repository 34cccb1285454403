"""Ovi's released size, counted once for all tests."""

import functools

from harmony.memory.parts import Parts

full_size = functools.cache(Parts.ovi)
