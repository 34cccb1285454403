"""Metrics, Harmony-Bench and the figures of the shipped model."""
