"""What a deployed stack says about itself: its outputs."""

from typing import Any, Protocol

from botocore.exceptions import ClientError

from switchboard_cli.failure import CommandFailed


class CloudFormation(Protocol):
    """The one question put to CloudFormation."""

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
        raise CommandFailed(f"The stack {stack} has no output {name}: is it Switchboard, and deployed to its end?")
    return str(values[name])
