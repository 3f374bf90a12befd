"""Training on small files: the same bytes each time, answers as the trainer gives them, golden rows that replay."""

import hashlib
import json

import numpy as np
import pytest

from edgewise._core import FeatureSpec, FeatureSpecError
from edgewise.errors import EdgewiseError
from edgewise.intent import ModelError, load
from edgewise.intent.policy import inspect
from edgewise.intent.train.errors import TrainingError


def metadata(trained):
    return inspect(trained.model).metadata


def loaded(trained):
    spec = FeatureSpec(metadata(trained)["edgewise.feature_spec"])
    digest = "sha256:" + hashlib.sha256(trained.model).hexdigest()
    return load(trained.model, digest, spec.digest, spec.slots), spec


def test_the_same_file_gives_the_same_bytes(trained, files):
    from edgewise.intent.train.training import train

    again = train(trained.name, files[trained.name])

    assert again.model == trained.model
    assert again.card == trained.card


def test_a_node_loads_it_and_it_answers_as_the_trainer_does(trained):
    model, _ = loaded(trained)

    assert trained.gap <= 1e-6
    assert len(trained.model) <= 256 * 1024
    assert list(model.outputs) == json.loads(metadata(trained)["edgewise.outputs"])


def test_golden_rows_replay_from_raw_examples(trained):
    from edgewise.intent.train.training import extract

    model, spec = loaded(trained)
    golden = json.loads(metadata(trained)["edgewise.golden"])

    assert len(golden) == 32
    for row in golden:
        ids, vals = extract(spec, row)
        used = len(row["ids"])
        assert ids[0, :used].tolist() == row["ids"]
        assert vals[0, :used].tolist() == row["vals"]
        assert not vals[0, used:].any()
        assert np.abs(np.array(model.run(ids, vals)) - row["p"]).max() <= 1e-6


def test_no_row_is_cut_short(trained):
    golden = json.loads(metadata(trained)["edgewise.golden"])

    assert max(len(row["ids"]) for row in golden) < 64


def test_one_changed_byte_of_the_spec_is_refused(trained):
    spec = metadata(trained)["edgewise.feature_spec"]
    changed = spec.replace('"step":2', '"step":3', 1)
    assert len(changed) == len(spec)
    assert changed != spec
    data = trained.model.replace(spec.encode(), changed.encode())
    digest = "sha256:" + hashlib.sha256(data).hexdigest()

    with pytest.raises(ModelError, match="spec"):
        load(data, digest, FeatureSpec(changed).digest, 64)
    with pytest.raises(ModelError, match="spec"):
        load(data, digest, FeatureSpec(spec).digest, 64)


def test_a_spec_that_says_nonsense_is_refused(trained):
    spec = metadata(trained)["edgewise.feature_spec"]

    with pytest.raises(FeatureSpecError):
        FeatureSpec(spec.replace('"log2"', '"log3"', 1))


def test_it_learns_what_there_is_to_learn(trained):
    aucs = {head: figures["auc"][0] for head, figures in trained.figures["heads"].items()}

    assert max(aucs.values()) > 0.7
    assert all(figures["by_length"] for figures in trained.figures["heads"].values())


def test_the_card_says_for_what_and_how_good(trained):
    for heading in ("Intended use", "Not for", "Data", "Quality", "Against other models", "Limits", "Rebuild"):
        assert f"## {heading}\n" in trained.card
    assert "CC BY 4.0" in trained.card
    assert f"edgewise model train {trained.name}" in trained.card
    assert metadata(trained)["edgewise.model_card"] == trained.card


def test_inputs_that_only_analytics_know_are_no_features(trained):
    spec = metadata(trained)["edgewise.feature_spec"]

    assert not any(word in spec.lower() for word in ("bounce", "exit", "page_value", "pagevalue"))


def test_data_with_one_outcome_teaches_nothing(tmp_path, files):
    from edgewise.intent.train.training import train

    text = files["purchase_intent"].read_text().replace("TRUE\n", "FALSE\n")
    path = tmp_path / "nobody.csv"
    path.write_text(text)

    with pytest.raises(TrainingError, match="same label"):
        train("purchase_intent", path)


def test_an_unknown_model_names_the_known_ones():
    from edgewise.intent.train.recipes import recipe

    with pytest.raises(EdgewiseError, match="journey_intent or purchase_intent"):
        recipe("mood")
