"""Files of models, mangled: the answer is a model or a refusal, soon; and what we read is what onnx reads."""

import hashlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise.intent import ModelError, load
from edgewise.intent.policy import inspect
from edgewise.intent.wire import BYTES, VARINT, Reader, Shape, WireError

onnx = pytest.importorskip("onnx")

NUMBER = st.integers(0, 2**64 - 1)
SHAPE = Shape("a message", one={1: VARINT, 2: BYTES}, many={3: VARINT, 4: BYTES})


def model() -> bytes:
    helper, kind = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["w", "ids"], ["rows"]),
            helper.make_node("ReduceSum", ["rows", "axis"], ["sums"], keepdims=0),
            helper.make_node("Sigmoid", ["sums"], ["p"]),
        ],
        "g",
        [
            helper.make_tensor_value_info("ids", kind.INT32, ["n", 4]),
            helper.make_tensor_value_info("vals", kind.FLOAT, ["n", 4]),
        ],
        [helper.make_tensor_value_info("p", kind.FLOAT, ["n", 1])],
        [
            helper.make_tensor("w", kind.FLOAT, [4, 1], [0.0, 0.5, -0.5, 1.0]),
            helper.make_tensor("axis", kind.INT64, [1], [1]),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    helper.set_model_props(made, {"a": "b", "c": "d"})
    return bytes(made.SerializeToString(deterministic=True))


MODEL = model()


@st.composite
def mangled(draw) -> bytes:
    data = bytearray(MODEL)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data) - 1))
        match draw(st.sampled_from(["flip", "cut", "insert", "repeat"])):
            case "flip":
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[at : at + draw(st.integers(1, 8))]
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=8))
            case _:
                data[at:at] = data[at : at + draw(st.integers(1, 64))]
        if not data:
            break
    return bytes(data)


def varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    return bytes([*encoded, number])


@given(st.one_of(mangled(), st.binary(max_size=200)))
def test_a_mangled_file_is_refused_under_its_own_digest(data) -> None:
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    start = time.perf_counter()
    with pytest.raises(ModelError):
        load(data, digest, digest, 4)
    assert time.perf_counter() - start < 5


@given(mangled())
def test_what_is_accepted_is_what_onnx_reads(data) -> None:
    """A difference between the two would be a way past the rules."""
    try:
        contents = inspect(data)
    except ModelError:
        return
    read = onnx.load_from_string(data)
    assert contents.metadata == {entry.key: entry.value for entry in read.metadata_props}
    assert list(contents.inputs) == [value.name for value in read.graph.input]
    assert [tensor.element for tensor in contents.outputs] == [
        value.type.tensor_type.elem_type for value in read.graph.output
    ]
    assert {node.op_type for node in read.graph.node} <= {"Gather", "ReduceSum", "Sigmoid"}
    assert not read.functions
    assert not read.training_info
    assert not any(tensor.external_data or tensor.data_location for tensor in read.graph.initializer)
    assert not any(attribute.HasField("g") for node in read.graph.node for attribute in node.attribute)


@given(NUMBER, st.binary(max_size=20), st.lists(NUMBER, max_size=5), st.booleans())
def test_what_is_written_is_read(number, blob, numbers, packed) -> None:
    many = b"".join(varint(n) for n in numbers)
    written = b"\x1a" + varint(len(many)) + many if packed else b"".join(b"\x18" + varint(n) for n in numbers)
    message = Reader().read(memoryview(b"\x08" + varint(number) + b"\x12" + varint(len(blob)) + blob + written), SHAPE)
    assert message.number(1) % 2**64 == number
    assert message.blobs(2) == [blob]
    assert [n % 2**64 for n in message.numbers(3)] == numbers


@pytest.mark.parametrize(
    "data",
    [
        b"\x08",  # no value
        b"\x08" + b"\xff" * 10 + b"\x01",  # a number of more than 64 bits
        b"\x12\x05abc",  # shorter than it says
        b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # longer than there is memory
        b"\x08\x01\x08\x01",  # twice
        b"\x10\x01",  # another wire type than declared
        b"\x28\x01",  # a field nobody declared
        b"\x0b\x0c",  # a group
        b"\x0e",  # a wire type that does not exist
    ],
)
def test_what_is_written_otherwise_is_refused(data) -> None:
    with pytest.raises(WireError):
        Reader().read(memoryview(data), SHAPE)
