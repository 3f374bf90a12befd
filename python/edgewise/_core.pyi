from typing import Literal

__version__: str
BUILD_PROFILE: Literal["debug", "release"]
