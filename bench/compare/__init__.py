"""The comparison: which servers, which work, what it costs them. `bench/run` puts the parts together."""


class Failed(Exception):
    """A measurement or its preparation that did not hold; the message says what to do about it."""
