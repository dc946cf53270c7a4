"""Reads a deployed stack, and changes one of its parameters."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.exceptions import ClientError

from switchboard_cli.failure import CommandFailed

# The transform needs the second one wherever a template is not submitted as a change set.
_CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND")


class CloudFormation(Protocol):
    """The part of CloudFormation's client that is used."""

    meta: Any

    def describe_stacks(self, *, StackName: str) -> Any:  # noqa: N803, ANN401 — boto3's own names and shape
        """The stacks of that name."""

    def update_stack(self, **_: Any) -> Any:  # noqa: ANN401
        """Start an update of a stack."""

    def get_waiter(self, waiter_name: Any, /) -> Any:  # noqa: ANN401
        """What waits until a stack has a state."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack: its CloudFormation status, and its parameters and outputs by name."""

    name: str
    status: str
    parameters: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)


def find_stack(cloudformation: CloudFormation, name: str) -> Stack | None:
    """The stack of that name, or None. Raises botocore's errors."""
    try:
        (found,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return Stack(
        name,
        found["StackStatus"],
        {entry["ParameterKey"]: entry.get("ParameterValue", "") for entry in found.get("Parameters", [])},
        {entry["OutputKey"]: entry["OutputValue"] for entry in found.get("Outputs", [])},
    )


def output(cloudformation: CloudFormation, stack: str, name: str) -> str:
    """The value of a stack's output. Raises CommandFailed, and botocore's errors."""
    found = find_stack(cloudformation, stack)
    if found is None:
        raise CommandFailed(
            f"There is no stack {stack} in this account and {cloudformation.meta.region_name}."
            " AWS_PROFILE and AWS_REGION choose others."
        )
    if name not in found.outputs:
        raise CommandFailed(
            f"The stack {stack} has no output {name}: is it a Switchboard stack whose deployment is complete?"
        )
    return found.outputs[name]


def set_parameter(cloudformation: CloudFormation, stack: Stack, name: str, value: str) -> None:
    """Give one parameter of the stack another value, and wait for the update. Raises botocore's errors."""
    others = [{"ParameterKey": key, "UsePreviousValue": True} for key in stack.parameters if key != name]
    cloudformation.update_stack(
        StackName=stack.name,
        UsePreviousTemplate=True,
        Parameters=[*others, {"ParameterKey": name, "ParameterValue": value}],
        Capabilities=list(_CAPABILITIES),
    )
    cloudformation.get_waiter("stack_update_complete").wait(StackName=stack.name, WaiterConfig={"Delay": 5})
