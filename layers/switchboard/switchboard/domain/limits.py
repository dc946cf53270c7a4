"""Every bound on what a caller, a provider or an operator may send, with its unit and its reason.

What is bounded here decides whether a row fits the table, a line the log, a header HTTP, and how long a call's work
takes. docs/limits.md lists the same; a test compares the two.
"""

# A request

MAX_BODY_BYTES = 6 * 1024 * 1024
"""Of a request's body. Lambda's own limit."""

MAX_GZIP_MEMBERS = 16
"""Of a request's compressed body: each costs a decompressor and a copy of all that follows it, however short it is."""

MAX_MESSAGES = 100_000
"""Of one request, unless the setting of this name says otherwise. Each costs work of its own, however short it is."""

MAX_VALUES = 500_000
"""Of a request's JSON, or five for each message that it may have: what its reading and writing take."""

MAX_LEVELS = 1000
"""Of nested JSON, in requests and answers. What is read within it can always be written."""

MAX_MODEL_CHARACTERS = 512
"""Of the model's name, which is in the row of the call and of each attempt."""

MAX_URL_CHARACTERS = 2048
"""Of a provider URL in a header."""

MAX_LABEL_CHARACTERS = 256
"""Of a task id and of an environment, which are in keys of the table."""

MAX_METADATA_ENTRIES = 50
"""Of a call, headers and ElevenLabs' extra body together."""

MAX_METADATA_CHARACTERS = 2048
"""Of one entry, its name and its value together."""

MAX_SECRETS = 64
"""Of one call: keys, headers for its provider, values in the query of its URL. Kept texts are searched for each."""

MAX_TTFT_TIMEOUT_MS = 300_000
"""Of a caller's own timeout. No call runs longer."""

# A look-up

MAX_NAME_LOOKUPS = 512
"""Of host names, in one process at once. Callers choose hosts, and one whose name servers are silent takes seconds."""

MAX_DOMAIN_LOOKUPS = 32
"""Of names under one registered domain, so that they do not use up all of them."""

MAX_KEY_LOOKUPS = 8
"""Of gateway keys that are not in memory, in one process at once; the same for provider keys."""

MAX_UNKNOWN_KEYS = 10_000
"""Of keys that were looked up and do not exist, remembered in one process for a few seconds."""

# An answer

MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""Of a whole answer, unless the setting `MAX_ANSWER_MB` says otherwise. It is held until it is complete."""

MAX_ANSWER_VALUES = 500_000
"""Of a whole answer, told by its commas and brackets. Each takes up to 100 bytes once it is read, however short."""

MAX_DECODED_BYTES = 1024 * 1024
"""Of compressed data that is decoded at once: a few compressed bytes can stand for very many."""

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""Of one event of a stream. It is held until it is complete. A longer one is left out, and the stream goes on."""

MAX_EVENT_LINES = 10_000
"""Of one event of a stream. Each is looked at by itself."""

MAX_EVENT_VALUES = 50_000
"""Of one event of a stream, told by its commas and brackets. It is read at once, while all other calls wait."""

MAX_HELD_BYTES = 16 * 1024 * 1024
"""Of what comes before the first content of a stream, most of it reasoning. It is held until the attempt has won."""

MAX_TRANSCRIPT_BYTES = 16 * 1024 * 1024
"""Of an attempt's answer as it is kept in memory. The longest answers today have 128,000 tokens, which take 8 MB."""

MAX_KEPT_ANSWER_BYTES = 8 * 1024 * 1024
"""Of the bytes that were sent to a caller, as they are kept for its trace."""

MAX_ANSWER_NAME_CHARACTERS = 256
"""Of an answer's id and its model's name, as they are kept."""

MAX_CHOICES = 128
"""Of one answer. OpenAI takes `n` up to 128."""

MAX_REASONING_CHARACTERS = 250_000
"""Of reasoning that is remembered for the next turn. A longer one is lost."""

MAX_REASONING_BLOCKS = 1000
"""Of tagged reasoning in one choice of an answer. Each costs work of its own, however short it is."""

MAX_UNDECIDED_CHARACTERS = 1_000_000
"""Of content that may be reasoning whose opening tag a model leaves out, until its closing tag has come."""

MAX_TOOL_CALLS = 256
"""Of one choice of an answer. Models call 128 tools in parallel at most."""

MAX_ERROR_BYTES = 64 * 1024
"""Of a provider's error that is read. Its text is at the beginning."""

MAX_ERROR_CHARACTERS = 1000
"""Of a provider's error that is told and kept, for each attempt."""

MAX_ERROR_NAME_CHARACTERS = 64
"""Of a provider's code, type or param of an error."""

MAX_RETRY_AFTER_MS = 30 * 24 * 3_600_000
"""Of a wait that a provider asks for: with more, a client's own arithmetic may fail."""

MAX_FAILURE_CHARACTERS = 4000
"""Of a call's failure that is kept, which joins the errors of its attempts."""

MAX_FINISH_REASON_CHARACTERS = 64
"""Of a finish reason that is kept. The longest documented one has 25."""

MAX_REQUEST_ID_CHARACTERS = 128
"""Of the id that a provider gives an answer. The longest documented one has 40."""

MAX_TOKENS = 10**9
"""Of one count. The largest context has 10 million: a larger count is a mistake, and counts as no usage told."""

