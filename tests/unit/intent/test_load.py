"""What a node takes for a model: the one form there is, and every departure from it refused with a stage and a code."""

import hashlib
import json
import threading

import numpy as np
import pytest

from edgewise.intent import MODEL_BYTES_MAX, ModelError, load


def refusal(made) -> tuple[str, str]:
    with pytest.raises(ModelError) as caught:
        load(*made.named)
    assert str(caught.value)
    return caught.value.stage, caught.value.code


def test_a_model_answers_as_when_it_was_made(recipe) -> None:
    made = recipe(heads=("engaged", "sale_seeker", "exit_now"))
    model = load(*made.make().named)
    scores = (made.weights[[3, 3, 17]] * np.array([[1.0], [0.5], [-2.0]])).sum(axis=0) + made.bias
    assert model.run(*made.rows_of([3, 3, 17], [1.0, 0.5, -2.0])) == pytest.approx(1 / (1 + np.exp(-scores)), abs=1e-6)
    assert model.outputs == ("engaged", "sale_seeker", "exit_now")
    assert model.metadata["edgewise.data_licence"] == "CC BY 4.0"
    assert model.trained_at.isoformat() == "2026-01-01T00:00:00+00:00"


def test_many_rows_give_the_same_as_one_by_one(recipe) -> None:
    made = recipe()
    model = load(*made.make().named)
    random = np.random.default_rng(3)
    ids = random.integers(0, made.rows, (5000, made.slots)).astype(np.int32)
    vals = random.normal(0, 1, ids.shape).astype(np.float32)
    batch = model.run_batch(ids, vals)
    assert batch.shape == (5000, 2)
    alone = [model.run(ids[[i]], vals[[i]]) for i in range(0, 5000, 99)]
    assert np.abs(batch[::99] - np.array(alone)).max() < 1e-6
    assert model.run_batch(ids[:0], vals[:0]).shape == (0, 2)


def test_threads_get_the_answers_of_their_own_rows(recipe) -> None:
    made = recipe()
    model = load(*made.make().named)
    rows = [made.rows_of([n % made.rows], [n / 10]) for n in range(40)]
    expected = [model.run(*row) for row in rows]
    found: list[list[tuple[float, ...]]] = []
    threads = [
        threading.Thread(target=lambda: found.append([model.run(*row) for _ in range(50) for row in rows]))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(expected)) > 1
    assert found == [expected * 50] * 4


def test_every_part_of_the_card_is_asked_for(recipe) -> None:
    for key in recipe().metadata:
        made = recipe()
        del made.metadata[key]
        assert refusal(made.make()) == ("metadata", "missing")


class TestBytes:
    def test_four_hundred_flipped_bits_are_refused_by_the_digest(self, recipe) -> None:
        made = recipe().make()
        random = np.random.default_rng(0)
        for _ in range(400):
            spoiled = bytearray(made.data)
            spoiled[random.integers(len(spoiled))] ^= 1 << random.integers(8)
            with pytest.raises(ModelError) as caught:
                load(bytes(spoiled), *made.named[1:])
            assert (caught.value.stage, caught.value.code) == ("digest", "mismatch")

    @pytest.mark.parametrize("data", [b"", b"no model at all", b"\x08\x08", b"\xff" * 100, b"\x00" * 100])
    def test_what_is_no_model_is_refused_even_under_its_own_digest(self, recipe, data) -> None:
        assert refusal(recipe().wrap(data))[0] in {"parse", "policy"}

    def test_a_model_cut_off_anywhere_is_refused_even_under_its_own_digest(self, recipe) -> None:
        made = recipe()
        data = made.make().data
        for end in range(0, len(data), 37):
            assert refusal(made.wrap(data[:end]))[0] in {"parse", "policy", "metadata"}

    def test_size_is_looked_at_before_anything_else(self, recipe) -> None:
        assert refusal(recipe().wrap(bytes(MODEL_BYTES_MAX + 1))) == ("size", "too_large")

    def test_a_flatbuffer_of_the_runtime_is_not_taken_for_one(self, recipe) -> None:
        assert refusal(recipe().wrap(b"\x18\x00\x00\x00ORTM" + bytes(64)))[0] == "parse"


