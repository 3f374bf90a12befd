"""How tables look that people read in a terminal. Owns their style alone."""

from rich.table import Table


def plain_table(*headers: str) -> Table:
    """Make a table without lines, under dim headers; without any, when no header is given."""
    return Table(*headers, show_header=bool(headers), box=None, padding=(0, 2, 0, 0), header_style="dim")
