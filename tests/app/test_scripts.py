"""Browser modules become one script, in order; what cannot be joined is refused. Some run under node."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import app
from app.scripts import joined, modules

APP = Path(app.__file__).parent
ENTRIES = ("inspector/js/main.js", "latency/js/live.js", "latency/js/cards.js")
TESTS = Path(__file__).parents[1] / "js"


def written(folder: Path, **files: str) -> Path:
    """The entry module of a page made of these files."""
    for name, text in files.items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    return folder / "main.js"


def test_each_module_comes_once_and_after_what_it_needs(tmp_path):
    entry = written(
        tmp_path,
        main="// Starts.\n\nimport {\n  a,\n  b,\n} from './both.js';\n"
        "import { c } from './low.js';\n\na(b, c);\n",
        both="import { c } from './low.js';\nexport const b = c;\nexport async function a() {}\n",
        low="export let c = 1;\nclass Own {}\n",
    )
    assert [module.path.stem for module in modules(entry)] == ["low", "both", "main"]
    assert joined(entry).split("\n") == [
        *("'use strict';", "let c = 1;", "class Own {}"),
        *("const b = c;", "async function a() {}", "a(b, c);"),
    ]


def test_comments_and_indentation_stay_at_home_but_texts_over_lines_do_not_change(tmp_path):
    text = "// Says it.\nexport const said = () => {\n  // quietly\n  return 'http://x';\n};\n"
    kept = "export const two = `\n  // no comment\n`;\n"
    main = "import { said } from './text.js';\nimport { two } from './kept.js';\nsaid(two);\n"
    entry = written(tmp_path, main=main, text=text, kept=kept)
    assert joined(entry) == (
        "'use strict';\nconst said = () => {\nreturn 'http://x';\n};\n"
        "const two = `\n  // no comment\n`;\n\nsaid(two);"
    )


def test_types_stay_at_home(tmp_path):
    main = (
        "/** @typedef {{a: number}} Own */\n/**\n * @param {Own} own A sentence.\n */\n"
        "function double({ a }) {\n  /** @param {number} b */\n  const twice = (b) => 2 * b;\n"
        "  return /** @type {Own} */ ({ a: twice(a), b: '/** a text */ ', c: /[/]**2/ });\n}\n"
        "double(/** @type {Own} */ (window));\n"
    )
    assert joined(written(tmp_path, main=main)).split("\n") == [
        *("'use strict';", "function double({ a }) {", "const twice = (b) => 2 * b;"),
        *("return ({ a: twice(a), b: '/** a text */ ', c: /[/]**2/ });", "}", "double((window));"),
    ]


@pytest.mark.parametrize(
    "line, left",
    [
        ("const a = [1]; // one, https://x", "const a = [1];"),
        ("a(b, // the second", "a(b,"),
        ("a('x; // y');", "a('x; // y');"),
        ('a(`x; // y`, "z, // ");', 'a(`x; // y`, "z, // ");'),
        ("a(); // somebody's", "a(); // somebody's"),
        ("return 'http://x'; // there", "return 'http://x';"),
    ],
)
def test_remarks_stay_at_home_but_no_text_is_cut(tmp_path, line, left):
    assert joined(written(tmp_path, main=f"{line}\n")) == f"'use strict';\n{left}"


def test_no_visitor_fetches_comments():
    for entry in ENTRIES:
        lines = joined(APP / entry).splitlines()
        assert not [line for line in lines if "/**" in line or line.startswith("//")]


@pytest.mark.parametrize(
    "line",
    [
        "export default function a() {}",
        "export { a };",
        "export { a } from './other.js';",
        "export * from './other.js';",
        "export const { a } = window;",
        "import a from './other.js';",
        "import * as a from './other.js';",
        "import { a as b } from './other.js';",
        "import './other.js';",
        "import { a } from 'package';",
    ],
)
def test_other_forms_are_refused_by_a_sentence(tmp_path, line):
    entry = written(tmp_path, main=f"const own = 1;\n{line}\n", other="export const a = 1;\n")
    with pytest.raises(ValueError, match=r"main\.js: only .* can be joined, but it says: (im|ex)port"):
        joined(entry)


def test_what_does_not_fit_together_is_refused(tmp_path):
    entry = written(tmp_path, main="import { a } from './gone.js';\n")
    with pytest.raises(FileNotFoundError, match=r"main\.js needs .*gone\.js"):
        joined(entry)
    written(tmp_path, gone="const a = 1;\n")
    with pytest.raises(ValueError, match=r"main\.js imports a, but gone\.js does not export it"):
        joined(entry)
    written(tmp_path, gone="export const a = 1;\n", main="import { a } from './gone.js';\nfunction a() {}\n")
    with pytest.raises(ValueError, match=r"gone\.js and main\.js both declare a"):
        joined(entry)
    written(tmp_path, gone="import { b } from './main.js';\nexport const a = 1;\n")
    with pytest.raises(ValueError, match=r"in a circle: main\.js -> gone\.js -> main\.js"):
        joined(entry)


def test_every_module_is_part_of_the_page():
    used = {module.path for entry in ENTRIES for module in modules(APP / entry)}
    assert used == {path.resolve() for path in APP.glob("**/js/*.js")}


def test_only_entries_see_what_the_page_hands_over():
    given = ("element.", "props.", "watch(")
    entries = {(APP / entry).resolve() for entry in ENTRIES}
    for path in {module.path for entry in entries for module in modules(entry)} - entries:
        body = path.read_text(encoding="utf-8")
        assert not [word for word in given if word in body], path


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_pure_modules_under_node():
    files = sorted(map(str, TESTS.glob("*.test.mjs")))
    done = subprocess.run(["node", "--test", *files], capture_output=True, text=True, encoding="utf-8")
    assert files and done.returncode == 0, done.stdout + done.stderr
