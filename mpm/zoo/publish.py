"""Models to the Hugging Face hub, in our own format and with a card."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token

from mpm.errors import InputError, shortened
from mpm.segmenters.segmenter import Segmenter
from mpm.zoo import hub
from mpm.zoo.checkpoints import load_segmenter, save_segmenter
from mpm.zoo.folder import CONFIG_FILE, INDEX_FILE, is_ours, read_json, weight_files
from mpm.zoo.hub_cache import MAIN
from mpm.zoo.hub_errors import host, in_one_sentence, is_offline, offline_error
from mpm.zoo.model_card import CARD_FILE, model_card


def push_to_hub(
    model: Segmenter | str | Path,
    repo: str,
    token: str | None = None,
    private: bool = False,
    licence: str | None = None,
    message: str = "Model for mpm",
) -> str:
    """Publish a model as "user/model" and return the address of the commit.

    model    a segmenter; a checkpoint folder of ours, which goes as it is, with its README.md if it has one;
             or any other name that `load_segmenter` takes
    repo     made where it does not exist; what it held of an earlier model goes in the same commit
    token    with the right to write; None: HF_TOKEN, or that of a login
    private  seen by its owner only; of no effect on a repository that exists
    licence  as `model_card` takes it

    `mpm.load_segmenter("user/model")` reads it back: that is our `from_pretrained`. The commit appears whole
    or not at all. Raises InputError where there is no token, it may not write there, or the hub is not
    reached.

    >>> import mpm
    >>> mpm.push_to_hub("streets-vit-tiny", "somebody/streets")  # doctest: +SKIP
    'https://huggingface.co/somebody/streets/commit/...'
    >>> mpm.push_to_hub("streets-vit-tiny", "no id at the hub")
    Traceback (most recent call last):
    ...
    mpm.errors.InputError: ...
    """
    _check(repo, token)
    with tempfile.TemporaryDirectory() as room:
        folder = _folder_of(model, Path(room), repo, licence)
        with in_one_sentence(repo, "uploaded"):
            api = HfApi(endpoint=host(), token=token)
            api.create_repo(repo, private=private, exist_ok=True)
            return _commit(api, repo, folder, message)


def _check(repo: str, token: str | None) -> None:
    source = hub.parse(repo)
    if source is None or source.revision != MAIN:
        raise InputError(f"A model at the hub is called USER/MODEL, but got {shortened(repo)}")
    if is_offline():
        raise offline_error(repo, "uploaded")
    if not (token or get_token()):
        raise InputError(f"{repo} cannot be uploaded without a token: log in or set HF_TOKEN")


def _folder_of(model: Segmenter | str | Path, room: Path, repo: str, licence: str | None) -> Path:
    """A folder with all files of the model and its card, in a room of its own."""
    folder = room / "model"
    if not isinstance(model, Segmenter) and _is_folder_of_ours(Path(model)):
        names = [CONFIG_FILE, *weight_files(Path(model))]
        optional = [name for name in (INDEX_FILE, CARD_FILE) if (Path(model) / name).is_file()]
        folder.mkdir()
        load_segmenter(model)  # what cannot be read back is not published
        for name in (*names, *optional):
            shutil.copy2(Path(model) / name, folder / name)
    else:
        segmenter = model if isinstance(model, Segmenter) else load_segmenter(model)
        save_segmenter(segmenter, folder)
    if not (folder / CARD_FILE).is_file():
        text = model_card(model, repo, licence)
        (folder / CARD_FILE).write_text(text, encoding="utf-8")
    return folder


def _is_folder_of_ours(path: Path) -> bool:
    return (path / CONFIG_FILE).is_file() and is_ours(read_json(path / CONFIG_FILE))


def _commit(api: HfApi, repo: str, folder: Path, message: str) -> str:
    new = {path.name: CommitOperationAdd(path.name, path) for path in sorted(folder.iterdir())}
    stale = [
        CommitOperationDelete(name)
        for name in api.list_repo_files(repo)
        if name not in new and name.startswith("model") and name.endswith((".safetensors", ".index.json"))
    ]
    info = api.create_commit(repo, [*new.values(), *stale], commit_message=message)
    return str(info.commit_url)
