"""The way to DynamoDB: a client that gives up in time."""

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

    `region` defaults to the environment's. `endpoint` replaces AWS's own address; over plain http it is a local engine,
    and the requests are signed with made-up credentials for a made-up region, the same from every process: real ones
    have no business there, and DynamoDB Local keeps a database apart for each.

    A request's parameters are not checked on this side: what is wrong with them, DynamoDB says.
    """
    # Imported here, since it costs half a second; and botocore without boto3 around it, which would add a tenth.
    from botocore.config import Config  # noqa: PLC0415
    from botocore.session import get_session  # noqa: PLC0415

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": max_tries},
        max_pool_connections=POOL_SIZE,
        tcp_keepalive=True,
        # These two are a sixth of a request's processor time: the check, and composing botocore's own name twice.
        parameter_validation=False,
        user_agent=USER_AGENT,
    )
    session = get_session()
    if endpoint is not None and endpoint.startswith("http://"):
        session.set_credentials("local", "local")
        region = "local"
    client = session.create_client("dynamodb", region_name=region, endpoint_url=endpoint, config=config)
    return cast("DynamoDBClient", client)
