"""Harmony-Bench: 150 cases of sound and picture, made, judged and told in one report (paper, section 4.1)."""
