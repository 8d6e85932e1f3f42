"""Errors that a user caused and can mend."""


class InputError(ValueError):
    """Bad input. `str(error)` is one clear sentence, fit for a page or a terminal."""
