"""The models that have a name: those in the box, and published ones that are downloaded on first use."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from mpm.errors import InputError
from mpm.zoo.download import Progress, RemoteFile, Unreachable, cache_folder, download, is_there, offline

CONFIG_FILE = "config.json"


def _box() -> Path:
    """The models in the box lie inside an installed package, and beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "assets"
    return inside if inside.is_dir() else package.parent / "assets"


BUNDLED = _box()

ORIGINS = frozenset(
    {
        "https://www.rocq.inria.fr",
        "https://download.openmmlab.com",
        "https://dl.fbaipublicfiles.com",
    }
)
"""The only hosts that models are downloaded from."""

FLOAT32_BYTES = 4


@dataclass(frozen=True)
class ModelEntry:
    """A model with a name.

    data_set      name of its label set, see `mpm.data.labels.by_name`
    format        "mpm", "segmenter", "mmsegmentation" or "dinov2", see `mpm.zoo.formats`
    files         what to download; empty for a model in the box
    parameters_m  millions, as published
    mean_iou      published, single scale, in per cent; None where none is
    """

    name: str
    title: str
    data_set: str
    format: str
    licence: str
    source: str
    files: tuple[RemoteFile, ...] = ()
    parameters_m: float | None = None
    mean_iou: float | None = None
    panoptic_quality: float | None = None

    @property
    def bundled(self) -> bool:
        return not self.files

    @property
    def folder(self) -> Path:
        """Where its files are, or will be."""
        return BUNDLED / self.name if self.bundled else cache_folder() / self.name

    @property
    def size_is_exact(self) -> bool:
        """Whether `size_bytes` is known rather than told from the number of parameters."""
        return is_cached(self) or None not in (file.size_bytes for file in self.files)

    @property
    def size_bytes(self) -> int | None:
        """What the model takes on the disk, None where nobody says."""
        if is_cached(self):
            names = [file.name for file in self.files] or [path.name for path in self.folder.iterdir()]
            return sum((self.folder / name).stat().st_size for name in names)
        published = [file.size_bytes for file in self.files if file.size_bytes is not None]
        if len(published) == len(self.files):
            return sum(published)
        return round((self.parameters_m or 0) * 1e6 * FLOAT32_BYTES) or None


def entries() -> tuple[ModelEntry, ...]:
    """All models with a name, those in the box first."""
    return (*_bundled(), *PUBLISHED)


def find(name: str) -> ModelEntry | None:
    """The model of that name, None where there is none."""
    return next((entry for entry in entries() if entry.name == name), None)


def published_at(path: Path) -> ModelEntry | None:
    """The published model whose files, under their own names, lie at a path: someone's own download.

    Segmenter's files are all called the same; they say themselves what they were trained on.
    """
    names = {file.name for file in path.glob("*.pth")} if path.is_dir() else {path.name}
    told = (entry for entry in PUBLISHED if entry.format != "segmenter")
    return next((entry for entry in told if {file.name for file in entry.files} <= names), None)


def is_cached(entry: ModelEntry) -> bool:
    """Whether a model can be loaded without the network. Digests are compared when it is loaded."""
    return all(is_there(file, entry.folder) for file in entry.files)


def at_hand() -> list[str]:
    """Names of the models that can be loaded without the network."""
    return [entry.name for entry in entries() if is_cached(entry)]


def fetch(entry: ModelEntry, progress: Progress | None = None, origins: Collection[str] = ORIGINS) -> Path:
    """The folder with a model's files, each downloaded if it is missing, and checked.

    progress(done_bytes, total_bytes) counts over all files; the total grows with every file whose size only
    its host knows. Raises InputError where a file cannot be had or is not what it should be.
    """
    if offline() and not is_cached(entry):
        raise InputError(f"HF_HUB_OFFLINE is set, so {entry.name} cannot be downloaded; {_what_is_at_hand()}")
    done_bytes = 0
    for file in entry.files:
        try:
            path = download(file, entry.folder, origins, _behind(done_bytes, progress))
        except Unreachable as error:
            raise InputError(f"{error}; {_what_is_at_hand()}") from error
        done_bytes += path.stat().st_size
    return entry.folder


def _what_is_at_hand() -> str:
    return f"models at hand: {', '.join(at_hand()) or 'none'}"


def _behind(earlier_bytes: int, progress: Progress | None) -> Progress | None:
    """Progress of one file as progress of all, behind those that are done."""
    if progress is None:
        return None
    return lambda done, total: progress(
        earlier_bytes + done, None if total is None else earlier_bytes + total
    )


def _bundled() -> tuple[ModelEntry, ...]:
    return tuple(_in_the_box(config) for config in sorted(BUNDLED.glob(f"*/{CONFIG_FILE}")))


