"""The page's image input: what a stranger uploads, decoded by our own code instead of Gradio's."""

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

from app.engine.picture_notes import NOTES
from mpm.data.images import DecodedImage, decode_image
from mpm.errors import InputError

MAX_SIDE_PX = 4096

# One file at a time: a decoder may hold most of a gigabyte for a 50-megapixel photo.
_one_at_a_time = threading.Lock()


class _NoStubFile(type(gr.Image)):
    """Gradio's metaclass would write a .pyi file beside this module whenever it is imported."""

    def __new__(cls, name: str, bases: tuple[type, ...], attributes: dict) -> type:
        return ABCMeta.__new__(cls, name, bases, attributes)


class UploadImage(gr.Image, metaclass=_NoStubFile):
    """A gr.Image whose handler gets (H, W, 3) uint8 RGB, or None when it is empty.

    A bad file becomes a toast with one sentence. Only files in Gradio's upload folder are opened: addresses
    are never fetched and paths of a caller's choosing are refused. The image's longer side is at most
    MAX_SIDE_PX; notes of the decoder are kept in `app.engine.picture_notes`. Of the arguments `type`,
    `image_mode`, `format` and `watermark` have no effect.
    """

    def get_block_name(self) -> str:
        return "image"  # the Svelte component to use

    def preprocess(self, payload: ImageData | None) -> np.ndarray | None:
        if payload is None:
            return None
        with _one_at_a_time:
            decoded = _decode_upload(payload, Path(self.GRADIO_CACHE))
        NOTES.remember(decoded.rgb, tuple(decoded.notes))
        return decoded.rgb

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


def _decode_upload(payload: ImageData, upload_folder: Path) -> DecodedImage:
    path = Path(payload.path or "").resolve()
    if not payload.path or not path.is_relative_to(upload_folder.resolve()):
        raise _error("Please send the image as an uploaded file: addresses and server paths are not opened.")
    if not path.is_file():
        raise _error("The uploaded file is no longer there; please upload it again.")
    os.utime(path)  # still in use: the upload folder is swept by age
    try:
        return decode_image(path, max_side_px=MAX_SIDE_PX)
    except InputError as error:
        raise _error(str(error)) from error


def _refuse_address(source: str | Path | None) -> None:
    if isinstance(source, str) and "://" in source:
        raise _error("Please send the image as an uploaded file: addresses are not opened.")


def _error(message: str) -> gr.Error:
    return gr.Error(html.escape(message, quote=False), print_exception=False)  # the toast renders HTML
