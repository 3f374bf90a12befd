"""One store of objects, wherever it lies: what every kind must do, what is refused, how long is waited."""

import http.server
import socket
import threading
import time
from functools import partial

import pytest

from edgewise.store import Objects, Patience, StoreError, StoreRefusedError, StoreUnavailableError
from edgewise.store.errors import TooLargeError
from edgewise.store.node import NodeStore
from edgewise.store.probing import probe, require_conditions

HASTY = Patience(connect_s=0.3, silence_s=0.3, whole_s=1.0, retries=1, retry_s=1.0)


@pytest.fixture(params=["folder", "memory"])
def objects(request, tmp_path):
    url = str(tmp_path) if request.param == "folder" else f"memory://{tmp_path.name}"
    return Objects.open(url)


def test_every_kind_keeps_its_word(objects):
    assert [finding for finding in probe(objects) if not finding.holds] == []


def test_what_is_there_is_not_created_again(objects):
    assert objects.create("a/b", b"1")
    assert not objects.create("a/b", b"2")
    assert objects.read("a/b", 10) == b"1"


def test_creating_the_same_again_is_the_answer_of_a_try_that_got_lost(objects):
    assert objects.create("a", b"1")
    assert objects.create("a", b"1")


def test_nothing_is_read_beyond_its_bound(objects):
    objects.replace("a", b"x" * 1000)
    with pytest.raises(TooLargeError):
        objects.read("a", 999)
    assert objects.read("missing", 1) is None


def test_deleting_what_is_gone_is_no_error(objects):
    objects.create("a", b"1")
    objects.delete(["a", "a", "never"])
    assert objects.find("a") is None


@pytest.mark.parametrize("name", ["../outside", "a/../../outside", "a//b"])
def test_no_name_leads_outside(objects, name):
    with pytest.raises(StoreError):
        objects.create(name, b"1")


class Liar(Objects):
    """A store that says yes to every creation, as some servers do."""

    def create(self, name, data):
        self.replace(name, data)
        return True


def test_a_store_that_lies_is_refused(tmp_path):
    liar = Liar.open(str(tmp_path))

    with pytest.raises(StoreRefusedError, match="refuses to create it again"):
        require_conditions(liar)


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "redis://host", "s3:nothing", "", "file://", "file://store", "file:store"]
)
def test_other_places_are_no_stores(url):
    with pytest.raises(StoreRefusedError):
        Objects.open(url)


def test_a_folder_that_is_not_there_is_said_to_be_so(tmp_path):
    with pytest.raises(StoreUnavailableError, match="edgewise store init"):
        Objects.open(str(tmp_path / "none"))


# Over a network


@pytest.fixture
def web(shop):
    """The folder of a store behind a plain web server, for nodes that only read."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=shop.url))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_plain_web_server_feeds_a_node(shop, web):
    digest = shop.everywhere()
    node = NodeStore.open(web, shop.folder / "web-cache", root=shop.keys.root_file, patience=HASTY)
    assert node.refresh().generation.stable == digest
    assert node.fetch(digest).bundle == b'{"bundle":"first"}'

    shop.everywhere(b"second")
    assert node.refresh().generation.generation == 2


def test_a_web_server_is_only_read(web):
    with pytest.raises(StoreRefusedError, match="can only be read"):
        Objects.open(web, HASTY).create("a", b"1")


def test_a_store_that_is_down_is_given_up_soon(shop):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(StoreUnavailableError):
        Objects.open(f"http://127.0.0.1:{port}", HASTY).read("a", 1)
    assert time.monotonic() - began < 5


def test_a_store_that_never_answers_is_given_up_soon():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        with pytest.raises(StoreUnavailableError):
            Objects.open(f"http://127.0.0.1:{silent.getsockname()[1]}", HASTY).read("a", 1)
        assert time.monotonic() - began < 5


def test_a_node_keeps_what_it_has_when_the_store_goes_away(shop, tmp_path):
    digest = shop.everywhere()
    node = shop.node()
    node.refresh()
    gone = tmp_path / "elsewhere"
    (tmp_path / "store").rename(gone)

    with pytest.raises(StoreError):
        node.refresh()
    gone.rename(tmp_path / "store")
    assert node.refresh().generation.stable == digest
