"""The headers of a request or a message, as they were sent."""

from __future__ import annotations

from typing import Any, SupportsIndex, overload


class SentHeaders(tuple[tuple[str, str], ...]):
    """Pairs of name and value in the order they were sent, repeated ones repeated.

    A value can be looked up by its name in any case; of a header that was sent several times the
    values are joined, as a receiver may do (RFC 9110, 5.3).

    Example:
        >>> headers = traces.requests[0].headers
        >>> headers["Traceparent"], "baggage" in headers, headers[0]
        ('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', False, ('Host', 'payments'))
    """

    __slots__ = ()

    @overload
    def __getitem__(self, key: SupportsIndex, /) -> tuple[str, str]: ...
    @overload
    def __getitem__(self, key: slice, /) -> tuple[tuple[str, str], ...]: ...
    @overload
    def __getitem__(self, key: str, /) -> str: ...
    def __getitem__(self, key: Any, /) -> Any:
        """One value by its name, or pairs by their place.

        Raises:
            KeyError: there is no such header.
        """
        if not isinstance(key, str):
            return super().__getitem__(key)
        found = self.values_of(key)
        if not found:
            raise KeyError(key)
        return ", ".join(found)

    def __contains__(self, key: object) -> bool:
        return bool(self.values_of(key)) if isinstance(key, str) else super().__contains__(key)

    def get(self, name: str, default: str | None = None) -> str | None:
        """The value of a header, or the default where there is none."""
        found = self.values_of(name)
        return ", ".join(found) if found else default

    def values_of(self, name: str) -> tuple[str, ...]:
        """Each value of a header; empty if it was not sent."""
        wanted = name.lower()
        return tuple(value for key, value in self if key.lower() == wanted)
