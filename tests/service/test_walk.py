"""The walk of docs/store.md, typed as it is written: from a store to a node that follows it, and back."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from server import free_port

PORT_SHOWN = "8788"
ENDS_S = 30


@pytest.fixture
def shell(tmp_path, root):
    """A shell beside the examples, with the program on its path and a home of its own for keys."""
    (tmp_path / "examples").symlink_to(root / "examples")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    shell = subprocess.Popen(
        ["/bin/bash", "-e"],
        cwd=tmp_path,
        env=os.environ | {"HOME": str(tmp_path), "PATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    yield shell
    if shell.poll() is None:
        shell.communicate("kill %1\n", timeout=ENDS_S)


def served(port, generation):
    """The digest that a node serves, once it is at a generation."""
    ends = time.monotonic() + ENDS_S
    while time.monotonic() < ends:
        try:
            status = httpx.get(f"http://127.0.0.1:{port}/v1/status").json()
        except httpx.TransportError:
            status = {"generation": None}
        if status["generation"] == generation:
            return status["digest"]
        time.sleep(0.05)
    raise TimeoutError(f"the node is not at generation {generation}")


def test_the_walk_of_the_page_leads_there_and_back(root, shell):
    port = free_port()
    walk = (root / "docs/store.md").read_text().split("## A walk on one machine")[1].split("\n## ")[0]
    there, change, back = re.findall(r"```sh\n(.*?)```", walk.replace(PORT_SHOWN, str(port)), re.DOTALL)

    print(there, file=shell.stdin, flush=True)
    first = served(port, generation=1)
    print(change, file=shell.stdin, flush=True)
    assert served(port, generation=2) != first
    said, _ = shell.communicate(back, timeout=ENDS_S)

    assert shell.returncode == 0, said
    assert f"ready on http://127.0.0.1:{port}" in said
    assert "returns.header / after_window" in said
    assert re.findall(r"^generation (\d \(\w+\))", said, re.MULTILINE) == [
        *("1 (start)", "2 (start)"),
        *("3 (off)", "4 (on)", "5 (rollback)"),
    ]
