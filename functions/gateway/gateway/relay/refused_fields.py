"""Remembers what servers have refused, so that their next request is accepted at once."""

from urllib.parse import parse_qs, urlsplit

from gateway.domain.call import Call, Target
from gateway.domain.clock import Clock
from gateway.domain.codec import Repair
from switchboard.domain.bounded_dict import BoundedDict

MAX_AGE_S = 3600
MAX_PLACES = 200
"""Of one project. Callers name any host and model, so that one project could drop what another has learnt."""
MAX_PROJECTS = 200

type Known = tuple[tuple[Repair, ...], tuple[float, float]]
type Place = tuple[str, str, str, str]
"""The project (for a caller's own URL), the URL without its query, the API version, the model."""


class RefusedFields:
    """The repairs that a server's refusals have asked for, each for an hour, in this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._projects = BoundedDict[str, BoundedDict[Place, Known]](MAX_PROJECTS)

    def remember(self, call: Call, target: Target, repairs: tuple[Repair, ...]) -> None:
        """Keep the repairs with which the target has accepted a request."""
        place = _place(call, target)
        project = place[0]
        places = self._projects.get(project)
        self._projects[project] = places = BoundedDict(MAX_PLACES) if places is None else places
        places[place] = repairs, self._clock.moment()

    def recall(self, call: Call, target: Target) -> tuple[Repair, ...]:
        """The repairs that are known to be needed."""
        if not self._projects:
            return ()
        place = _place(call, target)
        places = self._projects.get(place[0])
        repairs, since = ((), (0.0, 0.0)) if places is None else places.get(place, ((), (0.0, 0.0)))
        return repairs if repairs and self._clock.age_s(since) < MAX_AGE_S else ()


def _place(call: Call, target: Target) -> Place:
    url = urlsplit(target.url)
    version = parse_qs(url.query).get("api-version", [""])[0]
    is_callers = call.route.url is not None and urlsplit(call.route.url).hostname == target.host
    return call.caller.project if is_callers else "", url._replace(query="").geturl(), version, target.model