class TestFeatureSpec:
    def test_a_spec_of_another_digest_than_the_model_says_is_refused(self, recipe) -> None:
        made = recipe()
        made.metadata["edgewise.feature_spec_sha256"] = "0" * 64
        assert refusal(made.make()) == ("metadata", "spec_digest")

    def test_one_changed_byte_of_the_spec_is_refused(self, recipe) -> None:
        made = recipe()
        made.metadata["edgewise.feature_spec"] = made.spec.replace('"step":1', '"step":2')
        assert refusal(made.make()) == ("metadata", "spec_digest")

    @pytest.mark.parametrize(
        "change", [(",", ", "), ('"kind":"count"', '"kind":"nonsense"'), ('"version":1', '"version":2')]
    )
    def test_a_spec_that_this_engine_does_not_read_so_is_refused(self, recipe, change) -> None:
        made = recipe()
        made.spec = made.spec.replace(*change)
        made.metadata["edgewise.feature_spec"] = made.spec
        made.metadata["edgewise.feature_spec_sha256"] = hashlib.sha256(made.spec.encode()).hexdigest()
        assert refusal(made.make()) == ("metadata", "spec")

    def test_a_model_of_another_spec_is_refused_however_well_it_is_signed(self, recipe) -> None:
        made = recipe()
        expected = made.make().named[2]
        made.spec = made.spec.replace('"step":1', '"step":2')
        made.metadata |= made.new_metadata(np.random.default_rng(1))
        data, digest, found, slots = made.make().named
        assert found != expected
        with pytest.raises(ModelError, match="expected a feature spec of digest") as caught:
            load(data, digest, expected, slots)
        assert caught.value.code == "spec_digest"

    def test_another_number_of_slots_is_refused(self, recipe) -> None:
        data, digest, spec_digest, _ = recipe().make().named
        with pytest.raises(ModelError, match="expected 64 slots") as caught:
            load(data, digest, spec_digest, 64)
        assert caught.value.code == "slots"

    def test_a_table_smaller_than_the_ids_is_refused(self, recipe) -> None:
        made = recipe()
        made.tensors["w"] = made.array(made.weights[:32], "w")
        assert refusal(made.make()) == ("policy", "table")


class TestGoldenRows:
    def spoiled(self, recipe, change):
        made = recipe()
        golden = json.loads(made.metadata["edgewise.golden"])
        change(golden)
        made.metadata["edgewise.golden"] = json.dumps(golden)
        return refusal(made.make())

    def test_a_probability_off_by_more_than_a_millionth_is_refused(self, recipe) -> None:
        assert self.spoiled(recipe, lambda rows: rows[4]["p"].__setitem__(1, rows[4]["p"][1] + 2e-6)) == (
            "golden",
            "mismatch",
        )

    def test_other_weights_are_refused(self, recipe) -> None:
        made = recipe()
        made.tensors["b"] = made.array(made.bias + 1e-4, "b")
        assert refusal(made.make()) == ("golden", "mismatch")

    @pytest.mark.parametrize(
        "change",
        [
            list.clear,
            lambda rows: rows[1]["ids"].append(3),
            lambda rows: rows[1]["ids"].__setitem__(0, 64),
            lambda rows: rows[1]["ids"].__setitem__(0, -1),
            lambda rows: rows[1].update(ids=[0] * 9, vals=[0.0] * 9),
            lambda rows: rows[1]["p"].pop(),
            lambda rows: rows[1]["vals"].__setitem__(0, "1"),
            lambda rows: rows[1].pop("events"),
            lambda rows: rows[1].update(values={}),
            lambda rows: rows[1].update(tokens=["a"]),
        ],
    )
    def test_rows_that_do_not_fit_are_refused(self, recipe, change) -> None:
        assert self.spoiled(recipe, change)[0] == "metadata"

    @pytest.mark.parametrize(
        "change",
        [
            lambda rows: rows[3]["ids"].reverse(),
            lambda rows: rows[3]["vals"].__setitem__(1, 0.5),
            lambda rows: rows[3]["vals"].__setitem__(1, 1e300),
            lambda rows: [rows[3][name].pop() for name in ("ids", "vals")],
            lambda rows: rows[3]["events"].pop(),
            lambda rows: rows[3]["events"].append({"event": 7}),
            lambda rows: rows[3].update(inputs={"visitor": "new"}),
            lambda rows: rows[3].update(inputs={"nonsense": 1}),
        ],
    )
    def test_a_row_that_this_engine_makes_otherwise_is_refused(self, recipe, change) -> None:
        assert self.spoiled(recipe, change) == ("golden", "extraction")

    def test_rows_may_come_from_snapshots_too(self, recipe) -> None:
        made = recipe()
        golden = json.loads(made.metadata["edgewise.golden"])
        for row in golden:
            categories = [event["properties"]["category"] for event in row.pop("events")]
            row["values"] = row.pop("inputs") | {
                "views": len(categories),
                "category": categories[-1] if categories else None,
            }
        made.metadata["edgewise.golden"] = json.dumps(golden)
        assert load(*made.make().named).outputs == made.heads


