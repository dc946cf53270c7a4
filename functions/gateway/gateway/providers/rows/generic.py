"""Any other URL that takes Chat Completions. Its accepted fields are unknown, so all are sent."""

from gateway.providers.histories.rules import UNKNOWN_SERVER
from gateway.providers.provider import Provider
from gateway.providers.repairs import end_with_user_for_claude

GENERIC = Provider("generic", refuses=UNKNOWN_SERVER, repairs=(end_with_user_for_claude,))
