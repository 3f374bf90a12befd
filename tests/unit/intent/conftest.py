"""Models as a trainer would write them, and as an attacker might: made by `onnx.helper`, run by the real runtime."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from edgewise._core import FeatureSpec
from edgewise.intent import Declaration

SLOTS, BITS = 8, 6
SPEC = {
    "version": 1,
    "hash": "murmur3_x86_32",
    "seed": 0,
    "index": "abs_mod",
    "bits": BITS,
    "slots": SLOTS,
    "missing": "?",
    "overflow": "drop",
    "scope": "session",
    "state": {
        "views": {"kind": "count", "event": "Product Viewed"},
        "category": {"kind": "last", "event": "Product Viewed", "property": "category", "type": "string"},
    },
    "inputs": {"visitor": {"signal": "visit.visitor_type", "type": "string"}},
    "features": [
        {"name": "cat", "of": "category", "as": "category"},
        {"name": "n", "of": "views", "as": "log2", "step": 1},
        {"name": "visitor", "of": "visitor", "as": "category"},
    ],
    "crosses": [["cat", "n"]],
}


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def sha256(data: bytes | str) -> str:
    return "sha256:" + hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


@dataclass(frozen=True)
class Made:
    """A model's bytes, and what a bundle says of it."""

    data: bytes
    spec: str
    outputs: tuple[str, ...]
    slots: int = SLOTS

    @property
    def digest(self) -> str:
        return sha256(self.data)

    @property
    def named(self) -> tuple[bytes, str, str, int]:
        return self.data, self.digest, sha256(self.spec), self.slots

    @property
    def declaration(self) -> Declaration:
        return Declaration(digest=self.digest, spec=self.spec, outputs=self.outputs)


