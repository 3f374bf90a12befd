"""`edgewise agent`: the process that follows a store, for workers that run apart on the same data folder."""

from typing import Any

import rich_click as click

from edgewise.cli.node_options import agent_settings, node_options, store_options


@click.command()
@click.option("--store", required=True, help="URL of the store to follow.")
@store_options
@node_options
def command(store: str, **options: Any) -> None:  # noqa: ANN401, the options of `node_options` and `store_options`
    """Follow a store for workers that run apart: `edgewise serve --slot`.

    Example: edgewise agent --store s3://bucket/edgewise --root root.json --node-id n-1 --data-dir /var/lib/edgewise
    """
    from edgewise.agent.process import main

    main(agent_settings(store, options))
