"""Stubbed AWS clients, whose calls botocore checks against AWS's service descriptions."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.session import get_session
from botocore.stub import Stubber


def stack_with(stack: str, outputs: Mapping[str, str], **parameters: Any) -> Callable[[str], Any]:
    """A replacement of `boto3.client`: CloudFormation has that stack only, and SSM expects exactly one parameter with
    these fields (none if there are no fields)."""

    def client(service: str) -> Any:
        session = get_session()
        session.set_credentials("test", "test")
        made = session.create_client(service, region_name="eu-central-1")
        stubber = Stubber(made)
        if service == "cloudformation":
            stubber.add_response("describe_stacks", {"Stacks": [_stack(stack, outputs)]}, {"StackName": stack})
        elif parameters:
            stubber.add_response("put_parameter", {"Version": 1}, parameters)
        stubber.activate()
        return made

    return client


def no_stack(stack: str) -> Callable[[str], Any]:
    """A replacement of `boto3.client` in an account without that stack."""

    def client(service: str) -> Any:
        session = get_session()
        session.set_credentials("test", "test")
        made = session.create_client(service, region_name="eu-central-1")
        stubber = Stubber(made)
        stubber.add_client_error("describe_stacks", "ValidationError", f"Stack with id {stack} does not exist", 400)
        stubber.activate()
        return made

    return client


def _stack(name: str, outputs: Mapping[str, str]) -> dict[str, Any]:
    return {
        "StackName": name,
        "CreationTime": datetime(2026, 11, 20, tzinfo=UTC),
        "StackStatus": "UPDATE_COMPLETE",
        "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
    }
