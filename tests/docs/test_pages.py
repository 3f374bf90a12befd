"""The pages tell the truth: links lead somewhere, every command and every finding code is described."""

import doctest
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from edgewise._core import FeatureSpec, FeatureSpecError
from edgewise.book.codes import CODES
from edgewise.cli.main import COMMANDS
from edgewise.edge.age import BELIEVED_MAX_S
from edgewise.edge.openapi import document

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")])
SESSION = re.compile(r"^\$ (edgewise .*)\n((?:(?!```).*\n)+)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#([^)\s]+))?\)")
PATH = re.compile(r"`(?!\.\./)([\w.-]+(?:/[\w.-]+)+/?|\w+/)`")
CODE_ROW = re.compile(r"^\| (EW\d{3}) \| (\w+) \| (.+) \|$", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = [target for target, _ in LINK.findall(page.read_text()) if "://" not in target]

    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", [ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_paths_in_backticks_are_there(page: Path) -> None:
    named = PATH.findall(page.read_text())
    bases = (ROOT, ROOT / "tests", ROOT / "python/edgewise")

    assert len(named) > 1
    assert [path for path in named if not any((base / path).exists() for base in bases)] == []


def test_every_command_is_described() -> None:
    described = set(re.findall(r"^## `edgewise (\w+)", (ROOT / "docs/cli.md").read_text(), re.MULTILINE))

    assert described == set(COMMANDS)


def test_every_finding_code_is_described_as_it_is_declared() -> None:
    described = {
        code: (severity, text) for code, severity, text in CODE_ROW.findall((ROOT / "docs/book.md").read_text())
    }

    assert described == {code: (entry.severity.value, entry.description) for code, entry in CODES.items()}


def test_every_route_is_described() -> None:
    page = (ROOT / "docs/http.md").read_text()
    table = page.split("\n\n")[1]
    described = set(re.findall(r"/[\w/.{}]+", "\n".join(row.split("|")[1] for row in table.splitlines())))

    assert described == set(json.loads(document())["paths"])


def test_the_list_of_make_targets_is_complete() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):.* ## ", makefile, re.MULTILINE))

    assert targets == {"help", "setup", "run", "test", "lint", "fmt", "drills", "bench", "load", "lock", "clean"}


@pytest.mark.parametrize("page", ["python.md", "features.md"])
def test_python_examples_are_what_python_prints(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    examples = "\n\n".join(re.findall(r"```pycon\n(.*?)```", text, re.DOTALL))
    names = {"text": next(iter(re.findall(r"```json\n(.*?)```", text, re.DOTALL)), "")}
    test = doctest.DocTestParser().get_doctest(examples, names, page, None, 0)
    result = doctest.DocTestRunner().run(test)

    assert result.attempted > 5
    assert result.failed == 0


def test_every_form_of_a_feature_is_described() -> None:
    page = (ROOT / "docs/features.md").read_text()
    rows = re.findall(r"^\| (`[\w`, ]+`) \|", page.split("## Features")[1].split("## Crosses")[0], re.MULTILINE)
    described = {name for row in rows for name in re.findall(r"`(\w+)`", row)} - {"as"}
    with pytest.raises(FeatureSpecError) as refused:
        FeatureSpec(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0].replace('"as": "log2"', '"as": "?"'))

    assert described == set(str(refused.value).partition("use one of ")[2].split(", "))


@pytest.mark.parametrize(
    ("command", "output"), [match for page in PAGES for match in SESSION.findall(page.read_text())]
)
def test_shell_examples_are_what_the_program_prints(command: str, output: str) -> None:
    program = str(Path(sys.executable).with_name("edgewise"))
    run = subprocess.run(
        ["/bin/sh", "-c", command.replace("edgewise", program, 1)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert run.stdout + run.stderr == output


def test_how_old_a_request_may_be_is_said_as_it_is() -> None:
    page = " ".join((ROOT / "docs/http.md").read_text().split())
    said = re.search(r"(\d+) minutes or more is no waiting but a clock that is wrong, and not believed", page)

    assert said is not None
    assert int(said[1]) * 60 == BELIEVED_MAX_S