class Recipe:
    """A hashed logistic regression, every part of which a test may spoil before it is written."""

    def __init__(self, heads=("engaged", "exit_now"), seed=1, slots=SLOTS, bits=BITS) -> None:
        pytest.importorskip("onnx")
        from onnx import TensorProto, helper, numpy_helper

        random = np.random.default_rng(seed)
        self.helper, self.types, self.array = helper, TensorProto, numpy_helper.from_array
        self.heads, self.slots, self.rows = tuple(heads), slots, 1 << bits
        self.weights = random.normal(0, 0.3, (self.rows, len(heads))).astype(np.float32)
        self.bias = random.normal(0, 0.3, len(heads)).astype(np.float32)
        self.spec = canonical(SPEC | {"slots": slots, "bits": bits})
        self.tensors = {
            "w": self.array(self.weights, "w"),
            "b": self.array(self.bias, "b"),
            "last": self.array(np.array([2], np.int64), "last"),
            "slot": self.array(np.array([1], np.int64), "slot"),
        }
        node = helper.make_node
        self.nodes = [
            node("Gather", ["w", "ids"], ["rows"]),
            node("Unsqueeze", ["vals", "last"], ["columns"]),
            node("Mul", ["rows", "columns"], ["parts"]),
            node("ReduceSum", ["parts", "slot"], ["sums"], keepdims=0),
            node("Add", ["sums", "b"], ["scores"]),
            node("Sigmoid", ["scores"], ["p"]),
        ]
        value = helper.make_tensor_value_info
        self.inputs = [value("ids", TensorProto.INT32, ["n", slots]), value("vals", TensorProto.FLOAT, ["n", slots])]
        self.outputs = [value("p", TensorProto.FLOAT, ["n", len(heads)])]
        self.opsets = {"": 18}
        self.ir = 8
        self.metadata = self.new_metadata(random)

    def new_metadata(self, random) -> dict[str, str]:
        golden = [self._golden(random, events) for events in range(9)]
        return {
            "edgewise.feature_spec": self.spec,
            "edgewise.feature_spec_sha256": sha256(self.spec).removeprefix("sha256:"),
            "edgewise.outputs": json.dumps(self.heads),
            "edgewise.golden": json.dumps(golden),
            "edgewise.metrics": '{"auc":0.7}',
            "edgewise.data_sha256": "0" * 64,
            "edgewise.data_licence": "CC BY 4.0",
            "edgewise.trained_at": "2026-01-01",
            "edgewise.model_card": "A toy: made by tests, for tests.",
        }

    def _golden(self, random, number: int) -> dict[str, Any]:
        categories = random.integers(0, 5, number).tolist()
        events = [{"event": "Product Viewed", "properties": {"category": f"c{of}"}} for of in categories]
        inputs = {"visitor": "returning"} if number % 2 else {}
        found_ids, found_vals, _, _ = FeatureSpec(self.spec).extract_events([events], inputs=[inputs])
        used = int(np.count_nonzero(found_vals))
        ids, vals = found_ids[0, :used], found_vals[0, :used]
        scores = (self.weights[ids] * vals[:, None]).sum(axis=0, dtype=np.float32) + self.bias
        p = 1 / (1 + np.exp(-scores.astype(np.float64)))
        return {"ids": ids.tolist(), "vals": vals.tolist(), "p": p.tolist(), "events": events, "inputs": inputs}

    def endless_loop(self):
        """Go round for ever: the condition is always true, the count has no bound."""
        h, t = self.helper, self.types
        body = h.make_graph(
            [h.make_node("Identity", ["go"], ["go_on"]), h.make_node("Add", ["x", "x"], ["y"])],
            "body",
            [
                h.make_tensor_value_info("i", t.INT64, []),
                h.make_tensor_value_info("go", t.BOOL, []),
                h.make_tensor_value_info("x", t.FLOAT, []),
            ],
            [h.make_tensor_value_info("go_on", t.BOOL, []), h.make_tensor_value_info("y", t.FLOAT, [])],
        )
        self.tensors |= {"go": self.array(np.array(True), "go"), "one": self.array(np.array(1, np.float32), "one")}
        return h.make_node("Loop", ["", "go", "one"], ["forever"], body=body)

    def huge_constant(self):
        """Ask for 14.4 GB in a few bytes."""
        value = self.helper.make_tensor("v", self.types.FLOAT, [1], [0.5])
        self.tensors["size"] = self.array(np.array([3_600_000_000], np.int64), "size")
        return self.helper.make_node("ConstantOfShape", ["size"], ["huge"], value=value)

    def memory_bomb(self) -> Made:
        """Multiply a column by a row, 240 kB each, 14.4 GB together: with operators that are allowed."""
        row = np.zeros((1, 60_000), np.float32)
        self.tensors |= {"row": self.array(row, "row"), "column": self.array(row.T.copy(), "column")}
        node = self.helper.make_node
        nodes = [node("Mul", ["row", "column"], ["all"]), node("ReduceSum", ["all"], ["zero"], keepdims=0)]
        return self._with_zero(nodes)

    def time_bomb(self) -> Made:
        """Multiply matrices for every row that is asked about, 1.3e12 steps: with operators that are allowed."""
        self.tensors["m"] = self.array(np.zeros((1400, 1400), np.float32), "m")
        self.tensors["nought"] = self.array(np.zeros(1, np.float32), "nought")
        node = self.helper.make_node
        nodes = [
            node("Mul", ["vals", "nought"], ["noughts"]),
            node("ReduceSum", ["noughts"], ["start"], keepdims=0),
            node("Add", ["m", "start"], ["m0"]),
            *(node("MatMul", [f"m{i}", "m"], [f"m{i + 1}"]) for i in range(240)),
            node("ReduceSum", ["m240"], ["zero"], keepdims=0),
        ]
        return self._with_zero(nodes)

    def _with_zero(self, nodes) -> Made:
        """Add the scalar `zero`, which `nodes` compute, to the scores: the golden rows still hold."""
        gather, unsqueeze, mul, reduce_sum, add, sigmoid = self.nodes
        more = self.helper.make_node("Add", ["sums", "zero"], ["more"])
        add.input[0] = "more"
        self.nodes = [gather, unsqueeze, mul, reduce_sum, *nodes, more, add, sigmoid]
        return self.make()

    def proto(self):
        graph = self.helper.make_graph(self.nodes, "g", self.inputs, self.outputs, list(self.tensors.values()))
        opsets = [self.helper.make_opsetid(domain, version) for domain, version in self.opsets.items()]
        model = self.helper.make_model(graph, opset_imports=opsets, ir_version=self.ir, producer_name="edgewise")
        self.helper.set_model_props(model, self.metadata)
        return model

    def make(self) -> Made:
        return self.wrap(self.proto().SerializeToString(deterministic=True))

    def wrap(self, data: bytes) -> Made:
        return Made(data, self.spec, self.heads, self.slots)

    def rows_of(self, ids: list[int], vals: list[float]):
        padded_ids, padded_vals = np.zeros((1, self.slots), np.int32), np.zeros((1, self.slots), np.float32)
        padded_ids[0, : len(ids)], padded_vals[0, : len(vals)] = ids, vals
        return padded_ids, padded_vals


@pytest.fixture
def recipe() -> Callable[..., Recipe]:
    """Start a model that a test then spoils."""
    return Recipe