MAX_SEARCHES = 10_000
"""Of web searches that a provider reports for a call. A larger number counts as none told."""

MAX_TIER_CHARACTERS = 32
"""Of a service tier, a region and a speed that an answer tells. The longest documented one has 23."""

MAX_BILL_PICO_USD = 10_000 * 10**12
"""Of the cost that a provider reports for a call, 10,000 USD. A larger one counts as not told."""

# A row

MAX_ROW_BYTES = 300 * 1024
"""Of a trace's row, as DynamoDB counts them. Its limit is 400 KB, and the cost of the call is added later."""

MAX_DIMENSION_CHARACTERS = 128
"""Of a name in a row of totals: each ADD is billed by the whole row. A longer one ends in a hash of the whole."""

MAX_EXCERPT_CHARACTERS = 80
"""Of the user's last message that a row has: enough to tell one call from another in a list."""

MAX_TOTALS_DAYS = 402
"""Of totals by dimension that are read at once, in UTC: 400 days of any time zone and the parts of days around them."""

MAX_NAME_CHARACTERS = 64
"""Of a name that a caller or a provider chose, inside a note or an error."""

MAX_NOTED_NAMES = 16
"""Of names of one kind that are noted one by one. Of the others there is the number."""

MAX_NOTE_CHARACTERS = 500
"""Of one note."""

MAX_NOTES = 64
"""Of a call, and of an attempt."""

# A record

MAX_LINE_BYTES = 16 * 1024
"""Of the log line of a finished call."""

MAX_UNWRITTEN_LINE_BYTES = 192 * 1024
"""Of the log line of a call that the table did not take. CloudWatch takes 256 KB."""

MAX_WAITING_BYTES = 64 * 1024 * 1024
"""Of finished calls, with their bodies, that wait for the table in one process. Further ones are logged."""

MAX_OWN_PATTERNS = 16
"""Of an operator's own patterns for what is not kept. Each kept text is searched for each."""

MAX_OWN_PATTERN_CHARACTERS = 500
"""Of one of them."""

# A conversation

MAX_CONVERSATION_MODELS = 16
"""Of a conversation that are listed with it. Each write is charged by the size of the whole row."""

MAX_CALL_DURATION_MS = 7 * 24 * 3_600_000
"""Of a phone call, as its caller tells it. A longer one counts as not told."""

# An export

MAX_EXPORT_BYTES = 4 * 1024 * 1024
"""Of the lines in one answer. Lambda's limit for a response is 6 MB, in which each quotation mark takes two bytes."""

MAX_EXPORT_MS = 20_000
"""Of the work for one answer. API Gateway's limit is 29 s, and the bodies of one call take seconds at most."""

MAX_EXPORT_LONG_LINES = 50
"""Of one answer that are too long for it and named in a header. API Gateway takes headers of 10 KB in all."""

# A policy

MAX_POLICY_BYTES = 16 * 1024
"""Of a policy's JSON."""

MAX_TASK_POLICIES = 500
"""Of a project. All of them are read with its keys."""

MAX_TASK_CHARACTERS = MAX_LABEL_CHARACTERS
"""Of a task's name in a policy: as in a call's header."""

MAX_POLICY_MODEL_CHARACTERS = 256
"""Of a model's name in a policy."""

MAX_ATTEMPTS = 8
"""Of a call, first attempts and repeated ones together."""

MAX_FALLBACK_TARGETS = 7
"""Of a call, beside its first target."""

MAX_ALLOWED_TARGETS = 100
"""Of a policy's list of targets that calls under zero retention may use."""

MAX_POLICY_MS = 300_000
"""Of any time in a policy. No call runs longer."""

MAX_BUFFER_WORDS_CHARACTERS = 200
"""Of buffer words."""

# A search

MAX_SEARCHED_NAMES = 10
"""Of metadata in the setting `SEARCH_METADATA`. Each is a row of each call that has the entry."""

MAX_SEARCHED_NAME_CHARACTERS = 64
"""Of such a name."""

MAX_FACET_VALUES = 1000
"""Of one name that are listed, those with the most calls first."""

MAX_PLANNED_ROWS = 10_000
"""Of totals that are read to decide which search rows are read. It takes some seconds, for every page."""

# A question about costs

MAX_COST_DAYS = 400
"""Of one question. As long as hours are kept."""

MAX_COST_ROWS = 5000
"""Of the answer. All of them are in its sums."""

MAX_READ_ROWS = 50_000
"""Of totals that are read for one question. It has 29 s, and Lambda with 512 MB reads some thousands in each."""

MAX_TIME_ZONE_CHARACTERS = 64
"""Of a time zone's name."""

# A price

MAX_PRICE_BYTES = 16 * 1024
"""Of a price's JSON."""

MAX_PRICES = 200
"""Of a project. All of them are read, once a minute, while its calls are priced."""

MAX_PRICE_TIERS = 16
"""Of a price, by the length of the prompt."""

MAX_PRICE_MODEL_CHARACTERS = MAX_MODEL_CHARACTERS
"""Of a model's name in a price: as in a call."""

MAX_CORRECTIONS = 8
"""Of earlier costs that a trace keeps: the first, and the latest ones."""

MAX_CORRECTION_CHARACTERS = 200
"""Of the reason of a correction."""


def clipped(text: str, most: int = MAX_NAME_CHARACTERS) -> str:
    """The text, or its beginning and an ellipsis, `most` characters in all."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
