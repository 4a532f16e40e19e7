"""What is the same work again: texts without their values, operations, paths of names.

A value is a number, a uuid, a hex id, a quoted literal or a placeholder; each becomes ``#``, and
so does a whole list of them. Digits that are part of a word stay (``utf8``, ``table2``); those
that are a segment of their own go, so ``orders_2024_01`` and ``orders_2024_02`` are one table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from pytest_traces.forest import Forest, Span, walk_down

#: Longer texts are not kept.
_SHORT = 500
#: Without any of these a text has nothing to take out.
_MAY_HAVE_VALUES = re.compile(r"[0-9'?%:$@\"#]|/\*|\b(?:null|true|false|default)\b", re.IGNORECASE)

# Each alternative begins where no word goes on and none can fail over a long text more than
# once, so that the time is linear. ``#`` counts as a letter: what is normalised stays as it is.
_VALUE = r"""
  (?P<comment> (?<!\S) /\* (?!/) )
| (?<![\w\#]) [bBeEnNxX]? ' [^']* (?: '' [^']* )* '
| (?<![^\W_]) [0-9]{4}-[0-9]{2}-[0-9]{2} T [0-9]{2}:[0-9]{2} (?: :[0-9]{2} (?: [.][0-9]+ )? )?
      (?: Z | [+-][0-9]{2}:?[0-9]{2} )? (?![^\W_])
| (?<![^\W_]) [0-9a-fA-F]{8} (?: -[0-9a-fA-F]{4} ){3} -[0-9a-fA-F]{12} (?![^\W_])
| (?<![^\W_]) 0[xX][0-9a-fA-F]+ (?![^\W_])
| (?<![^\W_]) (?= [a-fA-F]*[0-9] ) [0-9a-fA-F]{8,} (?![^\W_])
| (?: (?<=[\s=<>(,]) [+-] )? (?<![^\W_]) [0-9]+ (?: [.][0-9]+ )* (?: [eE][+-]?[0-9]+ )? (?![^\W_])
| (?<![\w\#]) \? [0-9]* (?!\w)
| (?<![\w\#%]) % (?: \( \w+ \) )? s (?!\w)
| (?<![\w\#:)\]'"]) : \w+
| (?<![\w\#$]) \$ [0-9]+ (?!\w)
| (?<![\w\#@]) @ [pP][0-9]+ (?!\w)
| (?<=[(,]) \s* (?: [nN][uU][lL][lL] | [tT][rR][uU][eE] | [fF][aA][lL][sS][eE]
      | [dD][eE][fF][aA][uU][lL][tT] ) \s* (?= [,)] )
"""
_TOKEN = re.compile(_VALUE, re.VERBOSE)
_STRING = re.compile(r'"[^"]*(?:""[^"]*)*"')
_CAST = re.compile(r"#(?:::\w+(?:\[\])?)+")
_LIST = re.compile(r"#(?:\s*,\s*#)+")
_BRACKETS = re.compile(r"\(\s*#\s*\)")
_ROWS = re.compile(r"\(#\)(?:\s*,\s*\(#\))+")
#: Here double quotes hold texts; elsewhere, and in the SQL standard, names.
_TEXTS_IN_DOUBLE_QUOTES = ("mysql", "mariadb")
_URL = re.compile(r"(?:([a-zA-Z][\w+.-]*:)?//(?:[^/?#@]*@)?([^/?#]*))?([^?#]*)(?:\?([^#]*))?")
_VERSION = re.compile(r"v[0-9]+(?:\.[0-9]+)*")
_ID = re.compile(r"[0-9@%=]")


def normalised(text: str) -> str:
    """The text with ``#`` for each value, a list of values as one, and single blanks.

    Values are numbers, dates, uuids, hex ids of eight digits or more, literals in single quotes
    and placeholders (``?``, ``%s``, ``%(name)s``, ``:name``, ``$1``, ``@p1``); comments
    ``/* */`` are left out, since instrumentation writes the context of the trace there.
    Normalising twice changes nothing. Takes linear time.

    Example:
        >>> normalised("select * from items where id in (17, 18) and name = 'it''s'")
        'select * from items where id in (#) and name = #'
    """
    return _normalised_short(text) if len(text) <= _SHORT else _without_values(text)


@lru_cache(maxsize=2048)
def _normalised_short(text: str) -> str:
    return _without_values(text)


def _without_values(text: str) -> str:
    if _MAY_HAVE_VALUES.search(text) is None:
        return " ".join(text.split())
    parts: list[str] = []
    position = 0
    for begin, end, instead in _taken_out(text):
        parts += (text[position:begin], instead)
        position = end
    parts.append(text[position:])
    rest = _LIST.sub("#", _CAST.sub("#", "".join(parts)))
    rest = _ROWS.sub("(#)", _BRACKETS.sub("(#)", rest))
    return " ".join(rest.split())


def _taken_out(text: str) -> Iterator[tuple[int, int, str]]:
    """Begin and end of what goes, and what comes instead."""
    position, last_close = 0, text.rfind("*/")
    while (found := _TOKEN.search(text, position)) is not None:
        begin, position = found.span()
        if found.lastgroup != "comment":
            yield begin, position, "#"
        elif position <= last_close:  # else it is never closed, and so none
            position = text.index("*/", position) + 2
            yield begin, position, " "


def values_in(text: str) -> list[str]:
    """The values that normalising takes out, as they are written."""
    return [text[begin:end].strip() for begin, end, instead in _taken_out(text) if instead == "#"]


def operation_of(span: Span) -> str:
    """What a span did, without its values: equal for spans that did the same again.

    The statement of a database (``db.query.text``, ``db.statement``, ``db.query.summary``); the
    method and the URL of a request, as a template where there is one (``url.template``,
    ``http.route``); else the name. Of a URL the host stays, path segments with a digit go
    (versions such as ``v2`` stay), and of the query the names stay.

    Example:
        >>> operation_of(traces.get("GET"))
        'GET http://stock/items/#?page'
    """
    attributes = span.attributes
    statement = statement_of(span)
    if statement is not None:
        system = attributes.get("db.system.name") or attributes.get("db.system")
        if system in _TEXTS_IN_DOUBLE_QUOTES:
            statement = _STRING.sub("#", statement)
        return normalised(statement)
    place = _requested(attributes)
    return normalised(span.name) if place is None else _with_method(attributes, place)


def written_operation_of(span: Span) -> str:
    """The operation with its values, as it was recorded."""
    attributes = span.attributes
    statement = statement_of(span)
    if statement is not None:
        return " ".join(statement.split())
    for key in ("url.full", "http.url", "url.template", "http.route"):
        place = _text(attributes, key)
        if place is not None:
            return _with_method(attributes, place)
    return span.name


def statement_of(span: Span) -> str | None:
    """The statement that a database span ran, as it was recorded."""
    for key in ("db.query.text", "db.statement", "db.query.summary"):
        statement = _text(span.attributes, key)
        if statement is not None:
            return statement
    return None


def host_of(span: Span) -> str | None:
    """The host, with its port, to which a request went; None if it is not recorded."""
    url = _text(span.attributes, "url.full") or _text(span.attributes, "http.url")
    found = _URL.match(url) if url is not None else None
    if found is not None and found[2]:
        return found[2].lower()
    address = _text(span.attributes, "server.address") or _text(span.attributes, "net.peer.name")
    if address is None:
        return None
    port = span.attributes.get("server.port") or span.attributes.get("net.peer.port")
    return f"{address}:{port}" if port else address


def _with_method(attributes: Mapping[str, object], place: str) -> str:
    method = _text(attributes, "http.request.method") or _text(attributes, "http.method")
    return place if method is None else f"{method} {place}"


def _requested(attributes: Mapping[str, object]) -> str | None:
    """The normalised URL of a request, or the route that it took."""
    url = _text(attributes, "url.full") or _text(attributes, "http.url")
    template = _text(attributes, "url.template")
    route = _text(attributes, "http.route")
    if route is not None and template is None:
        return " ".join(route.split())
    if url is None:
        return template
    found = _URL.match(url)
    scheme, host, path, query = found.groups() if found else (None, None, url, None)
    origin = f"{(scheme or '').lower()}//{host.lower()}" if host is not None else ""
    if template is not None:
        return template if template.startswith(origin) and origin else origin + template
    return origin + _path(path or "/") + _query(query)


def _text(attributes: Mapping[str, object], key: str) -> str | None:
    value = attributes.get(key)
    return value if isinstance(value, str) and value.strip() else None


def _path(path: str) -> str:
    return "/".join(
        "#" if _ID.search(one) and not _VERSION.fullmatch(one) else one for one in path.split("/")
    )


def _query(query: str | None) -> str:
    if not query:
        return ""
    return "?" + "&".join(dict.fromkeys(one.partition("=")[0] for one in query.split("&")))


class Place:
    """A path of normalised names from a root; every span at the same path has the same object."""

    __slots__ = ("above", "name")

    def __init__(self, name: str, above: Place | None) -> None:
        self.name = name
        self.above = above

    @property
    def names(self) -> tuple[str, ...]:
        """The names, the root's first."""
        names: list[str] = []
        place: Place | None = self
        while place is not None:
            names.append(place.name)
            place = place.above
        return tuple(reversed(names))


#: Places by the identity of the place above and the name.
Places = dict[tuple[int, str], Place]


def places_of(forest: Forest, known: Places | None = None) -> dict[Span, Place]:
    """The place of every span, in one walk: linear however deep the forest is.

    Two spans are at the same path exactly if their places are the same object; so are those of
    several forests, if they are given the same ``known``.
    """
    known = {} if known is None else known
    places: dict[Span, Place] = {}
    for span in walk_down(forest.roots):  # parents first
        above = None if span.parent is None else places[span.parent]
        name = normalised(span.name)
        key = (id(above), name)
        place = known.get(key)
        if place is None:
            place = known[key] = Place(name, above)
        places[span] = place
    return places


def normalised_path(span: Span) -> tuple[str, ...]:
    """The normalised names from the root to the span; for all of a forest use `places_of`."""
    names = [normalised(span.name), *(normalised(one.name) for one in span.ancestors)]
    return tuple(reversed(names))
