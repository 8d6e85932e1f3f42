"""The published models: where their files are, and what their publishers say of them."""

from __future__ import annotations

from mpm.zoo.download import RemoteFile
from mpm.zoo.entry import ModelEntry
from mpm.zoo.folder import CONFIG_FILE
from mpm.zoo.hub_cache import MAIN, PREPROCESSOR_FILE, HubSource


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


def _at_hub(
    name: str,
    title: str,
    data_set: str,
    repo: str,
    parameters_m: float,
    mean_iou: float | None = None,
    panoptic_quality: float | None = None,
    commit: str = "",
) -> ModelEntry:
    """A model in transformers' format. commit: forty hexadecimal digits pin its files for everybody."""
    return ModelEntry(
        name=name,
        title=title,
        data_set=data_set,
        format="transformers",
        licence="MIT",
        source=f"huggingface.co/{repo}",
        parameters_m=parameters_m,
        mean_iou=mean_iou,
        hub=HubSource(repo, commit or MAIN, (CONFIG_FILE, PREPROCESSOR_FILE)),
        panoptic_quality=panoptic_quality,
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
    _at_hub(
        "eomt-small-coco",
        "EoMT-S",
        "coco-panoptic",
        "tue-mps/coco_panoptic_eomt_small_640_2x",
        24,
        panoptic_quality=46.7,
    ),
    _at_hub(
        "eomt-base-coco",
        "EoMT-B",
        "coco-panoptic",
        "tue-mps/coco_panoptic_eomt_base_640_2x",
        93,
        panoptic_quality=51.6,
    ),
    _at_hub("eomt-large-ade20k", "EoMT-L", "ade20k", "tue-mps/ade20k_semantic_eomt_large_512", 319, 58.4),
    _at_hub(
        "eomt-large-cityscapes",
        "EoMT-L",
        "cityscapes",
        "tue-mps/cityscapes_semantic_eomt_large_1024",
        319,
        84.2,
    ),
    _at_hub("dpt-large-ade20k", "DPT-L", "ade20k", "Intel/dpt-large-ade", 343, 49.0),
)
"""File names and figures as in the publishers' own tables; † stands for a DeiT encoder.

Those at the hub pin no commit yet: see `mpm.zoo.hub.fetch` for what is held then.
"""
