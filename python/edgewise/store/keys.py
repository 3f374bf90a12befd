"""Private keys in a folder of a person, a job or a node: one PEM file a key, readable by its owner alone.

A key's file is `<role>.<start of its id>.pem`. Which keys count is said by the store's signed metadata, never here.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner, SSlibKey

from edgewise.files import SECRET, write_synced
from edgewise.store.errors import KeysError
from edgewise.store.names import checked_node_id

ROLES: Final = ("root", "targets", "snapshot", "timestamp", "release", "rollout", "fleet")
NODE: Final = "node"  # the key that all nodes of a development store share
KEYS_PER_FOLDER_MAX: Final = 1000
KEY_BYTES_MAX: Final = 16 * 1024
ID_SHOWN: Final = 12
PASSPHRASE: Final = "EDGEWISE_KEYS_PASSPHRASE"  # noqa: S105, the name of a variable
ROOT_FILE: Final = "root.json"


@dataclass(frozen=True, slots=True)
class Key:
    """A private key and where it lies."""

    signer: CryptoSigner
    path: Path

    @property
    def id(self) -> str:
        """The id by which metadata names the key."""
        return str(self.signer.public_key.keyid)

    @property
    def public(self) -> SSlibKey:
        """The half that metadata lists."""
        key = self.signer.public_key
        assert isinstance(key, SSlibKey)  # noqa: S101, what CryptoSigner makes
        return key


class KeyFolder:
    """The keys at hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def root_file(self) -> Path:
        """The root of trust that was handed out with the keys."""
        return self.folder / ROOT_FILE

    def make(self, role: str) -> Key:
        """Make a key for a role."""
        signer = CryptoSigner.generate_ed25519()
        path = self.folder / f"{role}.{signer.public_key.keyid[:ID_SHOWN]}.pem"
        _make_private_folder(self.folder)
        write_synced(path, _pem_of(signer), SECRET)
        return Key(signer, path)

    def of_role(self, role: str) -> list[Key]:
        """The keys that were made for a role."""
        return [load_key(path) for path in self._paths(f"{role}.*.pem")]

    def of_node(self, node: str) -> Key:
        """The one key of a node, made when there is none."""
        path = self.folder / f"{checked_node_id(node)}.pem"
        if path.exists():
            return load_key(path)
        signer = CryptoSigner.generate_ed25519()
        _make_private_folder(self.folder)
        write_synced(path, _pem_of(signer), SECRET)
        return Key(signer, path)

    def among(self, ids: list[str]) -> list[Key]:
        """The keys at hand that are among some ids, whatever their file is called."""
        wanted = set(ids)
        found = {key.id: key for key in map(load_key, self._paths("*.pem")) if key.id in wanted}
        return list(found.values())

    def is_empty(self) -> bool:
        """Whether no key lies here."""
        return not self._paths("*.pem")

    def _paths(self, pattern: str) -> list[Path]:
        paths = sorted(self.folder.glob(pattern)) if self.folder.is_dir() else []
        if len(paths) > KEYS_PER_FOLDER_MAX:
            raise KeysError(f"`{self.folder}` holds more than {KEYS_PER_FOLDER_MAX} keys")
        return paths


def default_folder() -> Path:
    """Where development keys lie: in the user's own folder, one folder a store."""
    given = os.environ.get("EDGEWISE_KEYS")
    if given:
        return Path(given).expanduser()
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "edgewise" / "keys"


def folder_for(store_id: str, given: Path | None) -> KeyFolder:
    """The keys for a store: those given, else the user's own. A folder of several stores has one folder for each."""
    base = given.expanduser() if given else default_folder()
    below = base / store_id
    return KeyFolder(below if below.is_dir() or (given is None and not os.environ.get("EDGEWISE_KEYS")) else base)


def _make_private_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def _pem_of(signer: CryptoSigner) -> bytes:
    key = signer._private_key  # noqa: SLF001, the library writes it out only unencrypted
    assert isinstance(key, Ed25519PrivateKey)  # noqa: S101, what generate_ed25519 makes
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, _encryption())


def _encryption() -> KeySerializationEncryption:
    passphrase = os.environ.get(PASSPHRASE)
    return BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()


def load_key(path: Path) -> Key:
    """Read a private key."""
    passphrase = os.environ.get(PASSPHRASE)
    try:
        data = path.read_bytes()[:KEY_BYTES_MAX]
        encrypted = b"ENCRYPTED" in data.splitlines()[0] if data else False
        if encrypted and not passphrase:
            raise KeysError(f"`{path}` is encrypted; set {PASSPHRASE}")
        private = load_pem_private_key(data, passphrase.encode() if encrypted and passphrase else None)
    except OSError as error:
        raise KeysError(f"cannot read the key `{path}`: {(error.strerror or str(error)).lower()}") from error
    except (ValueError, TypeError) as error:
        raise KeysError(f"`{path}` is no private key, or its passphrase is another one") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeysError(f"`{path}` is no Ed25519 key")
    return Key(CryptoSigner(private), path)
