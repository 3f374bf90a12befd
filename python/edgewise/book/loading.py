"""A folder -> the sources of a book. Owns which files belong to a book and how many; checks nothing in them."""

from pathlib import Path

from edgewise.book.book import Book
from edgewise.book.codes import finding
from edgewise.book.findings import Finding
from edgewise.book.reader import FILE_BYTES_MAX
from edgewise.book.registry import Registry
from edgewise.book.scenario import Scenario
from edgewise.book.source import Source, read_source
from edgewise.errors import EdgewiseError
from edgewise.files import open_file

REGISTRY_FILE = "book.yaml"
SCENARIO_FOLDER = "scenarios"
SCENARIOS_MAX = 10_000


class BookError(EdgewiseError):
    """There is no book to read at all."""


def load_book(path: Path) -> Book:
    """Reads all files of a book. Raises BookError when the folder is not one; all else becomes findings."""
    if not path.is_dir():
        raise BookError(f"no such book: `{path}` is not a folder")
    registry = _read_registry(path)
    scenarios, findings = _read_scenarios(path)
    return Book(path, registry, scenarios, findings)


def _read_registry(path: Path) -> Source[Registry]:
    data = _read(path / REGISTRY_FILE, REGISTRY_FILE)
    if not (path / REGISTRY_FILE).exists():
        hint = "`edgewise new DIR` writes a book to start from"
        data = finding("EW006", REGISTRY_FILE, 1, 1, "the book has no registry", hint)
    if isinstance(data, Finding):
        source = read_source(b"", REGISTRY_FILE, Registry)
        source.findings[:] = [data]
        return source
    return read_source(data, REGISTRY_FILE, Registry)


def _read_scenarios(path: Path) -> tuple[list[Source[Scenario]], list[Finding]]:
    sources: list[Source[Scenario]] = []
    findings: list[Finding] = []
    files = sorted((path / SCENARIO_FOLDER).glob("*")) if (path / SCENARIO_FOLDER).is_dir() else []
    for found in files[:SCENARIOS_MAX]:
        file = f"{SCENARIO_FOLDER}/{found.name}"
        if found.suffix == ".yaml" and not found.name.startswith("."):
            data = _read(found, file)
            if isinstance(data, Finding):
                findings.append(data)
            else:
                sources.append(read_source(data, file, Scenario))
        elif found.suffix == ".yml":
            findings.append(finding("EW006", file, 1, 1, "the file is not read", "name it `.yaml`"))
    if len(files) > SCENARIOS_MAX:
        message = f"the folder holds {len(files)} files; at most {SCENARIOS_MAX} are read"
        findings.append(finding("EW006", f"{SCENARIO_FOLDER}/{files[SCENARIOS_MAX].name}", 1, 1, message))
    return sources, findings


def _read(path: Path, file: str) -> bytes | Finding:
    """The bytes of a file, one more than its bound at most."""
    try:
        with open_file(path) as opened:
            return opened.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        return finding("EW006", file, 1, 1, f"the file cannot be read: {(error.strerror or str(error)).lower()}")
