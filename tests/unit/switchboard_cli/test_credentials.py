"""Credentials are checked with a sentence that says what to do."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    InvalidRegionError,
    NoCredentialsError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from switchboard_cli.credentials import Caller, caller, session_of
from switchboard_cli.failure import CommandFailed
from testkit.cloud_account import CloudAccount

REFUSED = ClientError({"Error": {"Code": "InvalidClientTokenId", "Message": "The token is invalid"}}, "x")


class FailingSession(boto3.Session):
    """A session whose clients cannot be made or used."""

    def __init__(self, error: Exception) -> None:
        super().__init__(region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="y")
        self._error = error

    def client(self, *_: Any, **__: Any) -> Any:
        """Raises the session's error."""
        raise self._error


def test_the_caller_is_told() -> None:
    account: Any = CloudAccount("voice", [], region_name="eu-central-1")
    assert caller(account) == Caller("123456789012", "arn:aws:iam::123456789012:user/ada")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoCredentialsError(), "There are no AWS credentials. Run `aws configure` or `aws sso login`"),
        (UnauthorizedSSOTokenError(), r"cannot be used: .*Sign in again \(`aws sso login`\)"),
        (TokenRetrievalError(provider="sso", error_msg="expired"), r"cannot be used: .*Sign in again"),
        (REFUSED, "AWS refused the credentials: The token is invalid. Sign in again"),
        (
            EndpointConnectionError(endpoint_url="https://sts.x-1"),
            "did not answer in the region eu-central-1: .*x-1",
        ),
        (ConnectTimeoutError(endpoint_url="https://sts.x-1"), "did not answer in the region eu-central-1: .*x-1"),
        (InvalidRegionError(region_name="eu central"), "cannot be used: .*eu central"),
    ],
)
def test_each_failure_has_its_sentence(error: Exception, said: str) -> None:
    with pytest.raises(CommandFailed, match=said):
        caller(FailingSession(error))


def test_an_unknown_profile_is_named() -> None:
    with pytest.raises(CommandFailed, match="There is no AWS profile nobodys: `aws configure list-profiles`"):
        session_of("eu-central-1", "nobodys")
