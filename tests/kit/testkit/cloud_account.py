"""An AWS account as a deployment sees it, with botocore's stubs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.config import Config
from botocore.session import get_session
from botocore.stub import Stubber

WHO = {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/ada", "UserId": "AIDA"}
OUTPUTS = {"BaseUrl": "https://x.example/prod/v1", "ConsoleUrl": "https://x.example/prod/console"}


@dataclass
class CloudAccount:
    """Replaces `boto3.Session`. Each look at the stack finds the next of `states`: (status, parameters), or None if
    there is none. `updates` are the updates of the stack that are expected after them, as parameters by name, with None
    for a value that stays. `refusal` is the code and message with which AWS refuses the credentials."""

    stack: str
    states: list[tuple[str, Mapping[str, str]] | None]
    updates: list[Mapping[str, str | None]] = field(default_factory=list)
    refusal: tuple[str, str] | None = None
    region_name: str | None = None
    profile_name: str | None = None
    asked: list[str] = field(default_factory=list)

    def __call__(self, region_name: str | None, profile_name: str | None) -> "CloudAccount":
        self.region_name = region_name or self.region_name
        self.profile_name = profile_name
        return self

    def client(self, service: str, config: Config | None = None) -> Any:
        """A client of the service, each call of which takes what is next."""
        session = get_session()
        session.set_credentials("test", "test")
        made = session.create_client(service, region_name=self.region_name, config=config)
        stubber = Stubber(made)
        stubber.activate()
        self.asked.append(service)
        if service == "sts":
            self._identity(stubber)
        else:
            self._stack(stubber)
        return made

    def _identity(self, stubber: Stubber) -> None:
        if self.refusal is None:
            stubber.add_response("get_caller_identity", WHO)
        else:
            stubber.add_client_error("get_caller_identity", *self.refusal, 403)

    def _stack(self, stubber: Stubber) -> None:
        """The client's one look, or its one update and the look that finds it complete."""
        if self.updates and not self.states:
            parameters = [_parameter(*entry) for entry in self.updates.pop().items()]
            expected = {"StackName": self.stack, "UsePreviousTemplate": True, "Parameters": parameters}
            capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
            stubber.add_response("update_stack", {"StackId": "x"}, expected | {"Capabilities": capabilities})
            stubber.add_response("describe_stacks", {"Stacks": [self._described("UPDATE_COMPLETE", {})]})
            return
        state = self.states.pop(0)
        if state is None:
            sentence = f"Stack with id {self.stack} does not exist"
            stubber.add_client_error("describe_stacks", "ValidationError", sentence, 400)
        else:
            answer = {"Stacks": [self._described(*state)]}
            stubber.add_response("describe_stacks", answer, {"StackName": self.stack})

    def _described(self, status: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        return {
            "StackName": self.stack,
            "CreationTime": datetime(2026, 11, 20, tzinfo=UTC),
            "StackStatus": status,
            "Parameters": [_parameter(name, value) for name, value in parameters.items()],
            "Outputs": [{"OutputKey": name, "OutputValue": value} for name, value in OUTPUTS.items()],
        }


def _parameter(name: str, value: str | None) -> dict[str, Any]:
    """A parameter with its value; None stands for the value that it has."""
    rest: dict[str, Any] = {"UsePreviousValue": True} if value is None else {"ParameterValue": value}
    return {"ParameterKey": name, **rest}
