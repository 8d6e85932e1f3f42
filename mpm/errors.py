"""Errors that a user caused and can mend."""

LONGEST_ECHO = 60
"""Characters of bad input that a sentence repeats."""
SENTENCE_ENDS = (".", "!", "?", "…", ":")


class InputError(ValueError):
    """Bad input that its sender can mend. `str(error)` is one clear sentence, fit for a page or a terminal.

    It is a ValueError, so `except ValueError` catches it as well. A full stop is added where there is none.

    >>> import mpm
    >>> try:
    ...     mpm.Recipe.parse("no-such-rule@2,5")
    ... except mpm.InputError as error:
    ...     print("choose one of" in str(error))
    True
    """

    def __init__(self, sentence: str = "") -> None:
        super().__init__(sentence if sentence.endswith(SENTENCE_ENDS) else f"{sentence}.")

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
