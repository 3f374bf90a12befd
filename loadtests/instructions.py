"""Counts the instructions of what has to stay quick, and fails when one case takes more than it is allowed to.

    python loadtests/instructions.py            # compare with instructions.json
    python loadtests/instructions.py --write    # after a change that is worth its price

Instructions do not depend on how busy the machine is, so this can guard what timings cannot. It needs valgrind.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROUNDS = {
    "decide-one-point": 400,
    "decide-shop": 400,
    "decide-shop-refused": 400,
    "match-targeted": 400,
    "match-broad": 400,
    "build-targeted": 1,
}
ALLOWED = 1.15
COUNTS = Path(__file__).with_suffix(".json")
BUILD = ["cargo", "bench", "--locked", "--quiet", "-p", "edgewise-core", "--bench", "counted", "--no-run"]


def main() -> int:
    """Count everything and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="keep the counts as what is allowed from now on")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("valgrind is not installed: instructions are not counted")
        return 0
    program = built()
    counts = {case: (refs(program, case, rounds) - refs(program, case, 0)) // rounds for case, rounds in ROUNDS.items()}
    if options.write:
        COUNTS.write_text(json.dumps(counts, indent=1) + "\n")
        return 0
    return compare(counts, json.loads(COUNTS.read_text()))


def built() -> Path:
    """Build the program and find it."""
    done = subprocess.run([*BUILD, "--message-format=json"], stdout=subprocess.PIPE, check=True)
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    found = [message["executable"] for message in messages if message.get("executable")]
    return Path(found[-1])


def refs(program: Path, case: str, rounds: int) -> int:
    """Count the instructions of a whole run."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(program), case, str(rounds)]
    done = subprocess.run(command, stderr=subprocess.PIPE, check=True, text=True)
    found = re.search(r"refs:\s+([\d,]+)", done.stderr)
    if found is None:
        sys.exit(f"valgrind said nothing of {case}")
    return int(found[1].replace(",", ""))


def compare(counts: dict[str, int], allowed: dict[str, int]) -> int:
    """Show both, and fail where one is above what is allowed."""
    failed = False
    for case, count in counts.items():
        ratio = count / allowed[case]
        failed |= ratio > ALLOWED
        print(f"{case:<22} {count:>12,} instructions, {ratio:6.1%} of what was written down")
    if failed:
        print(f"more than {ALLOWED - 1:.0%} above: make it cheaper, or run this with --write and say why in the commit")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
