"""The program as a person meets it: quick, helpful, one line for a mistake, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgewise import __version__
from edgewise.cli import main

EDGEWISE = Path(sys.executable).with_name("edgewise")


def edgewise(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([EDGEWISE, *arguments], capture_output=True, text=True, timeout=30, check=False)


def test_help_lists_every_command_without_importing_one() -> None:
    code = """
import sys
from edgewise.cli.main import cli

cli(["--help"], standalone_mode=False)
print(sorted(module for module in sys.modules if module.startswith("edgewise.cli.")))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)

    assert run.stdout.splitlines()[-1] == "['edgewise.cli.main']"
    assert all(name in run.stdout for name in main.COMMANDS)


def test_version() -> None:
    assert edgewise("--version").stdout == f"edgewise {__version__}\n"


def test_an_unknown_command_names_the_nearest() -> None:
    run = edgewise("chek")

    assert run.returncode == 2
    assert "Did you mean `check`?" in run.stderr


@pytest.mark.parametrize("name", main.COMMANDS)
def test_the_list_says_what_the_command_says_of_itself(name: str) -> None:
    assert main.load(name).get_short_help_str(limit=200) == main.COMMANDS[name]


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_help_has_an_example(name: str) -> None:
    run = edgewise(name, "--help")

    assert run.returncode == 0, run.stderr
    assert "Example" in run.stdout
    assert f"edgewise {name}" in run.stdout.split("Example", 1)[1]


def test_a_reader_that_leaves_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as gone:
        run = subprocess.run([EDGEWISE, "--help"], stdout=gone, stderr=subprocess.PIPE, timeout=30, check=False)

    assert run.stderr == b""
