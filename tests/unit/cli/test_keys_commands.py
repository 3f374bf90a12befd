"""Keys as a tired person changes them: one command where one is enough, a draft where others must sign."""

import pytest

from edgewise.errors import EdgewiseError


@pytest.fixture(autouse=True)
def _production_store(run, tmp_path):
    run("keys", "create", tmp_path / "keys")
    run("store", "init", tmp_path / "store", "--keys", tmp_path / "keys")


def role(run, name):
    return next(row for row in run("keys", "list", "--json")["roles"] if row["role"] == name)


def test_the_list_says_who_must_sign_and_what_is_at_hand(run):
    root = role(run, "root")
    assert (root["threshold"], len(root["keys"]), root["atHand"]) == (2, 3, 3)
    assert "2 of 3" in run("keys", "list")


@pytest.mark.parametrize("name", ["release", "rollout", "fleet", "targets", "snapshot", "timestamp"])
def test_rotating_replaces_the_one_key(run, name):
    [before] = role(run, name)["keys"]

    run("keys", "rotate", name)

    assert before not in role(run, name)["keys"]
    run("store", "refresh")


def test_a_key_is_added_and_another_revoked(run):
    [before] = role(run, "release")["keys"]
    run("keys", "add", "release", "--sign", "2")
    assert role(run, "release")["threshold"] == 2

    with pytest.raises(EdgewiseError, match="would have 1 keys of which 2 must sign"):
        run("keys", "revoke", "release", before[:8])
    run("keys", "revoke", "release", before[:8], "--sign", "1")

    assert before not in role(run, "release")["keys"]


def test_people_sign_a_new_root_one_after_the_other(run, tmp_path):
    roots = sorted((tmp_path / "keys").glob("root.*.pem"))
    for number, path in enumerate(roots):
        (tmp_path / f"person-{number}").mkdir()
        path.rename(tmp_path / f"person-{number}" / path.name)

    said = run("keys", "rotate", "timestamp", "--draft", "new.json")
    assert "2 more of these keys of `root` must sign" in said
    signed = run("keys", "sign", "new.json", "--keys", "person-0")
    assert "root 2, in which there count:" in signed
    assert "1 more of these keys" in run("keys", "apply", "new.json")
    with pytest.raises(EdgewiseError, match="adds a signature"):
        run("keys", "sign", "new.json", "--keys", "person-0")
    run("keys", "sign", "new.json", "--keys", "person-2")
    assert "root 2 counts now" in run("keys", "apply", "new.json")

    run("store", "refresh")
    assert not (tmp_path / "new.json").exists()


def test_one_of_several_keys_must_be_named(run):
    with pytest.raises(EdgewiseError, match="name the one that goes: --replace"):
        run("keys", "rotate", "root")
    with pytest.raises(EdgewiseError, match="names 0 keys of `root`"):
        run("keys", "rotate", "root", "--replace", "zz")


def test_root_and_targets_are_renewed(run):
    run("keys", "renew", "root")
    run("keys", "renew", "targets")
    run("store", "refresh")


def test_a_node_is_let_in_with_a_key_of_its_own_and_expelled(run, tmp_path):
    public = run("keys", "node", "edge-1", "-o", tmp_path / "on-the-node").strip()
    run("keys", "enroll", "edge-1", "--public", public)
    run("keys", "enroll", "edge-2", "-o", tmp_path / "made-here")

    nodes = run("rollout", "status", "--json")["nodes"]
    assert [(node["id"], node["state"]) for node in nodes] == [("edge-1", "missing"), ("edge-2", "missing")]
    assert (tmp_path / "made-here/edge-2.pem").stat().st_mode & 0o077 == 0

    run("keys", "expel", "edge-1")
    assert [node["id"] for node in run("rollout", "status", "--json")["nodes"]] == ["edge-2"]
    with pytest.raises(EdgewiseError, match="is not enrolled"):
        run("keys", "expel", "edge-1")
    with pytest.raises(EdgewiseError, match="is no public key"):
        run("keys", "enroll", "edge-3", "--public", "abc")


def test_keys_are_not_made_over_others(run, tmp_path):
    with pytest.raises(EdgewiseError, match="holds keys already"):
        run("keys", "create", tmp_path / "keys")


def test_encrypted_keys_need_their_passphrase(run, tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEWISE_KEYS_PASSPHRASE", "correct horse")
    run("keys", "rotate", "release")
    run("store", "refresh")

    monkeypatch.setenv("EDGEWISE_KEYS_PASSPHRASE", "other")
    with pytest.raises(EdgewiseError, match="its passphrase is another one"):
        run("store", "refresh")
    monkeypatch.delenv("EDGEWISE_KEYS_PASSPHRASE")
    with pytest.raises(EdgewiseError, match="is encrypted; set EDGEWISE_KEYS_PASSPHRASE"):
        run("store", "refresh")
