"""The part of the ONNX file format that a model may use: messages, their fields, and those that are refused by name.

Numbers are those of `onnx.proto` up to IR version 8; a field of a later version is unknown here and so refused.
"""

from typing import Final

from edgewise.intent.wire import BYTES, FIXED32, FIXED64, VARINT, Shape

MODEL: Final = Shape(
    "the model",
    one={1: VARINT, 2: BYTES, 3: BYTES, 4: BYTES, 5: VARINT, 6: BYTES, 7: BYTES},
    many={8: BYTES, 14: BYTES},
    refused={20: ("training", "training information"), 25: ("function", "functions of its own")},
)
MODEL_IR: Final = 1
MODEL_GRAPH: Final = 7
MODEL_OPSETS: Final = 8
MODEL_METADATA: Final = 14

OPSET: Final = Shape("an opset", one={1: BYTES, 2: VARINT})
OPSET_DOMAIN: Final = 1
OPSET_VERSION: Final = 2

ENTRY: Final = Shape("an entry of the metadata", one={1: BYTES, 2: BYTES})
ENTRY_KEY: Final = 1
ENTRY_VALUE: Final = 2

GRAPH: Final = Shape(
    "the graph",
    one={2: BYTES, 10: BYTES},
    many={1: BYTES, 5: BYTES, 11: BYTES, 12: BYTES},
    refused={
        13: ("value_info", "declared types of inner values"),
        14: ("quantization", "quantization annotations"),
        15: ("sparse", "sparse tensors"),
    },
)
GRAPH_NODES: Final = 1
GRAPH_TENSORS: Final = 5
GRAPH_INPUTS: Final = 11
GRAPH_OUTPUTS: Final = 12

NODE: Final = Shape("a node", one={3: BYTES, 4: BYTES, 6: BYTES, 7: BYTES}, many={1: BYTES, 2: BYTES, 5: BYTES})
NODE_INPUTS: Final = 1
NODE_OP: Final = 4
NODE_ATTRIBUTES: Final = 5
NODE_DOMAIN: Final = 7

ATTRIBUTE: Final = Shape(
    "an attribute",
    one={1: BYTES, 2: FIXED32, 3: VARINT, 4: BYTES, 13: BYTES, 20: VARINT},
    many={7: FIXED32, 8: VARINT, 9: BYTES},
    refused={
        5: ("attribute", "a tensor"),
        6: ("subgraph", "a subgraph"),
        10: ("attribute", "tensors"),
        11: ("subgraph", "subgraphs"),
        14: ("attribute", "a type"),
        15: ("attribute", "types"),
        21: ("function", "a reference to a function's attribute"),
        22: ("sparse", "a sparse tensor"),
        23: ("sparse", "sparse tensors"),
    },
)
ATTRIBUTE_FLOAT: Final = 2
ATTRIBUTE_FLOATS: Final = 7

TENSOR: Final = Shape(
    "a tensor",
    one={2: VARINT, 8: BYTES, 9: BYTES, 12: BYTES},
    many={1: VARINT, 4: FIXED32, 5: VARINT, 7: VARINT, 10: FIXED64},
    refused={
        3: ("segment", "segments"),
        6: ("tensor_type", "texts"),
        13: ("external_data", "its data in another file"),
        14: ("external_data", "a place of its data"),
    },
)
TENSOR_DIMS: Final = 1
TENSOR_TYPE: Final = 2
TENSOR_FLOATS: Final = 4
TENSOR_NAME: Final = 8
TENSOR_RAW: Final = 9
TENSOR_DOUBLES: Final = 10

VALUE: Final = Shape("an input or output", one={1: BYTES, 2: BYTES, 3: BYTES})
VALUE_NAME: Final = 1
VALUE_TYPE: Final = 2

TYPE: Final = Shape("a type", one={1: BYTES, 6: BYTES})
TYPE_TENSOR: Final = 1

TENSOR_OF: Final = Shape("a tensor's type", one={1: VARINT, 2: BYTES})
TENSOR_OF_ELEMENT: Final = 1
TENSOR_OF_DIMS: Final = 2

DIMS: Final = Shape("a tensor's shape", many={1: BYTES})
DIMS_DIM: Final = 1

DIM: Final = Shape("a dimension", one={1: VARINT, 2: BYTES, 3: BYTES})
DIM_VALUE: Final = 1
DIM_NAME: Final = 2

FLOAT: Final = 1
INT32: Final = 6
INT64: Final = 7
DOUBLE: Final = 11
ELEMENTS: Final = {FLOAT: "float32", INT32: "int32", INT64: "int64", DOUBLE: "float64"}
