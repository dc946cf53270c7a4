"""GatewayKey ⇄ item: `from_item(to_item(key)) == key`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from switchboard.domain.keys import GatewayKey, Scope
from switchboard.store import keyspace
from switchboard.store.attributes import Item

KIND = "key"
PROJECT_KIND = "project"


def to_item(key: GatewayKey) -> Item:
    """The item of a key; it never expires, so that a revoked key can still be identified."""
    place = keyspace.gateway_key(key.digest)
    return {
        "pk": place.pk,
        "sk": place.sk,
        "gsi1pk": keyspace.keys_of_project(key.project),
        "gsi1sk": keyspace.key_order(key.created_at, key.key_id),
        "kind": KIND,
        "digest": key.digest,
        "project": key.project,
        "scopes": sorted(scope.value for scope in key.scopes),
        "created_at": _text(key.created_at),
        "name": key.name or None,
        "revoked_at": None if key.revoked_at is None else _text(key.revoked_at),
    }


def project_item(project: str) -> Item:
    """The item that registers a project, so that all projects can be listed."""
    place = keyspace.project(project)
    return {"pk": place.pk, "sk": place.sk, "kind": PROJECT_KIND, "project": project}


def from_item(item: Mapping[str, Any]) -> GatewayKey:
    """The key of an item. Raises KeyError or ValueError if it is not a key."""
    revoked_at = item.get("revoked_at")
    return GatewayKey(
        digest=item["digest"],
        project=item["project"],
        scopes=frozenset(map(Scope, item["scopes"])),
        created_at=datetime.fromisoformat(item["created_at"]),
        name=item.get("name") or "",
        revoked_at=None if revoked_at is None else datetime.fromisoformat(revoked_at),
    )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
