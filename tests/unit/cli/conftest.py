"""Calling commands as the shell does, in a folder of their own with keys of their own."""

import json

import pytest
from click.testing import CliRunner

from edgewise.cli.main import cli
from edgewise.errors import EdgewiseError


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Calls a command that succeeds, as `by`; gives its JSON, or all it printed."""
    monkeypatch.setenv("EDGEWISE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("EDGEWISE_KEYS", str(tmp_path / "keys"))
    monkeypatch.chdir(tmp_path)

    def call(*arguments, by="ada"):
        result = CliRunner(env={"EDGEWISE_BY": by}).invoke(cli, [str(argument) for argument in arguments])
        if isinstance(result.exception, EdgewiseError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout) if "--json" in arguments else result.output

    return call
