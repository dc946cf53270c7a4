"""What Lambda and API Gateway call a request."""

from collections.abc import Mapping

from switchboard.domain.trace import RequestIds


def platform_ids(scope: Mapping[str, object]) -> RequestIds:
    """The ids of a request by its ASGI scope; None where it came another way."""
    event, context = scope.get("aws.event"), scope.get("aws.context")
    asked = event.get("requestContext") if isinstance(event, dict) else None
    return RequestIds(
        lambda_=_text(getattr(context, "aws_request_id", None)),
        api_gateway=_text(asked.get("requestId") if isinstance(asked, dict) else None),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