def _in_the_box(config: Path) -> ModelEntry:
    try:
        data_set = json.loads(config.read_text(encoding="utf-8"))["labels"]["name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{config.name} of {config.parent.name} cannot be read: {error}") from error
    name = config.parent.name
    return ModelEntry(name, name, data_set, "mpm", "CC BY-NC 4.0", "in the box")


def _segmenter(path: str, title: str, parameters_m: float, mean_iou: float) -> ModelEntry:
    """Segmenter's own: the path says data set and model, such as "ade20k/seg_tiny_mask"."""
    base = f"https://www.rocq.inria.fr/cluster-willow/rstrudel/segmenter/checkpoints/{path}"
    data_set, _, model = path.replace("_", "-").partition("/")
    return ModelEntry(
        name=f"{model}-{data_set}",
        title=title,
        data_set="pascal-context-60" if data_set == "pascal-context" else data_set,
        format="segmenter",
        licence="MIT",
        source="github.com/rstrudel/segmenter",
        files=(RemoteFile(f"{base}/variant.yml"), RemoteFile(f"{base}/checkpoint.pth")),
        parameters_m=parameters_m,
        mean_iou=mean_iou,
    )


def _mmseg(size: str, kind: str, stamp: str, digest: str, parameters_m: float, mean_iou: float) -> ModelEntry:
    """mmsegmentation's file names end with the first digits of their SHA-256."""
    stem = f"segmenter_vit-{size}_{kind}_8x1_512x512_160k_ade20k"
    url = f"https://download.openmmlab.com/mmsegmentation/v0.5/segmenter/{stem}/{stem}_{stamp}-{digest}.pth"
    return ModelEntry(
        name=f"mmseg-vit-{size}-{kind}-ade20k",
        title=f"mmsegmentation's Segmenter, ViT-{size.upper()}/16, {kind} decoder",
        data_set="ade20k",
        format="mmsegmentation",
        licence="Apache-2.0",
        source="github.com/open-mmlab/mmsegmentation",
        files=(RemoteFile(url, sha256=digest),),
        parameters_m=parameters_m,
        mean_iou=mean_iou,
    )


def _dinov2(size: str, parameters_m: float, mean_iou: float) -> ModelEntry:
    model = f"dinov2_vit{size}14"
    base = f"https://dl.fbaipublicfiles.com/dinov2/{model}/{model}"
    return ModelEntry(
        name=f"dinov2-vit{size}14-linear-ade20k",
        title=f"DINOv2 ViT-{size.upper()}/14, linear head",
        data_set="ade20k",
        format="dinov2",
        licence="Apache-2.0",
        source="github.com/facebookresearch/dinov2",
        files=(RemoteFile(f"{base}_ade20k_linear_head.pth"), RemoteFile(f"{base}_pretrain.pth")),
        parameters_m=parameters_m,
        mean_iou=mean_iou,
    )


PUBLISHED = (
    _segmenter("ade20k/seg_tiny_mask", "Seg-T-Mask/16", 7, 38.1),
    _segmenter("ade20k/seg_small_mask", "Seg-S-Mask/16", 27, 45.3),
    _segmenter("ade20k/seg_base_mask", "Seg-B-Mask/16", 106, 48.5),
    _segmenter("ade20k/seg_base_patch8", "Seg-B/8", 89, 49.5),
    _segmenter("ade20k/seg_large_mask_640", "Seg-L-Mask/16", 334, 51.8),
    _segmenter("ade20k/seg_base_deit_linear", "Seg-B†/16", 87, 47.1),
    _segmenter("ade20k/seg_base_deit_mask", "Seg-B†-Mask/16", 106, 48.7),
    _segmenter("pascal_context/seg_large_mask", "Seg-L-Mask/16", 334, 58.1),
    _segmenter("cityscapes/seg_large_mask", "Seg-L-Mask/16", 322, 79.1),
    _mmseg("t", "mask", "20220105_151706", "ffcf7509", 7, 39.99),
    _mmseg("s", "linear", "20220105_151713", "39658c46", 22, 45.75),
    _mmseg("s", "mask", "20220105_151706", "511bb103", 27, 46.19),
    _mmseg("b", "mask", "20220105_151706", "bc533b08", 106, 49.60),
    _mmseg("l", "mask", "20220105_162750", "7ef345be", 334, 52.16),
    _dinov2("s", 21, 44.3),
    _dinov2("b", 86, 47.3),
    _dinov2("l", 300, 47.7),
)
"""File names and figures as in the publishers' own tables; † stands for a DeiT encoder."""
