"""Any other URL that speaks Chat Completions. What it accepts is not known, so everything passes."""

from gateway.providers.provider import Provider
from gateway.providers.repairs import end_with_user_for_claude

GENERIC = Provider("generic", repairs=(end_with_user_for_claude,))
