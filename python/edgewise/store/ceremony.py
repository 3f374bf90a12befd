"""Changing which keys count: a draft of new metadata, signed by one person after the other, then made valid.

What `root` signs changes the keys of root, targets, snapshot and timestamp; what `targets` signs changes those of
release, rollout and fleet. A draft is a file; it holds no private key and may be sent around.
"""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Targets
from tuf.api.serialization import DeserializationError

from edgewise.files import TRUSTED, write_synced
from edgewise.store import limits
from edgewise.store.commit import Draft, Writer
from edgewise.store.errors import KeysError
from edgewise.store.fetching import verify_next_root
from edgewise.store.keys import Key, KeyFolder
from edgewise.store.metadata import DELEGATED, TOP, authorized, expiry, is_development
from edgewise.store.names import metadata_name
from edgewise.store.trust import View

KEYS_PER_ROLE_MAX: Final = 16
DRAFT_BYTES_MAX: Final = limits.TARGETS_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Missing:
    """Signatures that a draft still needs: by whom, how many, from which keys."""

    role: str
    count: int
    ids: tuple[str, ...]


def signed_by(role: str) -> str:
    """The role whose keys decide about a role's keys."""
    return "root" if role in TOP else "targets"


def renewed(view: View, role: str) -> Metadata[Any]:
    """A draft that changes nothing but how long the keys of a role, and its own kind, are good for."""
    return _draft(view, signed_by(role))


def with_keys(
    view: View, role: str, *, add: list[Key], remove: list[str], threshold: int | None = None
) -> Metadata[Any]:
    """A draft in which other keys count for a role. Refuses one that nobody could sign for any more."""
    before, needed = authorized(view.root, view.targets, role)
    _require_known(role, before, remove)
    draft = _draft(view, signed_by(role))
    for identity in remove:
        draft.signed.revoke_key(identity, role)
    for key in add:
        draft.signed.add_key(key.public, role)
    after = threshold if threshold is not None else needed
    _role_of(draft.signed, role).threshold = after
    left = list(_role_of(draft.signed, role).keyids)
    if not 1 <= after <= len(left) <= KEYS_PER_ROLE_MAX:
        raise KeysError(
            f"`{role}` would have {len(left)} keys of which {after} must sign; "
            f"replace a key with `edgewise keys rotate {role}`, or change how many must sign with --sign"
        )
    return draft


def sign_draft(draft: Metadata[Any], keys: KeyFolder) -> int:
    """Sign with every key at hand that counts for the draft; answers how many signed."""
    role = "root" if isinstance(draft.signed, Root) else "targets"
    wanted = list(draft.signed.roles["root"].keyids) if isinstance(draft.signed, Root) else None
    found = keys.of_role(role) if wanted is None else [*keys.among(wanted), *keys.of_role(role)]
    for key in {key.id: key for key in found}.values():
        draft.sign(key.signer, append=True)
    return len(draft.signatures)


def missing(view: View, draft: Metadata[Any]) -> list[Missing]:
    """Who must still sign, by the keys that count now and, for a root, by its own."""
    signers = [view.root] if not isinstance(draft.signed, Root) else [view.root, draft.signed]
    role = "root" if isinstance(draft.signed, Root) else "targets"
    found = []
    for delegator in signers:
        result = delegator.get_verification_result(role, draft.signed_bytes, draft.signatures)
        if not result.verified:
            found.append(Missing(role, result.missing, tuple(sorted(result.unsigned))))
    return found


def apply(writer: Writer, draft: Metadata[Any]) -> None:
    """Make a fully signed draft valid, and sign anew what the keys of before had signed. May be repeated."""
    if isinstance(draft.signed, Root):
        _apply_root(writer, draft)
    else:
        writer.commit(lambda view: _targets_change(writer, view, draft))


def _apply_root(writer: Writer, draft: Metadata[Root]) -> None:
    data = draft.to_bytes()

    def change(view: View) -> Draft:
        verify_next_root(view.root, data)
        changed = view.root.roles["targets"] != draft.signed.roles["targets"]
        return Draft(root=data, targets=deepcopy(view.targets) if changed else None)

    writer.commit(change, root_max=draft.signed.version - 1)


def _targets_change(writer: Writer, view: View, draft: Metadata[Any]) -> Draft:
    still = missing(view, draft)
    if still:
        raise KeysError(f"the draft needs {still[0].count} more signatures of `targets`")
    if draft.signed.version <= view.targets.version:
        raise KeysError("the keys were changed since this draft was made; make it again")
    changed = [role for role in DELEGATED if _role_of(view.targets, role) != _role_of(draft.signed, role)]
    anew = [role for role in changed if not _stays_signed(writer, view, draft.signed, role)]
    return Draft(roles={role: deepcopy(view.roles[role]) for role in anew}, signed_targets=draft.to_bytes())


def _stays_signed(writer: Writer, view: View, targets: Targets, role: str) -> bool:
    """Whether what a role signed last counts under other keys too; then its holders are not needed for the change.

    Else it is signed anew with the keys at hand, and where several hold them, those who stay sign a release before.
    """
    data = writer.objects.read(metadata_name(role, view.roles[role].version), limits.TARGETS_BYTES_MAX) or b""
    last = Metadata[Targets].from_bytes(data)
    if targets.get_verification_result(role, last.signed_bytes, last.signatures).verified:
        return True
    ids, threshold = authorized(view.root, targets, role)
    if len(writer.keys.among(ids)) < threshold and threshold > 1:
        raise KeysError(
            f"what `{role}` signed last would count no more: first have {threshold} of those whose keys stay sign "
            f"something new, as with `edgewise publish`, or bring their keys together in `{writer.keys.folder}`"
        )
    return False


def write_draft(path: Path, draft: Metadata[Any]) -> None:
    """Write a draft where others can sign it."""
    write_synced(path, draft.to_bytes(), TRUSTED)


def read_draft(path: Path) -> Metadata[Any]:
    """Read a draft."""
    try:
        data = path.read_bytes()[: DRAFT_BYTES_MAX + 1]
        draft: Metadata[Any] = Metadata.from_bytes(data)
    except (DeserializationError, RepositoryError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise KeysError(f"`{path}` is no draft of keys") from error
    if not isinstance(draft.signed, Root | Targets):
        raise KeysError(f"`{path}` is no draft of keys")
    return draft


def _draft(view: View, kind: str) -> Metadata[Any]:
    payload: Root | Targets = deepcopy(view.root if kind == "root" else view.targets)
    payload.version += 1
    payload.expires = expiry(kind, development=is_development(view.root))
    return Metadata(payload)


def _role_of(signed: Root | Targets, role: str) -> Any:  # noqa: ANN401, Role of either kind
    return signed.get_delegated_role(role)


def _require_known(role: str, before: list[str], remove: list[str]) -> None:
    unknown = [identity for identity in remove if identity not in before]
    if unknown:
        raise KeysError(f"`{unknown[0][:12]}` is no key of `{role}`; it has {', '.join(each[:12] for each in before)}")
