"""Checks AWS credentials before anything else is done with them."""

from dataclasses import dataclass

from boto3 import Session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.exceptions import ConnectionError as AwsUnreachable

from switchboard_cli.failure import CommandFailed

_BRIEF = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2})
_SIGN_IN = "Sign in again (`aws sso login`), or choose other credentials (PROFILE=name, or AWS_PROFILE)."


@dataclass(frozen=True, slots=True)
class Caller:
    """Who the credentials belong to."""

    account: str
    arn: str


def session_of(region: str | None, profile: str | None) -> Session:
    """A session for the region and profile; None stands for AWS's usual defaults. Raises CommandFailed."""
    try:
        return Session(region_name=region, profile_name=profile)
    except ProfileNotFound as error:
        raise CommandFailed(f"There is no AWS profile {profile}: `aws configure list-profiles` shows yours.") from error


def caller(session: Session) -> Caller:
    """Who AWS says the session's credentials belong to; needs no permission. Raises CommandFailed."""
    try:
        answer = session.client("sts", config=_BRIEF).get_caller_identity()
    except NoCredentialsError as error:
        raise CommandFailed(
            "There are no AWS credentials. Run `aws configure` or `aws sso login`, or choose a profile"
            " (PROFILE=name, or AWS_PROFILE)."
        ) from error
    except (SSOError, TokenRetrievalError, UnauthorizedSSOTokenError) as error:
        raise CommandFailed(f"The AWS credentials cannot be used: {error} {_SIGN_IN}") from error
    except ClientError as error:
        raise CommandFailed(f"AWS refused the credentials: {error.response['Error']['Message']}. {_SIGN_IN}") from error
    except (AwsUnreachable, HTTPClientError) as error:
        raise CommandFailed(f"AWS did not answer in the region {session.region_name}: {error}") from error
    except BotoCoreError as error:
        raise CommandFailed(f"The AWS credentials cannot be used: {error}") from error
    return Caller(answer["Account"], answer["Arn"])
