"""The models that come with edgewise. Owns where they lie; reads none.

`shipped/` holds links to the models at the top of the repository, which a wheel has as files.
"""

from pathlib import Path
from typing import Final

SHIPPED: Final = Path(__file__).parent / "shipped"
SUFFIX: Final = ".onnx"


def models_in(folder: Path) -> dict[str, Path]:
    """The models of a folder, by name; none where there is no such folder."""
    return {path.stem: path for path in sorted(folder.glob(f"*{SUFFIX}")) if not path.name.startswith(".")}


def shipped_models() -> dict[str, Path]:
    """The models that come with edgewise, by name."""
    return models_in(SHIPPED)
