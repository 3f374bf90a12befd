"""Two people on two machines publish one book: the first leaves it waiting, the second looks and signs."""

import json
import shutil

import pytest
from click.testing import CliRunner

from edgewise.cli.main import cli
from edgewise.errors import EdgewiseError


@pytest.fixture
def book(root):
    return root / "examples/book"


@pytest.fixture
def people(run, tmp_path):
    """A production store in which two of `release` must sign; Ada and Bob hold one key each, and the online ones."""
    run("keys", "create", "all")
    run("store", "init", "store", "--keys", "all")
    run("keys", "add", "release", "--sign", "2", "--keys", "all")
    for name, path in zip(("ada", "bob"), sorted((tmp_path / "all").glob("release.*.pem")), strict=True):
        (tmp_path / name).mkdir()
        for pattern in ("root.json", "rollout.*", "snapshot.*", "timestamp.*"):
            for online in (tmp_path / "all").glob(pattern):
                shutil.copy(online, tmp_path / name)
        path.rename(tmp_path / name / path.name)


def test_the_second_signature_makes_it_a_release(run, people, book):
    said = run("publish", book, "--keys", "ada", "--note", "spring")
    digest = said.splitlines()[0]
    assert "waits for 1 more to sign, until then no node runs it" in said
    assert f"edgewise publish --sign {digest[7:19]} --store" in said

    with pytest.raises(EdgewiseError, match=r"waits for 1 more signatures of `release`; whoever .* publish --sign"):
        run("rollout", "start", digest, "--keys", "bob")
    status = run("rollout", "status", "--keys", "bob", "--json")
    assert [(each["digest"], each["by"], each["missing"]) for each in status["waiting"]] == [(digest, "ada", 1)]
    for command in ("status", "releases"):
        assert f"{digest[7:19]} by ada: 1 more signature of `release`; edgewise" in run(
            "rollout", command, "--keys", "bob"
        )
    assert "no decision changes" in run("bundle", "diff", digest[7:19], book, "--keys", "bob")

    said = run("publish", "--sign", digest[7:19], "--keys", "bob", by="bob")
    assert f"{digest}, by ada at" in said
    assert ": spring" in said
    assert f"released; next: edgewise rollout start {digest}" in said

    assert run("rollout", "start", digest, "--keys", "bob", "--json")["stable"] == digest
    assert run("rollout", "status", "--keys", "bob", "--json")["waiting"] == []
    assert "was released before" in run("publish", book, "--keys", "ada")


def test_the_second_may_publish_the_same_book_on_another_machine(run, people, book):
    first = run("publish", book, "--keys", "ada", "--json")
    assert (first["isNew"], first["waits"]["missing"]) == (True, 1)
    second = run("publish", book, "--keys", "bob", "--json")
    assert (second["digest"], second["isNew"], second["waits"]) == (first["digest"], True, None)


def test_what_does_not_run_here_is_not_signed(run, people, tmp_path, book, root):
    """Ada's machine was broken into: what it signed is well-formed, but decides otherwise than it says."""
    from edgewise.bundle.canonical import canonical_json
    from edgewise.store.bringing import bring
    from edgewise.store.desk import Desk

    built = json.loads(run("build", book, "-o", "b", "--json") and (tmp_path / "b").read_bytes())
    built["golden"][0]["decisions"] = {}
    built["models"] = {}
    desk = Desk.open(str(tmp_path / "store"), tmp_path / "ada")
    digest = bring(desk.writer, canonical_json(built), {}).digest

    with pytest.raises(EdgewiseError, match="is not fit to run, do not sign"):
        run("publish", "--sign", digest, "--keys", "bob")


@pytest.mark.parametrize("decides", ["", "sha256:" + "0" * 64])
def test_what_is_not_said_to_decide_as_it_does_is_not_signed(run, people, tmp_path, book, decides):
    from edgewise.bundle.artifact import read_bundle
    from edgewise.store.bringing import bring
    from edgewise.store.desk import Desk

    run("build", book, "-o", "b")
    bundle = read_bundle(tmp_path / "b")
    desk = Desk.open(str(tmp_path / "store"), tmp_path / "ada")
    bring(desk.writer, bundle.data, bundle.models, decides=decides)

    with pytest.raises(EdgewiseError, match="does not decide what is said of it, do not sign"):
        run("publish", "--sign", bundle.digest, "--keys", "bob")


def test_a_book_or_a_digest_but_not_both(run, people, book):
    for arguments in ((), (book, "--sign", "abcdef")):
        result = CliRunner().invoke(cli, ["publish", *map(str, arguments), "--keys", "bob"])
        assert (result.exit_code, "give a BOOK to publish, or `--sign DIGEST`" in result.stderr) == (2, True)
    with pytest.raises(EdgewiseError, match="`abcdef` names no bundle that waits for signatures"):
        run("publish", "--sign", "abcdef", "--keys", "bob")
