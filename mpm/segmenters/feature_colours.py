"""Features as colours: the first three principal components of patch tokens as red, green and blue.

They show what a model tells apart on any picture, whatever its classes are. Components, centre and scale are
those of the unmerged run, for both runs: what differs in colour differs in features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mpm.errors import InputError

COMPONENTS = 3
ENDS = (0.02, 0.98)
"""Quantiles of the unmerged run that become black and full colour; what lies beyond is clipped."""
MIDDLE = 128


@dataclass(frozen=True, eq=False)
class FeatureColours:
    """baseline, merged: (rows, cols, 3) uint8 RGB.

    explained  shares of the unmerged run's variance that red, green and blue show, falling
    """

    baseline: np.ndarray
    merged: np.ndarray
    explained: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Components:
    """Principal components of tokens: centre (C,), directions (C, 3), the best first, and their shares."""

    centre: np.ndarray
    directions: np.ndarray
    explained: tuple[float, float, float]

    @classmethod
    def of(cls, tokens: np.ndarray) -> Components:
        """Of tokens (..., C), by the eigenvectors of their covariance.

        An eigenvector's sign is free: its largest entry is made positive. Below three channels the missing
        directions are zeros.
        """
        flat = _flat(tokens)
        centre = flat.mean(axis=0)
        covariance = (flat - centre).T @ (flat - centre) / len(flat)
        values, vectors = np.linalg.eigh(covariance)
        best = values[::-1][:COMPONENTS].clip(min=0)
        directions = np.zeros((flat.shape[1], COMPONENTS))
        directions[:, : len(best)] = vectors[:, ::-1][:, :COMPONENTS]
        largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=0)[None], axis=0)
        total = float(np.trace(covariance))
        shares = np.zeros(COMPONENTS)
        shares[: len(best)] = best / total if total > 0 else 0
        first, second, third = map(float, shares)
        return cls(centre, directions * np.where(largest < 0, -1, 1), (first, second, third))

    def project(self, tokens: np.ndarray) -> np.ndarray:
        """(..., C) -> (N, 3) float64, in raster order."""
        return (_flat(tokens) - self.centre) @ self.directions


def feature_colours(
    baseline: np.ndarray, merged: np.ndarray, inside: tuple[slice, slice] = (slice(None), slice(None))
) -> FeatureColours:
    """Patch tokens (rows, cols, C) of an unmerged run and of another as colours, on one scale.

    inside: rows and columns that the picture lies in, which the scale is about. A component that does not
    vary is everywhere the middle of its colour. Raises InputError for grids that are not the same.
    """
    if baseline.shape != merged.shape:
        raise InputError(
            f"Features compare on one grid, but got {_size(baseline)} patches and {_size(merged)}"
        )
    components = Components.of(baseline[inside])
    low, high = np.quantile(components.project(baseline[inside]), ENDS, axis=0)
    plain = components.project(baseline)

    def coloured(projected: np.ndarray) -> np.ndarray:
        span = np.where(high - low > 1e-9, high - low, np.inf)
        share = ((projected - low) / span).clip(0, 1)
        colours = np.where(np.isinf(span), MIDDLE, np.rint(255 * share)).astype(np.uint8)
        return colours.reshape(*baseline.shape[:2], COMPONENTS)

    return FeatureColours(coloured(plain), coloured(components.project(merged)), components.explained)


def _flat(tokens: np.ndarray) -> np.ndarray:
    return tokens.reshape(-1, tokens.shape[-1]).astype(np.float64)


def _size(tokens: np.ndarray) -> str:
    return " x ".join(map(str, tokens.shape[:2]))
