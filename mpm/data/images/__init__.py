"""Untrusted image files -> clean RGB arrays; used by the command line and by the page."""

from mpm.data.images.decode import MAX_BYTES, MAX_PIXELS, DecodedImage, decode_image
from mpm.data.images.opening import readable_formats

__all__ = ["MAX_BYTES", "MAX_PIXELS", "DecodedImage", "decode_image", "readable_formats"]
