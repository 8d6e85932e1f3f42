"""Colours and directions as the painters hand them on, and colours made darker or lighter."""

from __future__ import annotations

Colour = tuple[float, float, float]
"""Red, green and blue, 0 to 255."""

Direction = tuple[float, float, float]
"""Right, up and along the street; of length about 1 where it is a surface's normal."""

Spot = tuple[float, float]
"""A point of the picture or of a flat figure: across, then down or up."""


def scaled(gain: float, colour: Colour) -> Colour:
    """A colour with every part times gain."""
    red, green, blue = colour
    return gain * red, gain * green, gain * blue


def brightened(gain: float, colour: Colour, lift: float = 0.0, most: float = 255.0) -> Colour:
    """A colour with every part times gain plus lift, none above most."""
    red, green, blue = (min(most, gain * part + lift) for part in colour)
    return red, green, blue
