"""Fireworks AI.

Takes nearly all of OpenAI's fields and some of its own, and refuses the others. Usage always comes in the last chunk.
https://docs.fireworks.ai/api-reference/post-chatcompletions
"""

from gateway.providers.chat_completions.reasoning_state import send_back_text
from gateway.providers.histories.rules import OPEN_MODELS
from gateway.providers.paths import served_under
from gateway.providers.provider import CORE, CORE_OF_MESSAGES, Provider

FIREWORKS = Provider(
    "fireworks",
    "https://api.fireworks.ai/inference/v1",
    hosts=("api.fireworks.ai",),
    home_path=served_under("/inference/v1"),
    models=("accounts/fireworks/",),
    accepts=CORE
    | {
        *("max_tokens", "max_completion_tokens", "n", "seed", "user", "metadata", "top_k", "min_p", "typical_p"),
        *("frequency_penalty", "presence_penalty", "repetition_penalty", "logit_bias", "logprobs", "top_logprobs"),
        *("parallel_tool_calls", "functions", "function_call", "prediction", "service_tier", "echo", "ignore_eos"),
        *("reasoning_effort", "reasoning_history", "thinking", "prompt_truncate_len", "prompt_cache_isolation_key"),
        *("context_length_exceeded_behavior", "perf_metrics_in_response", "prompt_cache_key", "echo_last"),
        *("mirostat_lr", "mirostat_target", "raw_output", "return_token_ids", "safe_tokenization", "speculation"),
    },
    reasoning_field=send_back_text(),
    accepts_in_messages=CORE_OF_MESSAGES | {"name", "function_call", "reasoning_content"},
    refuses=OPEN_MODELS,
)
