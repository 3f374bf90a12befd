"""The book: the YAML files people write -> every mistake in them, or the bundle made of them.

`load` reads and checks, `check` answers the findings, `build` the bundle. Knows nothing of HTTP or of nodes.
"""

from edgewise.book.book import Book, purposes_by_scenario
from edgewise.book.building import BuildError, build, bundle_of
from edgewise.book.checking import check, load
from edgewise.book.codes import CODES
from edgewise.book.findings import Finding, Severity, has_errors
from edgewise.book.loading import BookError

__all__ = [
    "CODES",
    "Book",
    "BookError",
    "BuildError",
    "Finding",
    "Severity",
    "build",
    "bundle_of",
    "check",
    "has_errors",
    "load",
    "purposes_by_scenario",
]
