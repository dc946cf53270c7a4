"""AWS Bedrock, by its endpoints that speak Chat Completions.

Each region has an address of its own, `https://bedrock-runtime.<region>.amazonaws.com/openai/v1`; the key is a Bedrock
API key, not AWS credentials. What is accepted goes by the model. AWS's own errors come as `{"message"}`, in either
case.
https://docs.aws.amazon.com/bedrock/latest/userguide/inference-chat-completions.html
"""

from gateway.providers.chat_completions.error_bodies import read_message_of_aws
from gateway.providers.provider import CORE, CORE_OF_MESSAGES, Provider
from gateway.providers.repairs import end_with_user_for_claude

BEDROCK = Provider(
    "bedrock",
    hosts=("bedrock-runtime.*.amazonaws.com", "bedrock-mantle.*.api.aws"),
    accepts=CORE
    | {
        *("max_tokens", "max_completion_tokens", "n", "seed", "user", "frequency_penalty", "presence_penalty"),
        *("logit_bias", "logprobs", "top_logprobs", "parallel_tool_calls", "reasoning_effort", "service_tier"),
    },
    accepts_in_messages=CORE_OF_MESSAGES | {"name"},
    repairs=(end_with_user_for_claude,),
    read_error=read_message_of_aws,
)
