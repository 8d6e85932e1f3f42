"""What a stranger uploads, opened by our own decoder instead of Gradio's."""

from __future__ import annotations

import html
import os
import threading
from abc import ABCMeta
from pathlib import Path

import gradio as gr
import numpy as np
from gradio.data_classes import ImageData
from gradio.image_utils import postprocess_image
from gradio.utils import get_upload_folder

from mpm.data.images import DecodedImage, decode_image
from mpm.errors import InputError

MAX_SIDE_PX = 4096
NO_UPLOAD = "please send the picture as an uploaded file: addresses and server paths are not opened"

# One file at a time: a decoder may hold most of a gigabyte for a 50-megapixel photo.
_one_at_a_time = threading.Lock()


def open_upload(path: str | None, folder: str | Path | None = None) -> DecodedImage:
    """The picture in a file of Gradio's upload folder, its longer side at most MAX_SIDE_PX.

    Raises InputError for a bad picture and for any other path.
    """
    try:
        resolved = Path(path or "").resolve()
    except ValueError:  # a zero in it
        raise InputError(NO_UPLOAD) from None
    if not path or not resolved.is_relative_to(Path(folder or get_upload_folder()).resolve()):
        raise InputError(NO_UPLOAD)
    with _one_at_a_time:
        if not os.path.isfile(resolved):  # unlike Path.is_file it takes names of any length
            raise InputError("The uploaded file is no longer there: please upload it again")
        os.utime(resolved)  # still in use: the upload folder is swept by age
        return decode_image(resolved, max_side_px=MAX_SIDE_PX)


class _NoStubFile(type(gr.Image)):  # type: ignore[misc]
    """Gradio's metaclass would write a .pyi file beside this module whenever it is imported."""

    def __new__(cls, name: str, bases: tuple[type, ...], attributes: dict) -> type:
        return ABCMeta.__new__(cls, name, bases, attributes)


class UploadImage(gr.Image, metaclass=_NoStubFile):
    """A gr.Image whose handler gets a `DecodedImage`, or None when it is empty.

    A bad file becomes a toast with one sentence. Only files in Gradio's upload folder are opened: addresses
    are never fetched and paths of a caller's choosing are refused. Of the arguments `type`, `image_mode`,
    `format` and `watermark` have no effect.
    """

    def get_block_name(self) -> str:
        return "image"  # the Svelte component to use

    def preprocess(self, payload: ImageData | None) -> DecodedImage | None:
        if payload is None:
            return None
        try:
            return open_upload(payload.path, self.GRADIO_CACHE)
        except InputError as error:
            raise _error(str(error)) from error

    def postprocess(self, value: np.ndarray | str | Path | None) -> ImageData | None:
        """Show an (H, W, 3) uint8 array, kept as lossless PNG, or one of our own files by its path."""
        return postprocess_image(value, cache_dir=self.GRADIO_CACHE, format="png")

    def move_resource_to_block_cache(self, url_or_file_path: str | Path | None) -> str | None:
        _refuse_address(url_or_file_path)
        return super().move_resource_to_block_cache(url_or_file_path)

    async def async_move_resource_to_block_cache(self, url_or_file_path: str | Path | None) -> str | None:
        # Gradio calls this before `preprocess`, and would download an http address that an API caller sent.
        _refuse_address(url_or_file_path)
        return await super().async_move_resource_to_block_cache(url_or_file_path)


def _refuse_address(source: str | Path | None) -> None:
    if isinstance(source, str) and "://" in source:
        raise _error(NO_UPLOAD)


def _error(message: str) -> gr.Error:
    return gr.Error(html.escape(message, quote=False), print_exception=False)  # the toast renders HTML
