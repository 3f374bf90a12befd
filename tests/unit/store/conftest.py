"""A store with its keys, operators and a node, all in a temporary folder: the real parts, small."""

import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgewise.store import steps
from edgewise.store.commit import Writer
from edgewise.store.keys import NODE, ROLES, KeyFolder
from edgewise.store.node import NodeStore
from edgewise.store.objects import Objects
from edgewise.store.releases import publish, right_now
from edgewise.store.rollout import take_step
from edgewise.store.setup import init_store, new_id
from edgewise.store.steps import Signature

FIRST = b'{"bundle":"first"}'
SECOND = b'{"bundle":"second"}'


def sign(why=""):
    return Signature(by="tester", at=right_now(), why=why)


@dataclass
class Shop:
    """A store, its keys, and a folder for whoever reads it."""

    url: str
    objects: Objects
    keys: KeyFolder
    root: bytes
    folder: Path

    @property
    def writer(self):
        return Writer(self.objects, self.root, self.keys)

    def with_keys(self, *roles):
        """A writer that holds the keys of some roles only, as a thief or a job may."""
        some = KeyFolder(self.folder / f"keys-{uuid.uuid4().hex[:8]}")
        some.folder.mkdir()
        for role in roles:
            for path in self.keys.folder.glob(f"{role}.*.pem"):
                (some.folder / path.name).write_bytes(path.read_bytes())
        return Writer(self.objects, self.root, some)

    def node(self, name="n-1"):
        return NodeStore.open(self.url, self.folder / f"cache-{name}", root=self.keys.root_file)

    def release(self, data=FIRST, models=None):
        return publish(self.writer, data, models or {})[0]

    def step(self, step, *args, why=""):
        return take_step(self.writer, lambda before: step(before, *args, sign(why)))

    def everywhere(self, data=FIRST):
        digest = self.release(data)
        self.step(steps.start_everywhere, digest)
        return digest


def new_shop(tmp_path, url, *, development=True, root_keys=1, thresholds=None):
    keys = KeyFolder(tmp_path / "keys")
    for role in [*ROLES, *["root"] * (root_keys - 1), NODE]:
        keys.make(role)
    objects = Objects.open(url, create=True)
    root = init_store(objects, new_id(), keys, thresholds or {}, development=development)
    return Shop(url, objects, keys, root, tmp_path)


@pytest.fixture
def make_shop():
    """Makes a store somewhere."""
    return new_shop


@pytest.fixture
def shop(tmp_path):
    """A development store in a folder."""
    return new_shop(tmp_path, str(tmp_path / "store"))


@pytest.fixture(params=["folder", "memory"])
def any_shop(request, tmp_path):
    """A development store, wherever it lies."""
    return new_shop(tmp_path, str(tmp_path / "store") if request.param == "folder" else f"memory://{uuid.uuid4().hex}")
