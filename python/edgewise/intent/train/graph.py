"""A model as an ONNX file: one small graph and metadata. Owns the bytes; equal weights and texts give equal bytes."""

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

from edgewise.intent.train.fitting import Weights

OPSET: Final = 18
IR_VERSION: Final = 8
PRODUCER: Final = "edgewise"


def build(weights: Weights, slots: int, metadata: Mapping[str, str], summary: str) -> bytes:
    """Write the graph `Sigmoid(sum over slots of table[ids] * vals + bias)`."""
    heads = len(weights.bias)
    ids = helper.make_tensor_value_info("ids", TensorProto.INT32, ["n", slots])
    vals = helper.make_tensor_value_info("vals", TensorProto.FLOAT, ["n", slots])
    p = helper.make_tensor_value_info("p", TensorProto.FLOAT, ["n", heads])
    graph = helper.make_graph(_nodes(), "intent", [ids, vals], [p], _tensors(weights))
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name=PRODUCER,
        doc_string=summary,
    )
    helper.set_model_props(model, dict(sorted(metadata.items())))
    checker.check_model(model, full_check=True)
    return _bytes(model)


def _nodes() -> list[Any]:
    return [
        helper.make_node("Gather", ["table", "ids"], ["rows"]),
        helper.make_node("Unsqueeze", ["vals", "last_axis"], ["columns"]),
        helper.make_node("Mul", ["rows", "columns"], ["parts"]),
        helper.make_node("ReduceSum", ["parts", "slot_axis"], ["sums"], keepdims=0),
        helper.make_node("Add", ["sums", "bias"], ["scores"]),
        helper.make_node("Sigmoid", ["scores"], ["p"]),
    ]


def _tensors(weights: Weights) -> list[TensorProto]:
    return [
        numpy_helper.from_array(weights.table, "table"),
        numpy_helper.from_array(weights.bias, "bias"),
        numpy_helper.from_array(np.array([2], np.int64), "last_axis"),
        numpy_helper.from_array(np.array([1], np.int64), "slot_axis"),
    ]


def _bytes(model: ModelProto) -> bytes:
    return bytes(model.SerializeToString(deterministic=True))


def compact(value: Any) -> str:  # noqa: ANN401, JSON
    """Write JSON one way only: keys sorted, no blanks."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