class TestInterface:
    def test_names(self, recipe) -> None:
        made = recipe()
        made.inputs[0].name = "indices"
        assert refusal(made.make()) == ("policy", "input")
        made = recipe()
        made.outputs[0].name = made.nodes[-1].output[0] = "q"
        assert refusal(made.make()) == ("policy", "output")

    def test_types(self, recipe) -> None:
        made = recipe()
        made.inputs[0].type.tensor_type.elem_type = made.types.INT64
        assert refusal(made.make()) == ("policy", "input")
        made = recipe()
        made.outputs[0].type.tensor_type.elem_type = made.types.DOUBLE
        assert refusal(made.make()) == ("policy", "output")
        made = recipe()
        made.inputs[1].type.sequence_type.elem_type.tensor_type.elem_type = made.types.FLOAT
        assert refusal(made.make())[0] in {"parse", "policy"}

    @pytest.mark.parametrize("shape", [["n", 9], [1, 8], ["m", 8], ["n", "k"], ["n", 8, 1], ["n"], []])
    def test_shapes_of_inputs(self, recipe, shape) -> None:
        made = recipe()
        made.inputs[1] = made.helper.make_tensor_value_info("vals", made.types.FLOAT, shape)
        assert refusal(made.make()) == ("policy", "input")

    @pytest.mark.parametrize("shape", [["n", 3], [1, 2], ["n"], [], ["", 2]])
    def test_shapes_of_outputs(self, recipe, shape) -> None:
        made = recipe()
        made.outputs[0] = made.helper.make_tensor_value_info("p", made.types.FLOAT, shape)
        assert refusal(made.make())[1] in {"output", "input"}

    def test_one_more_or_one_less(self, recipe) -> None:
        made = recipe()
        made.inputs.append(made.helper.make_tensor_value_info("more", made.types.FLOAT, ["n", 8]))
        assert refusal(made.make()) == ("policy", "input")
        made = recipe()
        made.inputs.pop()
        assert refusal(made.make()) == ("policy", "input")
        made = recipe()
        made.outputs.append(made.helper.make_tensor_value_info("scores", made.types.FLOAT, ["n", 2]))
        assert refusal(made.make()) == ("policy", "output")
        made = recipe()
        made.outputs.pop()
        assert refusal(made.make()) == ("policy", "output")

    def test_heads_other_than_the_output_has(self, recipe) -> None:
        made = recipe()
        made.metadata["edgewise.outputs"] = '["engaged"]'
        assert refusal(made.make()) == ("metadata", "golden")
        made.metadata["edgewise.outputs"] = '["engaged","engaged"]'
        assert refusal(made.make()) == ("metadata", "outputs")
        made.metadata["edgewise.outputs"] = '["engaged","Exit Now"]'
        assert refusal(made.make()) == ("metadata", "outputs")

    @pytest.mark.parametrize("version", [0, 19, 26, 28])
    def test_opsets(self, recipe, version) -> None:
        made = recipe()
        made.opsets = {"": version}
        assert refusal(made.make()) == ("policy", "opset")

    @pytest.mark.parametrize("version", [3, 9, 14])
    def test_ir_versions(self, recipe, version) -> None:
        made = recipe()
        made.ir = version
        assert refusal(made.make()) == ("policy", "ir_version")


class TestRows:
    """A row that would silently be read otherwise is not run at all."""

    @pytest.mark.parametrize(
        ("ids", "vals"),
        [
            (np.full((1, 8), -1, np.int32), np.zeros((1, 8), np.float32)),
            (np.full((1, 8), 64, np.int32), np.zeros((1, 8), np.float32)),
            (np.zeros((1, 8), np.int32), np.zeros((1, 1), np.float32)),
            (np.zeros((1, 8), np.int64), np.zeros((1, 8), np.float32)),
            (np.zeros((1, 8), np.int32), np.zeros((1, 8), np.float64)),
            (np.zeros(8, np.int32), np.zeros(8, np.float32)),
            (np.zeros((1, 8), np.int32), np.full((1, 8), np.nan, np.float32)),
            (np.zeros((1, 8), np.int32), np.full((1, 8), -np.inf, np.float32)),
        ],
    )
    def test_of_another_form(self, recipe, ids, vals) -> None:
        model = load(*recipe().make().named)
        for run in (model.run, model.run_batch):
            with pytest.raises(ModelError) as caught:
                run(ids, vals)
            assert (caught.value.stage, caught.value.code) == ("run", "input")
        zeros = np.zeros((1, 8), np.int32), np.zeros((1, 8), np.float32)
        assert model.run(*zeros) == tuple(model.run_batch(*zeros)[0].tolist())
