"""What a model's graph may be. Reads the file's bytes itself, before anything else parses them; runs nothing.

Without loops, branches, functions and shapes that come from data, a graph does the same work on every row. What it
costs once, in the probe, is therefore what it costs always: that is why a run needs no watchdog to end it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from edgewise.intent import proto
from edgewise.intent.errors import ModelError
from edgewise.intent.wire import Message, Reader, RefusedFieldError, WireError

IDS: Final = "ids"
VALS: Final = "vals"
OUTPUT: Final = "p"
OPSETS_MAX: Final = {"": 18, "ai.onnx.ml": 3}
IR_MIN: Final = 4  # before it, tensors had to be inputs too
IR_MAX: Final = 8
NODES_MAX: Final = 256
TENSORS_MAX: Final = 256
METADATA_MAX: Final = 64

OPERATORS: Final = frozenset(
    {("", name) for name in ("Add", "Cast", "Concat", "Gather", "Gemm", "Identity", "MatMul", "Mul")}
    | {("", name) for name in ("ReduceSum", "Relu", "Sigmoid", "Unsqueeze")}
    | {("ai.onnx.ml", name) for name in ("LinearClassifier", "Scaler", "TreeEnsembleClassifier")}
)

Numbers = memoryview | tuple[int, ...]
"""Floats as they stand in a file: bytes, or the bits of each."""


@dataclass(frozen=True, slots=True)
class Floats:
    """Some of a model's weights, undecoded; `element` is the ONNX type of each."""

    element: int
    bits: Numbers


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output as declared: name, element type, dimensions (a text stands for any size)."""

    name: str
    element: int
    dims: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds that passed the rules which need no knowledge of its purpose."""

    metadata: dict[str, str]
    inputs: dict[str, Tensor]
    outputs: list[Tensor]
    tables: tuple[int, ...]
    """Rows of each table that the ids are looked up in."""
    floats: tuple[Floats, ...]


def inspect(data: bytes) -> Contents:
    """Take a file apart and hold it to the rules.

    Raises:
        ModelError: it is no model, or not one that may run here.
    """
    reader = Reader()
    try:
        return _inspect(reader, reader.read(memoryview(data), proto.MODEL))
    except RefusedFieldError as error:
        raise ModelError("policy", error.code, str(error)) from error
    except WireError as error:
        raise ModelError("parse", "malformed", f"the file is no ONNX model that is read here: {error}") from error


def require_interface(contents: Contents, slots: int, heads: int) -> None:
    """Hold inputs and outputs to the one form there is: `ids` and `vals` of `slots` columns in, `p` of `heads` out.

    Raises:
        ModelError: they are of another form.
    """
    rows = contents.outputs[0].dims[:1] if contents.outputs else ()
    if not rows or not isinstance(rows[0], str) or not rows[0]:
        raise ModelError("policy", "output", "the number of rows must be left open by name in the model's output")
    ids, vals = Tensor(IDS, proto.INT32, (*rows, slots)), Tensor(VALS, proto.FLOAT, (*rows, slots))
    if contents.inputs != {IDS: ids, VALS: vals}:
        found = ", ".join(describe(tensor) for tensor in contents.inputs.values()) or "none"
        raise ModelError("policy", "input", f"expected inputs {describe(ids)}, {describe(vals)}, got {found}")
    p = Tensor(OUTPUT, proto.FLOAT, (*rows, heads))
    if contents.outputs != [p]:
        found = ", ".join(describe(tensor) for tensor in contents.outputs) or "none"
        raise ModelError("policy", "output", f"expected one output {describe(p)}, got {found}")


def describe(tensor: Tensor) -> str:
    """Write a tensor's declaration for people."""
    element = proto.ELEMENTS.get(tensor.element, f"type {tensor.element}")
    return f"`{tensor.name[:64]}` {element}[{', '.join(str(dim)[:32] for dim in tensor.dims)}]"


def _inspect(reader: Reader, model: Message) -> Contents:
    _require_versions(reader, model)
    graphs = reader.children(model, proto.MODEL_GRAPH, proto.GRAPH)
    if not graphs:
        raise ModelError("parse", "malformed", "the file has no graph")
    graph = graphs[0]
    nodes = _nodes(reader, graph)
    tensors = _tensors(reader, graph)
    inputs = _values(reader, graph, proto.GRAPH_INPUTS)
    return Contents(
        metadata=_metadata(reader, model),
        inputs=_by_name(inputs),
        outputs=_values(reader, graph, proto.GRAPH_OUTPUTS),
        tables=tuple(_tables(nodes, tensors)),
        floats=(*_weights(tensors), *_attributes(reader, nodes)),
    )


def _require_versions(reader: Reader, model: Message) -> None:
    ir = model.number(proto.MODEL_IR)
    if not IR_MIN <= ir <= IR_MAX:
        raise ModelError("policy", "ir_version", f"IR version {ir} is not between {IR_MIN} and {IR_MAX}")
    seen: set[str] = set()
    for opset in reader.children(model, proto.MODEL_OPSETS, proto.OPSET):
        domain, version = _domain(opset.text(proto.OPSET_DOMAIN)), opset.number(proto.OPSET_VERSION)
        if domain not in OPSETS_MAX or domain in seen:
            raise ModelError("policy", "domain", f"operators of the domain `{domain[:64]}` are not allowed")
        if not 1 <= version <= OPSETS_MAX[domain]:
            raise ModelError("policy", "opset", f"opset {version} is not between 1 and {OPSETS_MAX[domain]}")
        seen.add(domain)


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else name


