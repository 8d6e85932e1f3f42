"""Methods that cannot run here: one list, and the docs' table is that list."""

from __future__ import annotations

from pathlib import Path

from mpm.merging.elsewhere import ELSEWHERE, elsewhere_markdown
from mpm.merging.named import named_recipes
from mpm.merging.rule import rules

DOCUMENT = (Path(__file__).parents[2] / "docs" / "other-methods.md").read_text(encoding="utf-8")


def test_the_docs_table_is_this_list():
    assert f"\n\n{elsewhere_markdown()}\n" in DOCUMENT


def test_the_docs_name_every_rule():
    assert [one.name for one in rules() if one.is_boxed and f"| `{one.name}` |" not in DOCUMENT] == []


def test_each_reason_is_one_sentence_and_no_method_runs_after_all():
    names = [one.name for one in ELSEWHERE]
    assert len(set(names)) == len(names)
    assert not {name.lower() for name in names} & {one.name for one in (*rules(), *named_recipes())}
    for one in ELSEWHERE:
        assert one.why[0].isupper() and one.why.endswith(".") and ". " not in one.why
        assert "|" not in one.name + one.paper + one.why
