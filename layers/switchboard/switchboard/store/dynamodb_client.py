"""Makes DynamoDB clients with short timeouts."""

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from botocore.session import Session
    from mypy_boto3_dynamodb import DynamoDBClient

CONNECT_TIMEOUT_S = 1
READ_TIMEOUT_S = 3
RECORD_TIMEOUT_S = 1
"""Of a write after the reply: on Lambda all of them together have three seconds."""
MAX_TRIES = 3
POOL_SIZE = 50
USER_AGENT = "switchboard"


def connect(*, region: str | None = None, endpoint: str | None = None, max_tries: int = MAX_TRIES) -> "DynamoDBClient":
    """A low-level DynamoDB client, safe to share between threads.

    `region` defaults to the environment's. `endpoint` replaces AWS's address. An endpoint over plain http is a local
    engine: requests are signed with dummy credentials for a dummy region, the same in every process, since real
    credentials must not be sent there, and DynamoDB Local keeps a separate database for each key and region.

    Request parameters are not validated by the client; DynamoDB reports invalid ones.
    """
    return _client(_session(endpoint), region, endpoint, max_tries, READ_TIMEOUT_S)


def connect_both(*, endpoint: str | None = None) -> "tuple[DynamoDBClient, DynamoDBClient]":
    """The usual client, and a second one for records, which waits for less and retries nothing: its caller does.

    botocore allows a client only so many retries, which a store that is away for some seconds uses up.
    """
    session = _session(endpoint)
    return (
        _client(session, None, endpoint, MAX_TRIES, READ_TIMEOUT_S),
        _client(session, None, endpoint, 1, RECORD_TIMEOUT_S),
    )


def _session(endpoint: str | None) -> "Session":
    # Imported here, since it takes half a second; and without boto3, which would take another tenth.
    from botocore.session import get_session  # noqa: PLC0415

    session = get_session()
    if _is_local(endpoint):
        session.set_credentials("local", "local")
    return session


def _client(
    session: "Session", region: str | None, endpoint: str | None, max_tries: int, read_timeout_s: float
) -> "DynamoDBClient":
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=read_timeout_s,
        retries={"mode": "standard", "total_max_attempts": max_tries},
        max_pool_connections=POOL_SIZE,
        tcp_keepalive=True,
        # These two save a sixth of a request's CPU time: the validation, and building botocore's user agent twice.
        parameter_validation=False,
        user_agent=USER_AGENT,
        proxies={} if _is_local(endpoint) else None,  # none, rather than the environment's
    )
    region = "local" if _is_local(endpoint) else region
    client = session.create_client("dynamodb", region_name=region, endpoint_url=endpoint, config=config)
    return cast("DynamoDBClient", client)


def _is_local(endpoint: str | None) -> bool:
    return endpoint is not None and endpoint.startswith("http://")
