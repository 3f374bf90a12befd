"""Scoring files from the command line: every row once, in the file's order, and one clear line for a mistake."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

EDGEWISE = Path(sys.executable).with_name("edgewise")
HERE = Path(__file__).parents[4]


def edgewise(*arguments, **more):
    environment = os.environ | {"PYTHONPATH": str(HERE / "python")} | more
    return subprocess.run([EDGEWISE, *map(str, arguments)], capture_output=True, text=True, timeout=50, env=environment)


@pytest.fixture(scope="module")
def model(trained, tmp_path_factory):
    from edgewise.intent.train.training import write

    return write(trained, tmp_path_factory.mktemp("models"))[0]


def scores(model, data):
    run = edgewise("model", "score", model, "--input", data)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_every_row_has_a_line(trained, model, files):
    found = scores(model, files[trained.name])

    rows = files[trained.name].read_text().splitlines()[1:]
    assert [line.pop("row") for line in found] == list(range(len(rows)))
    assert all(set(line) == set(trained.figures["heads"]) for line in found)
    assert all(0 <= p <= 1 for line in found for p in line.values())


def test_rows_in_another_order_get_the_same_answers(trained, model, files, tmp_path):
    header, *rows = files[trained.name].read_text().splitlines()
    places = list(range(len(rows)))
    random.Random(3).shuffle(places)
    shuffled = tmp_path / "shuffled.csv"
    shuffled.write_text("\n".join([header, *(rows[place] for place in places)]) + "\n")

    expected, found = scores(model, files[trained.name]), scores(model, shuffled)
    for row, place in enumerate(places):
        assert found[row] | {"row": place} == pytest.approx(expected[place], abs=1e-6)


def test_columns_that_no_feature_needs_may_be_absent(trained, model, files, tmp_path):
    unused = {"year", "month", "day", "colour", "price2", "Revenue", "PageValues", "BounceRates", "ExitRates"}
    lines = [line.split(",") for line in files[trained.name].read_text().splitlines()]
    kept = [at for at, column in enumerate(lines[0]) if column not in unused]
    lean = tmp_path / "lean.csv"
    lean.write_text("\n".join(",".join(line[at] for at in kept) for line in lines) + "\n")

    assert scores(model, lean) == scores(model, files[trained.name])


def test_a_missing_column_is_named(trained, model, files, tmp_path):
    column = {"journey_intent": "price", "purchase_intent": "Month"}[trained.name]
    data = tmp_path / "data.csv"
    data.write_text(files[trained.name].read_text().replace(f",{column},", ",other,", 1))

    run = edgewise("model", "score", model, "--input", data)

    assert run.returncode == 1
    assert run.stderr == f"`data.csv` lacks the column `{column}`\n"


def test_a_bad_value_is_shown_with_its_line(trained, model, files, tmp_path):
    lines = files[trained.name].read_text().splitlines()
    cells = lines[2].split(",")
    place = lines[0].split(",").index({"journey_intent": "price", "purchase_intent": "ProductRelated"}[trained.name])
    cells[place] = "dear"
    data = tmp_path / "data.csv"
    data.write_text("\n".join([lines[0], lines[1], ",".join(cells)]) + "\n")

    run = edgewise("model", "score", model, "--input", data)

    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr.startswith("data.csv:3: column `")
    assert "`dear` is not a" in run.stderr


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "\x00\x01\xff"])
def test_what_is_no_table_is_refused_without_a_traceback(model, tmp_path, text):
    data = tmp_path / "data.csv"
    data.write_text(text, encoding="latin-1")

    run = edgewise("model", "score", model, "--input", data)

    assert run.returncode == 1
    assert run.stderr
    assert "Traceback" not in run.stderr


def test_files_that_are_not_there_cannot_be_scored(model, tmp_path):
    assert edgewise("model", "score", model, "--input", tmp_path / "none.csv").returncode == 2
    assert edgewise("model", "score", tmp_path / "none.onnx", "--input", tmp_path / "none.csv").returncode == 2


def test_what_is_no_model_is_refused(tmp_path, files):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no model")

    run = edgewise("model", "score", path, "--input", files["journey_intent"])

    assert run.returncode == 1
    assert "Traceback" not in run.stderr


def test_a_model_is_tried_where_it_can_do_no_harm_before_it_is_asked(recipe, tmp_path, files):
    made = recipe()
    made.metadata["edgewise.source"] = "clicks"
    path = tmp_path / "model.onnx"
    path.write_bytes(made.time_bomb().data)

    run = edgewise("model", "score", path, "--input", files["journey_intent"])

    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == "while it was tried, it took more than 2 s of processor time\n"


def test_training_says_what_to_install(tmp_path, files):
    code = """
import sys
sys.modules["onnx"] = None
from importlib import util
found = util.find_spec
util.find_spec = lambda name, *rest: None if name == "onnx" else found(name, *rest)
from edgewise.cli.main import main
main()
"""
    arguments = ["model", "train", "journey_intent", "--input", str(files["journey_intent"]), "--out", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(HERE / "python")}
    run = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=environment)

    assert run.returncode == 2
    assert run.stderr == "training needs onnx: pip install 'edgewise[train]'\n"
