"""Lambda's runtime client, which can also post an exchange: a response that is sent while it is produced."""

from typing import Any, ClassVar

from awslambdaric import __version__
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient
from awslambdaric.lambda_runtime_exception import FaultException
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

from response_streaming.exchange import Exchange
from response_streaming.response_post import CONTENT_TYPE, ResponsePost


class _StreamingMarshaller(LambdaMarshaller):
    def marshal_response(self, response: object) -> tuple[Any, str]:
        if isinstance(response, Exchange):
            return response, CONTENT_TYPE
        marshalled: tuple[Any, str] = super().marshal_response(response)
        return marshalled


class StreamingRuntimeClient(LambdaRuntimeClient):
    """Posts exchanges chunk by chunk, and everything else as Lambda's own client does."""

    marshaller = _StreamingMarshaller()
    is_created: ClassVar[bool] = False

    def __init__(self, *arguments: object, **keywords: object) -> None:
        super().__init__(*arguments, **keywords)
        StreamingRuntimeClient.is_created = True

    def post_invocation_result(
        self,
        invoke_id: str,
        result_data: object,
        content_type: str = "application/json",
        *invocation_id: str | None,  # the runtime passes it since awslambdaric 4; managed runtimes may be older
    ) -> None:
        """Post one result. An exchange is relayed until its application returns, after the response if it works on."""
        if isinstance(result_data, Exchange):
            result_data.relay(ResponsePost(self.lambda_runtime_address, invoke_id, *invocation_id))
        else:
            super().post_invocation_result(invoke_id, result_data, content_type, *invocation_id)


def require_streaming_client() -> None:
    """Raise `FaultException`, which ends the start, unless the runtime has created the client that streams.

    Every version of the runtime creates its client before it loads the handler. One that does so by another name than
    those that the layer replaces could send no exchange: each call would fail with an error of marshalling.
    """
    if not StreamingRuntimeClient.is_created:
        raise FaultException(
            "Runtime.StreamingClientUnused",
            f"Lambda's runtime (awslambdaric {__version__}) did not create the streaming layer's client, so no "
            "response could be sent: go back to the runtime version that worked, or update the layer (docs/deploy.md).",
            None,
        )
