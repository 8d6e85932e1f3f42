"""The documented way to `decode_image`; it lives in `mpm.data.images`."""

from mpm.data.images import *  # noqa: F403
from mpm.data.images import __all__ as __all__
