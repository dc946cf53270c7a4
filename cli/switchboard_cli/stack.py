"""Reads the outputs of a deployed stack."""

from typing import Any, Protocol

from botocore.exceptions import ClientError

from switchboard_cli.failure import CommandFailed


class CloudFormation(Protocol):
    """The part of CloudFormation's client that is used."""

    def describe_stacks(self, *, StackName: str) -> Any:  # noqa: N803, ANN401 — boto3's own names and shape
        """The stacks of that name."""


def output(cloudformation: CloudFormation, stack: str, name: str) -> str:
    """The value of a stack's output. Raises CommandFailed, and botocore's errors."""
    try:
        (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            raise CommandFailed(f"There is no stack {stack} in this account and region.") from error
        raise
    values = {entry["OutputKey"]: entry["OutputValue"] for entry in found.get("Outputs", [])}
    if name not in values:
        raise CommandFailed(
            f"The stack {stack} has no output {name}: is it a Switchboard stack whose deployment is complete?"
        )
    return str(values[name])
