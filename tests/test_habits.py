"""What people and forges read beside the code: one version everywhere, forms that open, checks that exist."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

import mpm

ROOT = Path(__file__).parent.parent
FORMS = [path for path in sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")) if path.stem != "config"]
FIELDS = {"markdown", "textarea", "input", "dropdown", "checkboxes"}
"""What GitHub knows in an issue form; other forges have taken over the same."""
CHANGES = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def changelog() -> dict[str, str]:
    """Text of each section by its title: "Unreleased", "0.2.0 - 2026-11-26"."""
    _, *sections = re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {section.partition("\n")[0]: section.partition("\n")[2] for section in sections}


@pytest.fixture(scope="module")
def releases(changelog) -> dict[str, date]:
    """The day of each version, the latest first."""
    first, *others = changelog
    assert first == "[Unreleased]"
    found = [re.fullmatch(r"\[(\d+\.\d+\.\d+)] - (\d{4}-\d\d-\d\d)", title) for title in others]
    return {one[1]: date.fromisoformat(one[2]) for one in found}


def test_the_changelog_has_a_section_for_this_version(releases):
    assert next(iter(releases)) == mpm.__version__


def test_the_changelog_goes_from_new_to_old(releases):
    versions = [tuple(map(int, version.split("."))) for version in releases]
    assert versions == sorted(versions, reverse=True)
    assert list(releases.values()) == sorted(releases.values(), reverse=True)


def test_the_changelog_sorts_changes_by_their_kind(changelog):
    for title, text in changelog.items():
        kinds = re.findall(r"^### (.*)$", text, flags=re.MULTILINE)
        assert set(kinds) <= CHANGES and len(set(kinds)) == len(kinds), title


def test_the_citation_is_of_this_version_and_names_the_paper(releases):
    cited = read_yaml(ROOT / "CITATION.cff")
    assert cited["cff-version"] == "1.2.0" and cited["message"] and cited["authors"]
    assert cited["version"] == mpm.__version__
    assert date.fromisoformat(cited["date-released"]) == releases[mpm.__version__]
    paper = cited["preferred-citation"]
    assert [author["family-names"] for author in paper["authors"]] == ["Ravé", "Rasti", "Rousseau"]
    assert paper["url"].endswith("2604.05718") and paper["identifiers"][0]["value"] == "arXiv:2604.05718"


def test_there_are_forms_for_what_people_write_about():
    assert {path.stem for path in FORMS} == {"bug", "rule", "question"}
    config = read_yaml(ROOT / ".github/ISSUE_TEMPLATE/config.yml")
    assert set(config) <= {"blank_issues_enabled", "contact_links"}
    assert (ROOT / ".github/pull_request_template.md").is_file()


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_is_as_forges_read_it(path):
    form = read_yaml(path)
    assert set(form) <= {"name", "description", "title", "labels", "assignees", "body"}
    assert form["name"] and form["description"]
    names = [field["id"] for field in form["body"] if field["type"] != "markdown"]
    assert names and len(set(names)) == len(names)
    for field in form["body"]:
        assert field["type"] in FIELDS and set(field) <= {"type", "id", "attributes", "validations"}
        assert isinstance(field["attributes"].get("label", field["attributes"].get("value")), str)
        # Without quotes YAML reads yes and no as true and false, and the form does not open.
        assert all(isinstance(option, str) for option in field["attributes"].get("options", []))


def test_a_report_says_on_what_and_with_what():
    form = read_yaml(ROOT / ".github/ISSUE_TEMPLATE/bug.yml")
    assert {"device", "model", "recipe", "picture"} <= {field["id"] for field in form["body"]}


def test_hooks_run_what_ci_runs_and_fetch_nothing():
    repos = read_yaml(ROOT / ".pre-commit-config.yaml")["repos"]
    assert {repo["repo"] for repo in repos} == {"local"}
    hooks = [hook for repo in repos for hook in repo["hooks"]]
    assert {hook["language"] for hook in hooks} == {"system"}
    checked = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    needed = (ROOT / "tests" / "requirements.txt").read_text(encoding="utf-8")
    for hook in hooks:
        tool, *words = hook["entry"].split()
        assert re.search(rf"^{tool}>=", needed, flags=re.MULTILINE), f"{tool} is not among the requirements"
        assert " ".join([tool, *words[:1]]) in checked, f"CI does not run {hook['entry']}"
