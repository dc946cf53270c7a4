"""`switchboard keys`: create, list and revoke gateway keys."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated

import typer

from switchboard.domain.keys import GatewayKey, Scope, digest, mint
from switchboard.store.ports import KeyStore
from switchboard_cli.failure import CommandFailed, errors_reported
from switchboard_cli.moments import moment, now, span, written
from switchboard_cli.table_text import table_text
from switchboard_cli.target import DataDirOption, EndpointOption, StackOption, TableOption, target

app = typer.Typer(help="Gateway keys, with which callers authenticate.", no_args_is_help=True)

ProjectOption = Annotated[str, typer.Option("--project", help="The project that the key belongs to.")]


@app.command()
def create(
    *,
    project: ProjectOption = "default",
    name: Annotated[str, typer.Option("--name", help="What the key is for.")] = "",
    scope: Annotated[list[Scope], typer.Option("--scope", help="What the key may do; can be repeated.")] = [Scope.CALL],  # noqa: B006 — Typer copies it
    revoke_old: Annotated[
        str | None, typer.Option("--revoke-old", help="The id of the key that the new one replaces.")
    ] = None,
    overlap: Annotated[str, typer.Option("--overlap", help="How long the old key stays valid.")] = "24h",
    stack: StackOption = None,
    data_dir: DataDirOption = None,
    table: TableOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Create a key. Its text is shown once and not stored."""
    with errors_reported():
        store = target(stack, data_dir, table, endpoint_url).key_store()
        created_at = now()
        old = None if revoke_old is None else find(store, project, revoke_old)
        until = created_at + span(overlap)
        text = mint()
        key = GatewayKey(digest(text), project, frozenset(scope), created_at, name)
        store.put_key(key)
        typer.echo(f"{key.key_id} of project {project}. Its text, which is shown only once:", err=True)
        typer.echo(text)
        if old is not None:
            store.put_key(revoked(old, until))
            typer.echo(f"{old.key_id} is valid until {written(until)}.", err=True)


@app.command("list")
def list_keys(
    *,
    project: ProjectOption = "default",
    stack: StackOption = None,
    data_dir: DataDirOption = None,
    table: TableOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """List a project's keys, oldest first."""
    with errors_reported():
        listed = target(stack, data_dir, table, endpoint_url).key_store().list_keys(project)
        if not listed:
            raise CommandFailed(f"Project {project} has no keys.")
        rows = [_row(key, now()) for key in listed]
        typer.echo(table_text(("KEY", "NAME", "SCOPES", "CREATED", "STATE"), rows))


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, as shown by `keys list` and in the log.")],
    *,
    at: Annotated[
        str | None, typer.Option("--at", help="When the key is revoked (ISO 8601); the default is now.")
    ] = None,
    in_: Annotated[str | None, typer.Option("--in", help="Revoke the key after this time: 30m, 24h, 7d.")] = None,
    project: ProjectOption = "default",
    stack: StackOption = None,
    data_dir: DataDirOption = None,
    table: TableOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Revoke a key. Running gateways refuse it within five minutes, most within one."""
    with errors_reported():
        if at is not None and in_ is not None:
            raise CommandFailed("Use --at or --in, not both.")
        store = target(stack, data_dir, table, endpoint_url).key_store()
        key = find(store, project, key_id)
        from_then = moment(at) if at is not None else now() + (span(in_) if in_ is not None else timedelta(0))
        store.put_key(replace(key, revoked_at=from_then))
        typer.echo(f"{key.key_id} is refused from {written(from_then)}.")


def find(store: KeyStore, project: str, key_id: str) -> GatewayKey:
    """The project's key with that id. Raises CommandFailed."""
    found = next((key for key in store.list_keys(project) if key.key_id == key_id), None)
    if found is None:
        raise CommandFailed(f"Project {project} has no key {key_id}. `switchboard keys list` shows its keys.")
    return found


def revoked(key: GatewayKey, until: datetime) -> GatewayKey:
    """The key, revoked at `until`, or at its earlier revocation time if it has one."""
    return replace(key, revoked_at=until if key.revoked_at is None else min(key.revoked_at, until))


def _row(key: GatewayKey, at: datetime) -> tuple[str, ...]:
    if key.revoked_at is None:
        state = "valid"
    elif key.is_valid_at(at):
        state = f"valid until {written(key.revoked_at)}"
    else:
        state = f"revoked {written(key.revoked_at)}"
    return key.key_id, key.name, " ".join(sorted(key.scopes)), written(key.created_at), state
