"""ICC profiles for colours that a file tells by numbers (PNG, AVIF) instead of a profile of its own."""

from __future__ import annotations

import struct

import numpy as np

from mpm.errors import InputError

# CIE xy of white, red, green and blue by their number in ITU-T H.273; 2 is "not told".
_D65 = (0.3127, 0.3290)
_SRGB = (_D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_PRIMARIES = {
    1: _SRGB,
    2: _SRGB,
    4: ((0.310, 0.316), (0.67, 0.33), (0.21, 0.71), (0.14, 0.08)),
    5: (_D65, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: (_D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    7: (_D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    8: ((0.310, 0.316), (0.681, 0.319), (0.243, 0.692), (0.145, 0.049)),
    9: (_D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    11: ((0.314, 0.351), (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    12: (_D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    22: (_D65, (0.630, 0.340), (0.295, 0.605), (0.155, 0.077)),
}
# Parameters g, a, b, c, d of an ICC curve: (a x + b)^g from d on, c x below. One number: x^g.
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_CURVES: dict[int, tuple[float, ...]] = {2: _SRGB_CURVE, 13: _SRGB_CURVE, 4: (2.2,), 5: (2.8,), 8: (1.0,)}
_CURVES[7] = (1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4, 0.0913)
_VIDEO = {1, 6, 11, 14, 15}  # the camera's curve, of which no screen shows the inverse
_UNREAD_TRANSFERS = {16: "PQ", 18: "HLG", 17: "SMPTE 428"}
_UNREAD_PRIMARIES = {10: "XYZ"}

_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D50 = np.array([0.9642, 1.0, 0.8249])

Chromaticities = tuple[tuple[float, float], ...]


def coded_profile(primaries: int, transfer: int, video_gamma: float | None = None) -> bytes:
    """The profile of a pair of H.273 code points; empty for sRGB and for numbers that nobody defined.

    video_gamma: the exponent that shows video; None takes it as sRGB. Browsers differ by the format.
    """
    kind = _UNREAD_TRANSFERS.get(transfer) or _UNREAD_PRIMARIES.get(primaries)
    if kind:
        raise InputError(f"Pictures in cinema or HDR colours ({kind}) are not read here; save it as sRGB.")
    curve = _CURVES.get(transfer, _SRGB_CURVE)
    if transfer in _VIDEO and video_gamma:
        curve = (video_gamma,)
    points = _PRIMARIES.get(primaries, _SRGB)
    return b"" if (points, curve) == (_SRGB, _SRGB_CURVE) else _profile(points, curve)


def gamma_profile(gamma: float, points: Chromaticities | None) -> bytes:
    """The profile of PNG's gAMA (here as the exponent of decoding) and cHRM: white, red, green, blue."""
    if points is None and abs(2.2 / gamma - 1) < 0.05:
        return b""  # means sRGB, as in libpng and browsers
    return _profile(points or _SRGB, (gamma,))


def _xyz(point: tuple[float, float]) -> np.ndarray:
    x, y = point
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _colorants(points: Chromaticities) -> np.ndarray:
    """(3, 3): columns are the XYZ of red, green and blue, adapted to the D50 white of ICC profiles."""
    white = _xyz(points[0])
    colours = np.stack([_xyz(point) for point in points[1:]], axis=1)
    colours = colours * np.linalg.solve(colours, white)
    scale = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white))
    return np.linalg.inv(_BRADFORD) @ scale @ _BRADFORD @ colours


def _fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">l", round(value * 65536)) for value in values)


def _profile(points: Chromaticities, curve: tuple[float, ...]) -> bytes:
    """A monitor profile, ICC version 4: three colorants and one curve for all channels."""
    shape = b"para\0\0\0\0" + struct.pack(">HH", 3 if len(curve) > 1 else 0, 0) + _fixed(*curve)
    tags = {b"wtpt": b"XYZ \0\0\0\0" + _fixed(*_D50)}
    for letter, column in zip(b"rgb", _colorants(points).T, strict=True):
        tags[bytes([letter]) + b"XYZ"] = b"XYZ \0\0\0\0" + _fixed(*column)
        tags[bytes([letter]) + b"TRC"] = shape
    start = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">L", len(tags)), b""
    for name, value in tags.items():
        table += struct.pack(">4sLL", name, start + len(body), len(value))
        body += value
    header = struct.pack(
        ">L4xL4s4s4s12x4s28x", start + len(body), 0x04200000, b"mntr", b"RGB ", b"XYZ ", b"acsp"
    )
    return header + _fixed(*_D50) + bytes(48) + table + body
