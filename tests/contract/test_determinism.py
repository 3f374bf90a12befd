"""The same bundle, request, state and clock give the same bytes, in whatever process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

VECTORS = Path(__file__).parent / "vectors"

DECIDE = """
import sys
from pathlib import Path
from edgewise._core import Engine, Node
node = Node(Engine.from_bundle(Path(sys.argv[1]).read_bytes()), node="n-1", generation=1, allow_at=True)
for request in sys.stdin.buffer.read().splitlines():
    sys.stdout.buffer.write(node.decide(request, now_ns=int(sys.argv[2]), debug=True) + b"\\n")
"""


def decided_in_a_new_process(requests: list[dict[str, object]], now_ns: int) -> bytes:
    body = b"\n".join(json.dumps(request).encode() for request in requests)
    command = [sys.executable, "-W", "ignore", "-c", DECIDE, str(VECTORS / "bundle.json"), str(now_ns)]
    return subprocess.run(command, input=body, capture_output=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("named", [True, False], ids=["with a request id", "without a request id"])
def test_two_processes_decide_the_same_bytes_at_any_time_of_day(named: bool) -> None:  # noqa: FBT001
    requests = [vector["request"] for vector in json.loads((VECTORS / "decisions.json").read_text())]
    if not named:
        requests = [{name: part for name, part in request.items() if name != "requestId"} for request in requests]

    first = decided_in_a_new_process(requests, 1_795_255_200_000_000_000)

    assert decided_in_a_new_process(requests, 1_795_341_600_000_000_000) == first
    assert len(first.splitlines()) == len(requests)
