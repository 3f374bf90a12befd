"""How long `edgewise check` takes for a large book: hundreds of scenarios that share a decision point, five tests each.

Figures to read, not to pass: other work on the same core changes them by half.

    python loadtests/bench_check.py --scenarios 300

The book is the starter's, its scenario written out again and again. Counts the processor time of the whole process.
"""

import argparse
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from edgewise.book.starter import write_starter
from hosts import machine, versions
from report import console
from server import EDGEWISE

SEGMENTS, TESTS = 6, 5


def main() -> None:
    """Check the book a few times and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenarios", type=int, default=300, help="scenarios of the book (%(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="how often it is checked (%(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edgewise-check-") as folder:
        book = Path(folder) / "book"
        write_book(book, options.scenarios)
        spent = [processor_s(book) for _ in range(options.runs)]
    console.print(f"{machine()}; {versions()}; {time.strftime('%Y-%m-%d', time.gmtime())}")
    took = f"median {statistics.median(spent):.2f} s of a processor, {min(spent):.2f} to {max(spent):.2f}"
    console.print(f"{options.scenarios} scenarios, {options.scenarios * TESTS} tests: {took}")


def write_book(folder: Path, scenarios: int) -> None:
    """Write a book in which each scenario waits for its own page, and all serve one decision point."""
    registry, scenario = write_starter(folder)
    segments = "".join(f'  orders_{n}: {{when: "customer.orders == {n}"}}\n' for n in range(SEGMENTS))
    text = registry.read_text().replace("max_live_scenarios: 3", f"max_live_scenarios: {scenarios}")
    text = text.replace("  page.kind:", "  page.name: {type: string, source: request}\n  page.kind:")
    registry.write_text(text.replace("purposes:  ", f"{segments}purposes:  ", 1))
    pattern = scenario.read_text().partition("tests:")[0]
    scenario.unlink()
    for number in range(scenarios):
        scenario.with_name(f"page-{number}.yaml").write_text(of_page(pattern, number))


def of_page(pattern: str, number: int) -> str:
    """The starter's scenario for one page: an overlay for each segment, tests of its own."""
    name = f"page-{number}"
    overlays = "".join(
        f'      - {{segment: orders_{n}, set: {{tone: tone-{n}}}, explain: "You have ordered {n} times."}}\n'
        for n in range(SEGMENTS)
    )
    text = pattern.replace("full-cart", name).replace("priority: 10", f"priority: {number}")
    text = text.replace("page.kind == 'cart'", f"page.kind == 'cart' && page.name == '{name}'")
    text = text.replace("      - {segment: regular", f"{overlays}      - {{segment: regular")
    tests = "".join(
        f"  - name: after {n} orders\n"
        f"    signals: {{page.kind: cart, page.name: {name}, cart.value: 60, customer.orders: {n}}}\n"
        f"    expect: {{scenario: {name}, pathway: ships_free, segment: orders_{n}}}\n"
        for n in range(TESTS)
    )
    return f"{text}tests:\n{tests}"


def processor_s(book: Path) -> float:
    """The processor time of one check, user and system. A book that is not clean is no measure."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([str(EDGEWISE), "check", str(book)], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
