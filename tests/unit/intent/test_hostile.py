"""Models made to do harm: refused by a rule or contained by the probe, in bounded time, with nothing left running."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from edgewise.intent import Limits, ModelError, load, probe

SMALL = Limits(memory_bytes=192 * 1024 * 1024, cpu_s=1, wall_s=30)


def refusal(made, **options) -> tuple[str, str]:
    with pytest.raises(ModelError) as caught:
        probe(*made.named, **options) if options else load(*made.named)
    return caught.value.stage, caught.value.code


def children() -> set[int]:
    """The processes that this one started and that are still there, dead ones nobody waited for too."""
    return set(children_of(os.getpid()))


@pytest.fixture(autouse=True)
def _nothing_is_left_running():
    before = children()
    yield
    assert children() == before


class TestRefusedByARule:
    """Before the runtime sees a byte: these would be loaded, or even end the process, if it did."""

    def test_an_endless_loop(self, recipe) -> None:
        made = recipe()
        made.nodes.append(made.endless_loop())
        assert refusal(made.make()) == ("policy", "operator")

    def test_fourteen_gigabytes(self, recipe) -> None:
        made = recipe()
        made.nodes.append(made.huge_constant())
        assert refusal(made.make()) == ("policy", "operator")

    def test_a_subgraph_in_an_operator_that_is_allowed(self, recipe) -> None:
        made = recipe()
        graph = made.endless_loop().attribute[0].g
        del made.tensors["go"]
        made.nodes[0].attribute.append(made.helper.make_attribute("body", graph))
        assert refusal(made.make()) == ("policy", "subgraph")
        made.nodes[0].attribute[0].CopyFrom(made.helper.make_attribute("bodies", [graph, graph]))
        assert refusal(made.make()) == ("policy", "subgraph")

    @pytest.mark.parametrize("where", ["absolute", "relative", "above", "link"])
    def test_data_in_another_file(self, recipe, tmp_path, monkeypatch, where) -> None:
        """A file in the current folder would be read by the runtime, even for a model that comes as bytes."""
        made = recipe()
        folder = tmp_path / "here"
        folder.mkdir()
        monkeypatch.chdir(folder)
        (tmp_path / "above.bin").write_bytes(made.weights.tobytes())
        (folder / "weights.bin").write_bytes(made.weights.tobytes())
        (folder / "link.bin").symlink_to(tmp_path / "above.bin")
        places = {"absolute": str(folder / "weights.bin"), "relative": "weights.bin", "above": "../above.bin"}
        tensor = made.tensors["w"]
        tensor.ClearField("raw_data")
        tensor.data_location = made.types.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", places.get(where, "link.bin")
        assert refusal(made.make()) == ("policy", "external_data")

    def test_data_in_another_file_below_an_attribute(self, recipe) -> None:
        made = recipe()
        tensor = made.helper.make_tensor("t", made.types.FLOAT, [1], [0.5])
        tensor.data_location = made.types.EXTERNAL
        made.nodes[0].attribute.append(made.helper.make_attribute("value", tensor))
        assert refusal(made.make())[0] == "policy"

    @pytest.mark.parametrize("operator", ["If", "Scan", "Loop", "Expand", "Range", "Tile", "Pow", "Nonsense", ""])
    def test_operators_that_are_not_on_the_list(self, recipe, operator) -> None:
        made = recipe()
        made.nodes.append(made.helper.make_node(operator, ["p"], ["other"]))
        assert refusal(made.make()) == ("policy", "operator")

    @pytest.mark.parametrize("domain", ["com.microsoft", "ai.onnx.training", "evil"])
    def test_domains_that_are_not_on_the_list(self, recipe, domain) -> None:
        made = recipe()
        made.nodes[1].domain = domain
        assert refusal(made.make()) == ("policy", "operator")
        made = recipe()
        made.opsets[domain] = 1
        assert refusal(made.make()) == ("policy", "domain")

    def test_functions_of_its_own(self, recipe) -> None:
        made = recipe()
        h = made.helper
        body = [h.make_node("Sigmoid", ["x"], ["y"])]
        model = made.proto()
        model.functions.append(h.make_function("", "Relu", ["x"], ["y"], body, [h.make_opsetid("", 18)]))
        assert refusal(made.wrap(model.SerializeToString())) == ("policy", "function")

    def test_sparse_tensors_and_training_information(self, recipe) -> None:
        made = recipe()
        model = made.proto()
        model.graph.sparse_initializer.add()
        assert refusal(made.wrap(model.SerializeToString())) == ("policy", "sparse")
        model = made.proto()
        model.training_info.add()
        assert refusal(made.wrap(model.SerializeToString())) == ("policy", "training")

    def test_a_second_graph_that_another_reader_would_merge_into_the_first(self, recipe) -> None:
        made = recipe()
        second = made.helper.make_model(made.helper.make_graph([made.endless_loop()], "g", [], [])).graph
        data = made.make().data + b"\x3a" + _varint(second.ByteSize()) + second.SerializeToString()
        assert refusal(made.wrap(data)) == ("parse", "malformed")

    def test_fields_of_later_versions(self, recipe) -> None:
        made = recipe()
        made.nodes[0].overload = "x"
        assert refusal(made.make()) == ("parse", "malformed")

    @pytest.mark.parametrize("weight", [np.nan, np.inf, -np.inf])
    def test_weights_that_are_no_numbers(self, recipe, weight) -> None:
        made = recipe()
        made.weights[5, 1] = weight
        made.tensors["w"] = made.array(made.weights, "w")
        assert refusal(made.make()) == ("policy", "weights")
        made.tensors["w"] = made.helper.make_tensor("w", made.types.FLOAT, made.weights.shape, made.weights.ravel())
        assert refusal(made.make()) == ("policy", "weights")

    def test_weights_that_give_no_probability(self, recipe) -> None:
        made = recipe()
        made.nodes[-1].op_type = "Identity"
        assert refusal(made.make())[0] == "golden"

    def test_a_million_tiny_fields(self, recipe) -> None:
        data = b"\x72\x00" * 3_000_000
        start = time.perf_counter()
        assert refusal(recipe().wrap(data)) == ("parse", "malformed")
        assert time.perf_counter() - start < 10

    def test_a_tree_that_leads_back_to_its_root(self, recipe) -> None:
        """The one operator on the list that could go round: the runtime itself refuses such trees."""
        made = recipe(heads=("a", "b"))
        made.opsets["ai.onnx.ml"] = 3
        tree = made.helper.make_node(
            "TreeEnsembleClassifier",
            ["vals"],
            ["label", "p"],
            domain="ai.onnx.ml",
            nodes_treeids=[0, 0],
            nodes_nodeids=[0, 1],
            nodes_featureids=[0, 0],
            nodes_modes=["BRANCH_LEQ", "LEAF"],
            nodes_values=[0.5, 0.0],
            nodes_truenodeids=[0, 0],
            nodes_falsenodeids=[1, 0],
            class_treeids=[0],
            class_nodeids=[1],
            class_ids=[0],
            class_weights=[0.3],
            classlabels_int64s=[0, 1],
        )
        made.nodes, made.tensors = [tree], {}
        assert refusal(made.make(), limits=SMALL) == ("session", "runtime")


class TestContainedByTheProbe:
    """Only operators that are allowed, and yet too much: what no rule on the form can tell."""

    def test_memory_beyond_all_bounds(self, recipe) -> None:
        start = time.perf_counter()
        assert refusal(recipe().memory_bomb(), limits=SMALL) == ("golden", "memory")
        assert time.perf_counter() - start < 20

    def test_time_beyond_all_bounds(self, recipe) -> None:
        start = time.perf_counter()
        assert refusal(recipe().time_bomb(), limits=SMALL) == ("probe", "cpu")
        assert time.perf_counter() - start < 20

    def test_a_child_out_of_time_ends_itself(self, recipe, tmp_path) -> None:
        assert refusal(recipe().make(), limits=Limits(wall_s=0.001)) == ("probe", "timeout")

    def test_a_child_that_cannot_end_itself_is_killed(self, recipe, monkeypatch) -> None:
        """One that is stopped hears no alarm."""
        monkeypatch.setattr("edgewise.intent.probing.GRACE_S", 0.1)
        before = children()
        probe = lambda: next(filter(is_probe, children() - before), None)  # noqa: E731, stopped before that, it would stop us
        stopper = threading.Thread(target=lambda: os.kill(wait_for(probe), signal.SIGSTOP))
        stopper.start()
        assert refusal(recipe().make(), limits=Limits(wall_s=0.4)) == ("probe", "timeout")
        stopper.join()

    def test_a_child_ends_even_when_nobody_is_left_to_end_it(self, recipe, tmp_path) -> None:
        made = recipe().time_bomb()
        (tmp_path / "model").write_bytes(made.data)
        script = (
            "import pathlib, sys; from edgewise.intent import Limits, probe;"
            "probe(pathlib.Path(sys.argv[1]).read_bytes(), *sys.argv[2:4], 8, limits=Limits(cpu_s=2, wall_s=5))"
        )
        parent = subprocess.Popen([sys.executable, "-c", script, tmp_path / "model", made.digest, made.named[2]])
        child = wait_for(lambda: next(iter(children_of(parent.pid)), None))
        parent.kill()
        parent.wait()
        assert wait_for(lambda: not is_alive(child))


def children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(text) for text in listed.read_text().split()] if listed.exists() else []


def is_probe(pid: int) -> bool:
    """Whether a child has become the program it was started for: until then its parent waits for it."""
    try:
        return b"edgewise.intent.child" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def wait_for(condition, seconds: float = 40.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    return bytes([*encoded, number])
