"""`switchboard policies`: show, set and remove the policies of a project and its tasks."""

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from switchboard.domain.limits import MAX_POLICY_BYTES
from switchboard.domain.policy import Policy, ProjectPolicies
from switchboard.domain.policy_json import (
    POLICY_FIELDS,
    PolicyInvalid,
    parse_policy,
    policy_json,
    read_task_id,
)
from switchboard.store.ports import PoliciesFull, PolicyStore
from switchboard_cli.failure import CommandFailed, errors_reported
from switchboard_cli.projects import check_project
from switchboard_cli.table_text import table_text
from switchboard_cli.target import DataDirOption, EndpointOption, StackOption, TableOption, Target, target

app = typer.Typer(help="Policies: targets, retries and timeouts of calls.", no_args_is_help=True)

ProjectOption = Annotated[str, typer.Option("--project", help="The project whose policy it is.")]
TaskOption = Annotated[str | None, typer.Option("--task", help="The task whose policy it is; else the project's own.")]

_STDIN = "-"
_STRICTEST = "Until it is set again or removed, zero retention applies, and no target is allowed."
_EFFECTIVE = "Running gateways apply it within five minutes, most within one."


@app.command()
def show(
    *,
    project: ProjectOption = "default",
    task: TaskOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="The policy as JSON, as accepted by `set`.")] = False,
    stack: StackOption = None,
    data_dir: DataDirOption = None,
    table: TableOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Show the effective policy of a task or of the project, and where each value comes from."""
    with errors_reported():
        task_id = _task(task)
        found = _store(target(stack, data_dir, table, endpoint_url), project).policies(project)
        if task_id in found.unreadable:
            raise CommandFailed(_unreadable(project, task))
        if as_json:
            own = found.project if task_id is None else found.tasks.get(task_id, Policy())
            typer.echo(json.dumps(policy_json(own), ensure_ascii=False, indent=2))
            return
        typer.echo(table_text(("FIELD", "VALUE", "FROM"), _rows(found, task_id)))
        if None in found.unreadable:
            typer.echo(_unreadable(project, None), err=True)
        if task_id is None and found.tasks:
            typer.echo(f"Tasks with a policy of their own: {', '.join(sorted(found.tasks))}", err=True)


@app.command("set")
def set_policy(
    file: Annotated[str, typer.Argument(help="A file with the policy as JSON; - reads it from stdin.")],
    *,
    project: ProjectOption = "default",
    task: TaskOption = None,
    stack: StackOption = None,
    data_dir: DataDirOption = None,
    table: TableOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Set a policy, replacing an older one."""
    with errors_reported():
        try:
            task_id, policy = _task(task), parse_policy(_content(file))
            _store(target(stack, data_dir, table, endpoint_url), project).put_policy(project, task_id, policy)
        except PolicyInvalid as invalid:
            raise CommandFailed("\n".join(problem.sentence for problem in invalid.problems)) from invalid
        except PoliciesFull as full:
            raise CommandFailed(str(full)) from full
        typer.echo(f"Stored for {_named(project, task)}. {_EFFECTIVE}")


@app.command()
def remove(
    *,
    project: ProjectOption = "default",
    task: TaskOption = None,
    stack: StackOption = None,
    data_dir: DataDirOption = None,
    table: TableOption = None,
    endpoint_url: EndpointOption = None,
) -> None:
    """Remove a policy; the next wider one then applies."""
    with errors_reported():
        store = _store(target(stack, data_dir, table, endpoint_url), project)
        if not store.delete_policy(project, _task(task)):
            raise CommandFailed(f"There is no policy for {_named(project, task)}.")
        typer.echo(f"Removed for {_named(project, task)}. {_EFFECTIVE}")


def _store(where: Target, project: str) -> PolicyStore:
    check_project(where, project)
    return where.policy_store()


def _task(task: str | None) -> str | None:
    try:
        return None if task is None else read_task_id(task)
    except PolicyInvalid as invalid:
        raise CommandFailed(str(invalid)) from invalid


def _content(file: str) -> bytes:
    try:
        with nullcontext(sys.stdin.buffer) if file == _STDIN else Path(file).open("rb") as source:
            return source.read(MAX_POLICY_BYTES + 1)
    except OSError as error:
        raise CommandFailed(f"{file} cannot be read: {error.strerror}.") from error


def _named(project: str, task: str | None) -> str:
    return f"project {project}" if task is None else f"task {task} of project {project}"


def _unreadable(project: str, task: str | None) -> str:
    return f"The policy of {_named(project, task)} is unreadable. {_STRICTEST}"


def _rows(found: ProjectPolicies, task: str | None) -> list[tuple[str, str, str]]:
    """Each field with its value and its origin; an unset field comes from the stack."""
    wide = policy_json(found.project)
    narrow = {} if task is None else policy_json(found.tasks.get(task, Policy()))
    return [
        (name, _text((wide | narrow).get(name)), "task" if name in narrow else "project" if name in wide else "stack")
        for name in POLICY_FIELDS
    ]


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case list():
            return ", ".join(map(_text, value)) or "none"
        case _:
            return json.dumps(value, ensure_ascii=False)
