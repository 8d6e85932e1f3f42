"""Errors that a user caused and can mend."""

LONGEST_ECHO = 60
"""Characters of bad input that a sentence repeats."""


class InputError(ValueError):
    """Bad input. `str(error)` is one clear sentence, fit for a page or a terminal."""


def shortened(value: object, limit: int = LONGEST_ECHO) -> str:
    """The value as `repr` shows it, cut short: a stranger may have sent a novel."""
    if isinstance(value, str) and len(value) > limit:
        return f"{value[: limit - 1]!r}…"
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
