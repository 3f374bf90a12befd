"""Runs a node on whatever lies in a data folder's slot, for measurements: `edgewise serve` without its book."""

import argparse
import contextlib
from pathlib import Path

from edgewise._core import Sessions
from edgewise.edge.listener import listen, listen_unix, url_of
from edgewise.edge.settings import Settings
from edgewise.edge.supervisor import Supervisor, clear_run_folder


def main() -> None:
    """Serve until asked to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--uds", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--no-admission", action="store_true")
    options = parser.parse_args()
    settings = Settings(
        node="n-1",
        data_dir=str(options.data_dir),
        workers=options.workers,
        allow_at=False,
        admission=not options.no_admission,
    )
    Sessions.prepare(options.data_dir / "sessions")
    clear_run_folder(options.data_dir)
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(listen("127.0.0.1", 0, anywhere=False))]
        listeners.append(stack.enter_context(listen_unix(options.uds, 0o600)))
        url = url_of(listeners[0])
        Supervisor(
            settings, listeners, on_ready=lambda: print(f"ready on {url}", flush=True), renew=lambda: settings
        ).run()


if __name__ == "__main__":
    main()
