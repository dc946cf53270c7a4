"""AWS Bedrock, through its endpoints for Chat Completions.

Each region has its own URL, `https://bedrock-runtime.<region>.amazonaws.com/openai/v1`; the key is a Bedrock
API key, not AWS credentials. The accepted fields depend on the model. AWS's own errors come as `{"message"}` or
`{"Message"}`.
https://docs.aws.amazon.com/bedrock/latest/userguide/inference-chat-completions.html
"""

from dataclasses import replace

from gateway.providers.chat_completions.error_bodies import read_message_of_aws
from gateway.providers.histories.refusals import Empty, ImageRule
from gateway.providers.histories.rules import BEDROCK_IDS, OPEN_MODELS
from gateway.providers.hosts import region_in
from gateway.providers.paths import completions_path, served_under
from gateway.providers.provider import CORE, CORE_OF_MESSAGES, Provider
from gateway.providers.repairs import end_with_user_for_claude

_at_runtime_hosts = served_under("/openai/v1")


def _home_path(host: str, path: str) -> str:
    """`bedrock-mantle` hosts serve `/v1`, `bedrock-runtime` hosts `/openai/v1`."""
    return completions_path(path) if host.startswith("bedrock-mantle") else _at_runtime_hosts(host, path)


BEDROCK = Provider(
    "bedrock",
    hosts=(
        *("bedrock-runtime.*.amazonaws.com", "bedrock-runtime-fips.*.amazonaws.com"),
        *("bedrock-runtime.*.amazonaws.com.cn", "bedrock-runtime.*.api.aws", "bedrock-runtime-fips.*.api.aws"),
        *("bedrock-mantle.*.api.aws", "bedrock-mantle-fips.*.api.aws"),
    ),
    home_path=_home_path,
    accepts=CORE
    | {
        *("max_tokens", "max_completion_tokens", "n", "seed", "user", "frequency_penalty", "presence_penalty"),
        *("logit_bias", "logprobs", "top_logprobs", "parallel_tool_calls", "reasoning_effort", "service_tier"),
    },
    accepts_in_messages=CORE_OF_MESSAGES | {"name"},
    refuses=replace(
        OPEN_MODELS,
        empty=Empty.BLANK,
        functions=True,
        parts=frozenset({"text", "image_url"}),
        images=ImageRule(),
        call_ids=BEDROCK_IDS,
    ),
    repairs=(end_with_user_for_claude,),
    region_of=region_in(r"bedrock-(?:runtime|mantle)(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)"),
    read_error=read_message_of_aws,
)
