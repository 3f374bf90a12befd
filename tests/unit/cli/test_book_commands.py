"""The commands on books as people and machines meet them: what goes where, and with which exit."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

EDGEWISE = Path(sys.executable).with_name("edgewise")


def edgewise(*arguments):
    command = [EDGEWISE, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def starter(tmp_path):
    assert edgewise("new", tmp_path / "book").returncode == 0
    return tmp_path / "book"


@pytest.fixture
def broken(starter):
    path = starter / "scenarios/full-cart.yaml"
    path.write_text(path.read_text().replace("segment: regular, set", "segment: regulr, set"))
    return starter


def test_a_new_book_checks_clean_and_passes_its_tests(starter):
    run = edgewise("check", starter)

    assert (run.returncode, run.stderr) == (0, "")
    assert "clean: 1 scenario, 3 tests" in run.stdout


def test_a_new_book_is_served(starter):
    run = edgewise("build", starter, "-o", starter / "b.bundle", "--json")

    assert json.loads(run.stdout)["scenarios"] == 1


@pytest.mark.parametrize("name", ["full", "file"])
def test_new_overwrites_nothing(tmp_path, name):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").write_text("mine")
    (tmp_path / "file").write_text("mine")

    run = edgewise("new", tmp_path / name)

    assert run.returncode == 2
    assert run.stderr == f"`{tmp_path / name}` is not an empty folder; nothing was written\n"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "full", "mine"]


def test_check_for_machines(root):
    run = edgewise("check", root / "examples/book", "--json")

    assert run.returncode == 0
    assert json.loads(run.stdout) == {
        "findings": [],
        "purposes": {
            "in-store-return": ["personalize_content"],
            "trip-purpose": ["personalize_content"],
            "wavering-visitor": ["serve_visit", "personalize_content"],
        },
    }


def test_check_of_a_broken_book(broken):
    machine, person = edgewise("check", broken, "--json"), edgewise("check", broken)

    assert (machine.returncode, person.returncode) == (1, 1)
    assert json.loads(machine.stdout)["findings"] == [
        {
            "code": "EW203",
            "severity": "error",
            "file": "scenarios/full-cart.yaml",
            "line": 21,
            "column": 19,
            "message": "unknown segment `regulr`",
            "hint": "did you mean `regular`?",
        }
    ]
    assert "scenarios/full-cart.yaml:21:19" in person.stdout
    assert "did you mean `regular`?" in person.stdout
    assert "1 error, 0 warnings" in person.stdout


@pytest.mark.parametrize(
    "command",
    [["check"], ["build", "-o", "x.bundle"], ["defaults"], ["show"]],
    ids=["check", "build", "defaults", "show"],
)
def test_no_book_is_one_clear_line(tmp_path, command):
    name, *options = command
    arguments = [tmp_path / "none", "a-scenario"] if name == "show" else [tmp_path / "none"]

    run = edgewise(name, *arguments, *options)

    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f"no such book: `{tmp_path / 'none'}` is not a folder\n"


def test_an_empty_folder_is_a_book_with_one_finding(tmp_path):
    run = edgewise("check", tmp_path, "--json")

    assert run.returncode == 1
    assert [finding["code"] for finding in json.loads(run.stdout)["findings"]] == ["EW006"]


def test_build_names_what_it_wrote(starter, tmp_path):
    run = edgewise("build", starter, "-o", tmp_path / "out.bundle", "--json")
    again = edgewise("build", starter, "-o", tmp_path / "again.bundle")

    facts = json.loads(run.stdout)
    assert facts["file"] == str(tmp_path / "out.bundle")
    assert facts["bytes"] == (tmp_path / "out.bundle").stat().st_size
    assert facts["golden"] == 3
    assert (tmp_path / "out.bundle").read_bytes() == (tmp_path / "again.bundle").read_bytes()
    assert again.stdout.startswith(facts["digest"])


def test_build_of_a_broken_book_writes_nothing(broken, tmp_path):
    run = edgewise("build", broken, "-o", tmp_path / "out.bundle", "--json")

    assert (run.returncode, run.stdout) == (1, "")
    assert "scenarios/full-cart.yaml:21:19" in run.stderr
    assert run.stderr.endswith("the book has errors; nothing was built\n")
    assert not (tmp_path / "out.bundle").exists()


def test_build_into_a_folder_that_is_not_there_says_so(starter, tmp_path):
    run = edgewise("build", starter, "-o", tmp_path / "none/out.bundle")

    assert run.returncode == 2
    assert "Traceback" not in run.stderr
    assert "no such file or directory" in run.stderr.lower()


def test_show_draws_the_grid(starter):
    run = edgewise("show", starter, "full-cart")

    assert run.returncode == 0
    assert [
        word for word in ("cart.note", "ships_free", "regular", "cart/free-shipping", "brief") if word in run.stdout
    ]


def test_show_for_machines(starter):
    cells = json.loads(edgewise("show", starter, "full-cart", "--json").stdout)["cells"]

    assert cells[1] == {
        "decisionPoint": "cart.note",
        "pathway": "ships_free",
        "segment": "regular",
        "action": "render",
        "value": {"content": "cart/free-shipping", "tone": "brief"},
    }
    assert len(cells) == 4


def test_show_of_an_unknown_scenario_names_those_there_are(starter):
    run = edgewise("show", starter, "fullcart")

    assert (run.returncode, run.stderr) == (2, "no such scenario: `fullcart`; the book has `full-cart`\n")


def test_defaults_are_those_of_the_service(starter):
    defaults = json.loads(edgewise("defaults", starter).stdout)

    assert defaults["bundle"].startswith("sha256:")
    point = defaults["decisionPoints"]["cart.note"]
    assert point["fallback"] == {"content": "cart/standard"}
    assert {"signal": "page.kind", "type": "enum", "source": "request", "purposes": []} in point["reads"]


@pytest.mark.parametrize("arguments", [[], ["registry"], ["scenario"]])
def test_schema_prints_a_schema(arguments):
    jsonschema.Draft202012Validator.check_schema(json.loads(edgewise("schema", *arguments).stdout))


def test_build_writes_the_models_that_signals_name_beside_the_bundle(root, tmp_path):
    run = edgewise("build", root / "examples/book", "-o", tmp_path / "out.bundle", "--json")
    models = json.loads(run.stdout)["models"]

    assert list(models) == ["journey_intent"]
    [file] = (tmp_path / "out.bundle.models").iterdir()
    assert f"sha256:{file.stem}" == models["journey_intent"]
    assert file.read_bytes() == (root / "models/journey_intent.onnx").read_bytes()
