"""Errors that a user caused and can mend."""

LONGEST_ECHO = 60
"""Characters of bad input that a sentence repeats."""


ENDS = (".", "!", "?", "…", ":")


class InputError(ValueError):
    """Bad input. `str(error)` is one clear sentence with its full stop, fit for a page or a terminal."""

    def __init__(self, sentence: str = "") -> None:
        super().__init__(sentence if sentence.endswith(ENDS) else f"{sentence}.")

    @property
    def open_ended(self) -> str:
        """The sentence without its full stop, to go on after it."""
        return str(self).removesuffix(".")


def shortened(value: object, limit: int = LONGEST_ECHO) -> str:
    """The value as `repr` shows it, cut short: a stranger may have sent a novel."""
    return repr(cut(value, limit)) if isinstance(value, str) else cut(repr(value), limit)


def cut(text: str, limit: int = LONGEST_ECHO) -> str:
    """The beginning of a text, with a sign where something is left out."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
