"""Bounds of everything that is read from or written to a store. The store's content cannot change them."""

from datetime import timedelta
from typing import Final

# Sizes
ROOT_BYTES_MAX: Final = 256 * 1024
TIMESTAMP_BYTES_MAX: Final = 16 * 1024
SNAPSHOT_BYTES_MAX: Final = 256 * 1024
TARGETS_BYTES_MAX: Final = 2 * 1024 * 1024
GENERATION_BYTES_MAX: Final = 256 * 1024
FLEET_BYTES_MAX: Final = 8 * 1024 * 1024
STATUS_BYTES_MAX: Final = 64 * 1024
BUNDLE_BYTES_MAX: Final = 256 * 1024 * 1024
MODEL_BYTES_MAX: Final = 256 * 1024 * 1024
CHUNK_BYTES: Final = 64 * 1024

# Counts
MODELS_PER_BUNDLE_MAX: Final = 64
RELEASES_KEPT: Final = 10
GENERATIONS_LISTED: Final = 50
DISABLED_MAX: Final = 1000
STAGES_MAX: Final = 32
LABELS_MAX: Final = 16
NODES_MAX: Final = 20_000
RETRIED_MAX: Final = 1000
LISTED_MAX: Final = 200_000
TEXT_MAX: Final = 1000
PROBES_MAX: Final = 64
ROOT_ROTATIONS_MAX: Final = 64
PROBLEMS_MAX: Final = 20
COMMIT_ATTEMPTS_MAX: Final = 200
COMMIT_WAIT_MAX_S: Final = 120.0
NUMBERS_SKIPPED_MAX: Final = 256

# Times
FULL_REFRESH_EVERY: Final = timedelta(hours=1)
TIMESTAMP_LIFE: Final = timedelta(hours=24)
SNAPSHOT_LIFE: Final = timedelta(days=14)
ROLE_LIFE: Final = timedelta(days=365)
ROOT_LIFE: Final = timedelta(days=400)
DEVELOPMENT_LIFE: Final = timedelta(days=3650)
STATUS_SKEW_MAX: Final = timedelta(minutes=2)