def _nodes(reader: Reader, graph: Message) -> list[Message]:
    nodes = reader.children(graph, proto.GRAPH_NODES, proto.NODE)
    if not 0 < len(nodes) <= NODES_MAX:
        raise ModelError("policy", "nodes", f"a graph must have 1 to {NODES_MAX} nodes, not {len(nodes)}")
    for node in nodes:
        operator = (_domain(node.text(proto.NODE_DOMAIN)), node.text(proto.NODE_OP))
        if operator not in OPERATORS:
            name = ".".join(part for part in operator if part)
            raise ModelError("policy", "operator", f"the operator `{name[:64]}` is not allowed")
    return nodes


def _tensors(reader: Reader, graph: Message) -> dict[str, Message]:
    tensors = reader.children(graph, proto.GRAPH_TENSORS, proto.TENSOR)
    if len(tensors) > TENSORS_MAX:
        raise ModelError("policy", "tensors", f"more than {TENSORS_MAX} tensors")
    for tensor in tensors:
        if tensor.number(proto.TENSOR_TYPE) not in proto.ELEMENTS:
            raise ModelError("policy", "tensor_type", f"tensors of type {tensor.number(2)} are not allowed")
    return {tensor.text(proto.TENSOR_NAME): tensor for tensor in tensors}


def _tables(nodes: list[Message], tensors: dict[str, Message]) -> Iterator[int]:
    for node in nodes:
        inputs = node.texts(proto.NODE_INPUTS)
        if node.text(proto.NODE_OP) == "Gather" and inputs[1:] == [IDS] and inputs[0] in tensors:
            yield (tensors[inputs[0]].numbers(proto.TENSOR_DIMS) or [0])[0]


def _weights(tensors: dict[str, Message]) -> Iterator[Floats]:
    typed = {proto.FLOAT: proto.TENSOR_FLOATS, proto.DOUBLE: proto.TENSOR_DOUBLES}
    for tensor in tensors.values():
        element = tensor.number(proto.TENSOR_TYPE)
        if element in typed:
            for number in (typed[element], proto.TENSOR_RAW):
                yield from _floats(tensor, number, element)


def _attributes(reader: Reader, nodes: list[Message]) -> Iterator[Floats]:
    for node in nodes:
        for attribute in reader.children(node, proto.NODE_ATTRIBUTES, proto.ATTRIBUTE):
            yield from _floats(attribute, proto.ATTRIBUTE_FLOAT, proto.FLOAT)
            yield from _floats(attribute, proto.ATTRIBUTE_FLOATS, proto.FLOAT)


def _floats(message: Message, number: int, element: int) -> Iterator[Floats]:
    yield from (Floats(element, blob) for blob in message.blobs(number))
    single = tuple(value for value in message.all(number) if isinstance(value, int))
    if single:
        yield Floats(element, single)


def _values(reader: Reader, graph: Message, number: int) -> list[Tensor]:
    return [_value(reader, value) for value in reader.children(graph, number, proto.VALUE)]


def _value(reader: Reader, value: Message) -> Tensor:
    name = value.text(proto.VALUE_NAME)
    for declared in reader.children(value, proto.VALUE_TYPE, proto.TYPE):
        for tensor in reader.children(declared, proto.TYPE_TENSOR, proto.TENSOR_OF):
            return Tensor(name, tensor.number(proto.TENSOR_OF_ELEMENT), _dims(reader, tensor))
    return Tensor(name, 0, ())


def _dims(reader: Reader, tensor: Message) -> tuple[int | str, ...]:
    dims: list[int | str] = []
    for shape in reader.children(tensor, proto.TENSOR_OF_DIMS, proto.DIMS):
        for dim in reader.children(shape, proto.DIMS_DIM, proto.DIM):
            if dim.has(proto.DIM_VALUE) and dim.has(proto.DIM_NAME):
                raise WireError("a dimension has both a size and a name")
            dims.append(dim.text(proto.DIM_NAME) if dim.has(proto.DIM_NAME) else dim.number(proto.DIM_VALUE))
    return tuple(dims)


def _by_name(tensors: list[Tensor]) -> dict[str, Tensor]:
    found = {tensor.name: tensor for tensor in tensors}
    if len(found) != len(tensors):
        raise ModelError("policy", "input", "two inputs have the same name")
    return found


def _metadata(reader: Reader, model: Message) -> dict[str, str]:
    entries = reader.children(model, proto.MODEL_METADATA, proto.ENTRY)
    found = {entry.text(proto.ENTRY_KEY): entry.text(proto.ENTRY_VALUE) for entry in entries}
    if len(entries) > METADATA_MAX or len(found) != len(entries):
        raise ModelError("metadata", "entries", f"the metadata has more than {METADATA_MAX} entries, or a key twice")
    return found
