"""Ends of work that are nobody's fault."""


class Overtaken(Exception):  # noqa: N818 (not an error: the person has moved on)
    """The work is not wanted any more, and has not begun."""
