"""Faces that speak: people, robots and cats, drawn around their own middle and about as big as the picture."""

from harmony.data.world.portraits.look import Look, breath_of, paint_portrait, sample_look

__all__ = ["Look", "breath_of", "paint_portrait", "sample_look"]
