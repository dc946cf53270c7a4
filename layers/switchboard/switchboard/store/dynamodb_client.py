"""Makes DynamoDB clients with short timeouts."""

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONNECT_TIMEOUT_S = 1
READ_TIMEOUT_S = 3
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
    # Imported here, since it takes half a second; and without boto3, which would take another tenth.
    from botocore.config import Config  # noqa: PLC0415
    from botocore.session import get_session  # noqa: PLC0415

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": max_tries},
        max_pool_connections=POOL_SIZE,
        tcp_keepalive=True,
        # These two save a sixth of a request's CPU time: the validation, and building botocore's user agent twice.
        parameter_validation=False,
        user_agent=USER_AGENT,
    )
    session = get_session()
    if endpoint is not None and endpoint.startswith("http://"):
        session.set_credentials("local", "local")
        region = "local"
    client = session.create_client("dynamodb", region_name=region, endpoint_url=endpoint, config=config)
    return cast("DynamoDBClient", client)
