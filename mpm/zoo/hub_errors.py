"""What can go wrong at the Hugging Face hub, each as one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from huggingface_hub import constants, get_token
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from mpm.errors import InputError, shortened
from mpm.zoo.download import Unreachable, offline

HTTP_CLIENT_ERROR = cast(type[Exception], HfHubHTTPError.__bases__[0])
"""What the hub's HTTP client raises: of requests, httpx or httpx2, as the library's version has it."""
REFUSALS = (HfHubHTTPError, EntryNotFoundError, HFValidationError)


@contextmanager
def in_one_sentence(model: str, doing: str = "downloaded") -> Iterator[None]:
    """Raise the library's errors as InputError: as Unreachable where nothing is wrong with the model.

    model: "user/model" or "user/model@revision"; doing: "downloaded" or "uploaded"
    """
    try:
        yield
    except InputError:
        raise
    except OfflineModeIsEnabled as error:
        raise offline_error(model, doing) from error
    except LocalEntryNotFoundError as error:
        raise Unreachable(f"{model} cannot be {doing} from {host()}: no connection") from error
    except REFUSALS as error:
        raise _refused(error, model, doing) from error
    except (HTTP_CLIENT_ERROR, OSError) as error:
        raise _broken(error, model, doing) from error


def offline_error(model: str, doing: str = "downloaded") -> Unreachable:
    return Unreachable(f"HF_HUB_OFFLINE is set, so {model} cannot be {doing}")


def is_offline() -> bool:
    """Whether no network is to be used: asked of us now, or of the hub's library when it was imported."""
    return offline() or bool(constants.HF_HUB_OFFLINE)


def host() -> str:
    """The hub's address: HF_ENDPOINT, where that is set."""
    return str(constants.ENDPOINT)


def _refused(error: Exception, model: str, doing: str) -> InputError:
    """The hub has answered, and says no."""
    if isinstance(error, GatedRepoError):
        how = "accept its terms on its page there" + ("" if get_token() else ", then log in or set HF_TOKEN")
        return InputError(f"{model} is gated at {host()}: {how}")
    if isinstance(error, RepositoryNotFoundError):
        reach = "the token in use does not open it" if get_token() else "HF_TOKEN is not set"
        return InputError(f"{host()} has no model {model}, or it is private and {reach}")
    if isinstance(error, RevisionNotFoundError):
        return InputError(f"{host()} has no such revision of {model}")
    if isinstance(error, HFValidationError):
        return InputError(f"{shortened(model)} is no name that a model at {host()} can have")
    if isinstance(error, EntryNotFoundError):
        return InputError(f"{host()} has lost a file of {model}: try again")
    return _by_status(getattr(getattr(error, "response", None), "status_code", None), model, doing)


def _by_status(status: int | None, model: str, doing: str) -> InputError:
    if status == 401:
        return InputError(f"{host()} does not accept the token in use: log in anew or set HF_TOKEN")
    if status == 403:
        return InputError(f"{host()} does not let the token in use have {model} {doing}")
    return Unreachable(f"{model} cannot be {doing}: {host()} answers with status {status}")


def _broken(error: BaseException, model: str, doing: str) -> InputError:
    """The connection's fault, or the disk's, which alone has a number and words of the system."""
    if (
        isinstance(error, OSError)
        and error.strerror
        and not isinstance(error, (ConnectionError, TimeoutError))
    ):
        return InputError(
            f"{model} cannot be kept in the hub's cache folder: {error.strerror}; HF_HOME names another one"
        )
    if str(error).startswith("Consistency check failed"):
        return Unreachable(f"{model} broke off as it was {doing}: start it again, and it goes on from there")
    reason = " ".join(str(error).split()) or type(error).__name__
    return Unreachable(f"{model} cannot be {doing}, {host()} does not answer: {shortened(reason, 120)}")
