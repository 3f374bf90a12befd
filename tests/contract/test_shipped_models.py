"""The models in `models/`: they load as on a node, replay, say the truth about themselves, and reach what was promised.

Training them again takes minutes: `make models-check` does, and compares every byte.
"""

import hashlib
import json
import os

import pytest

from edgewise._core import FeatureSpec
from edgewise.intent import load
from edgewise.intent.policy import inspect
from edgewise.intent.train.recipes import RECIPES

DATA = {"journey_intent": "eshop_clicks.csv", "purchase_intent": "online_shoppers.csv"}
AUC_MIN = {"engaged": 0.665, "sale_seeker": 0.805, "exit_now": 0.660, "purchase": 0.755}
OVER_MARKOV_MIN = 0.04
ECE_MAX = 0.02
SIZE_MAX = 256 * 1024

needs_rebuild = pytest.mark.skipif("EDGEWISE_MODELS_CHECK" not in os.environ, reason="slow: run by `make models-check`")


@pytest.fixture(scope="module", params=sorted(DATA))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def data(root, name):
    return (root / "models" / f"{name}.onnx").read_bytes()


@pytest.fixture(scope="module")
def entries(data):
    return inspect(data).metadata


def test_a_node_loads_it_and_replays_its_golden_rows(data, entries):
    spec = FeatureSpec(entries["edgewise.feature_spec"])

    model = load(data, "sha256:" + hashlib.sha256(data).hexdigest(), spec.digest, spec.slots)

    assert list(model.outputs) == json.loads(entries["edgewise.outputs"])
    assert len(data) <= SIZE_MAX


def test_the_extractor_makes_its_golden_rows_from_raw_examples(entries):
    spec = FeatureSpec(entries["edgewise.feature_spec"])

    for row in json.loads(entries["edgewise.golden"]):
        if row.get("events"):
            ids, vals, _, _ = spec.extract_events([row["events"]], inputs=[row["inputs"]])
        else:
            ids, vals = spec.extract_values([row["values"]])
        used = len(row["ids"])
        assert used < spec.slots, "a row that fills all slots may have lost features"
        assert ids[0].tolist() == row["ids"] + [0] * (spec.slots - used)
        assert vals[0].tolist() == row["vals"] + [0.0] * (spec.slots - used)


def test_its_spec_is_the_one_of_its_recipe(entries, name):
    assert entries["edgewise.feature_spec"] == FeatureSpec(RECIPES[name].spec_text()).canonical


def test_its_card_lies_beside_it(entries, root, name):
    assert entries["edgewise.model_card"] == (root / "models" / f"{name}.md").read_text(encoding="utf-8")


def test_its_figures_reach_what_was_promised(entries):
    for head, figures in json.loads(entries["edgewise.metrics"])["heads"].items():
        assert figures["auc"][0] >= AUC_MIN[head]
        assert figures["ece"] <= ECE_MAX
        assert "over_markov" not in figures or figures["over_markov"][0] >= OVER_MARKOV_MIN


def test_it_was_trained_on_the_data_that_it_names(entries, shared, name):
    data = (shared / "data" / DATA[name]).read_bytes()

    assert entries["edgewise.data_sha256"] == hashlib.sha256(data).hexdigest()


@needs_rebuild
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_training_it_again_gives_the_same_bytes(data, entries, shared, name):
    from edgewise.intent.train.training import train

    trained = train(name, shared / "data" / DATA[name], entries["edgewise.trained_at"])

    assert trained.gap <= 1e-6
    assert trained.card == entries["edgewise.model_card"]
    assert trained.model == data
