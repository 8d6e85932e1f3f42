"""A comparison as text for the screen."""

from __future__ import annotations

from mpm.measure.compare.results import Comparison, EqualRow, Row
from mpm.measure.text_table import count_of, percent, text_table

EQUAL_TITLE = (
    "Rules at equal counts: on every picture and insertion each removes as many tokens as mutual pairs do "
    "there.\nSearch for the counts is forced, so there is no time. Smaller pictures, the rival that costs "
    "nothing, stand below."
)
RECIPES_TITLE = (
    "As published and as given: picture to mask, search and restore inside; speed-ups are medians over "
    "pictures,\npaired with the unmerged run of the same picture. *: nobody is as fast and loses as little."
)


def render(comparison: Comparison) -> str:
    """What ran, both tables, and what spoiled the times."""
    blocks = [_header(comparison)]
    if comparison.equal_rows:
        blocks.append(f"{EQUAL_TITLE}\n\n{_equal_table(comparison)}")
    blocks.append(f"{RECIPES_TITLE}\n\n{_recipe_table(comparison)}")
    return "\n\n".join([*blocks, *comparison.warnings])


def _header(comparison: Comparison) -> str:
    own, machine = comparison.settings, comparison.machine
    counts = f"{count_of(comparison.done, 'picture')}, {count_of(own['rounds'], 'round')} each"
    threads = count_of(own["threads"], "thread")
    lines = [
        f"{own['model']} on {own['data set']}, {own['split']}, {counts}",
        f"{machine['device']}, {threads}, {own['dtype']}, torch {machine['torch']}",
    ]
    if not comparison.has_labels:
        lines.append(
            "No labels: the unmerged mask stands in for them; loss is the share of pixels unlike it."
        )
    return "\n".join(lines)


def _score_names(comparison: Comparison) -> tuple[str, ...]:
    return ("mIoU" if comparison.has_labels else "mIoU to unmerged", "loss", "agree")


def _scores(row: Row | EqualRow) -> tuple[str, ...]:
    return (percent(row.mean_iou, 2), percent(row.loss, 2), percent(row.agreement, 2))


def _equal_table(comparison: Comparison) -> str:
    rows = comparison.equal_rows
    cells = [("rule", "blocks", "options", "tokens kept", *_score_names(comparison))]
    cells += [(row.rule, row.blocks, row.options, percent(row.tokens_kept), *_scores(row)) for row in rows]
    rivals = [row for row in comparison.rows if row.kind == "smaller"]
    cells += [("smaller picture", row.name, "-", percent(row.tokens_kept), *_scores(row)) for row in rivals]
    notes = ["", *map(note_of, rows), *("" for _ in rivals)]
    lines = zip(text_table(cells).splitlines(), notes, strict=True)
    return "\n".join(f"{line}  {note}".rstrip() for line, note in lines)


def note_of(row: EqualRow) -> str:
    """Where a rule did not keep to the count, in words; empty where it did everywhere."""
    misses = (
        ("few", row.missing_tokens, row.missing_pictures),
        ("many", row.extra_tokens, row.extra_pictures),
    )
    told = [
        f"{count_of(tokens, 'token')} too {word} on {count_of(pictures, 'picture')}"
        for word, tokens, pictures in misses
        if tokens
    ]
    return f"removed {' and '.join(told)}" if told else ""


def _recipe_table(comparison: Comparison) -> str:
    lines = [("recipe", "tokens kept", *_score_names(comparison), "ms", "speed-up", "95 %", "")]
    for row in comparison.rows:
        lines.append((row.label, percent(row.tokens_kept), *_scores(row), *_times(row)))
    return text_table(lines)


def _times(row: Row) -> tuple[str, ...]:
    low, high = row.speedup_low, row.speedup_high
    known = low is not None and high is not None and row.kind != "unmerged"
    return (
        f"{1000 * row.seconds.median:.1f}",
        f"{row.speedup:.2f}x",
        f"{low:.2f}-{high:.2f}" if known else "-",
        "*" if row.on_frontier else "",
    )
