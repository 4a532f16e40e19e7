"""What is taken out of texts, and what is the same operation at the same place."""

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_traces.assembly import assemble
from pytest_traces.model import SpanData
from pytest_traces.timing.normalise import normalised, normalised_path, operation_of, places_of


def span(name="GET", parent=None, number=1, **attributes):
    return SpanData(name, "ab" * 16, f"{number:016x}", parent and f"{parent:016x}", number, number + 1,
                    attributes={key.replace("__", "."): value for key, value in attributes.items()})  # fmt: skip


def operation(name="GET", **attributes):
    return operation_of(assemble([span(name, **attributes)]).spans[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # numbers
        ("select * from items where id = 17", "select * from items where id = #"),
        ("price > 1.50 or price < -2.5e-3", "price > # or price < #"),
        ("a - 5", "a - #"),
        ("id=-5", "id=#"),
        ("0x1F", "#"),
        ("batch 3 of 12", "batch # of #"),
        ("12:30", "#:#"),
        ("10.0.0.1", "#"),
        # digits that are a part of a word
        ("utf8 h2 table2 oauth2 v2", "utf8 h2 table2 oauth2 v2"),
        ("5ms 17th", "5ms 17th"),
        # those that are a segment of their own
        ("select a from orders_2024_01", "select a from orders_#_#"),
        ("savepoint sa_savepoint_1", "savepoint sa_savepoint_#"),
        ("GET user:17", "GET user:#"),
        # ids
        ("order 123e4567-e89b-12d3-a456-426614174000", "order #"),
        ("order 123E4567e89b12d3a456426614174000", "order #"),
        ("object 507f1f77bcf86cd799439011 seen", "object # seen"),
        ("order_5f3a9c1d2b", "order_#"),
        ("deadbeef facade", "deadbeef facade"),
        ("at 2024-01-05T10:20:30.5Z", "at #"),
        ("at 2024-01-05", "at #-#-#"),
        # quoted literals
        ("name = 'bob'", "name = #"),
        ("name = 'it''s'", "name = #"),
        ("name = '' and x = 'a'", "name = # and x = #"),
        ("name = N'bob' and data = X'ff'", "name = # and data = #"),
        ("like '%s' escape '\\'", "like # escape #"),
        ("load user's cart and item's price", "load user's cart and item's price"),
        ("an open 'quote", "an open 'quote"),
        ('select "a" from "b"', 'select "a" from "b"'),
        # placeholders
        ("a = ? and b = ?2", "a = # and b = #"),
        ("a = %s and b = %(b_1)s", "a = # and b = #"),
        ("a = :a and b = :1", "a = # and b = #"),
        ("a = $1::INTEGER and b = $2::text[]", "a = # and b = #"),
        ("a = @p1", "a = #"),
        ("a::int", "a::int"),
        ("GET /users/:id", "GET /users/#"),
        ("sure? a%sure", "sure? a%sure"),
        # lists
        ("id in (1)", "id in (#)"),
        ("id in (1, 2,3 , 4)", "id in (#)"),
        ("id in (?, %s, 'a', $4::int)", "id in (#)"),
        ("(a, b) in ((1, 2), (3, 4))", "(a, b) in ((#))"),
        ("values (?, ?), (?, ?)", "values (#)"),
        ("values (?, NULL, true), (?, 1, default)", "values (#)"),
        ("values (?, now())", "values (#, now())"),
        ("a is null", "a is null"),
        ("[1, 2, 3]", "[#]"),
        # blanks and comments
        (" select\n\t a \n from b ", "select a from b"),
        ("select 1 /*traceparent='00-1-2-01'*/", "select #"),
        ("/* a */ select a /* b */", "select a"),
        ("'/* no comment */' /* never closed", "# /* never closed"),
        ("/files/*/x/*/y", "/files/*/x/*/y"),
        ("", ""),
    ],
)  # fmt: skip
def test_normalised(text, expected):
    """Values become one sign, names stay, blanks are single."""
    assert normalised(text) == expected


ALPHABET = st.text(alphabet="ab1 0'\"?%s():,$@p#/*-+.eE_xNnul\n=<T:Z[]", max_size=60)
SNIPPETS = st.lists(
    st.sampled_from(
        ["'a'", "1", "a", " ", ",", "(", ")", "?", "%s", "%(a)s", ":a", "$1", "::int", "/*", "*/", "#", "NULL",
         "true", "in", "-", "2024-01-05T10:20Z", "123e4567-e89b-12d3-a456-426614174000", "''", "'", "N", "_", "0x1f",
         "deadbeef1", "\n", "=", ".", "@p1", "[]"]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@given(st.one_of(ALPHABET, SNIPPETS, st.text(max_size=40)))
def test_normalising_twice_changes_nothing(text):
    """Whatever the text is."""
    once = normalised(text)

    assert normalised(once) == once


@given(st.lists(st.integers(0, 10**9), min_size=1), st.lists(st.integers(0, 10**9), min_size=1))
def test_the_length_of_a_list_does_not_matter(first, second):
    """A statement with an IN-list or with rows is the same one for any number of values."""
    for template in ("id in ({})", "values ({})", "x between {} and y"):
        texts = [template.format(", ".join(map(str, numbers))) for numbers in (first, second)]
        assert normalised(texts[0]) == normalised(texts[1])


@given(st.text(alphabet="ab' 1?", max_size=20), st.text(alphabet="ab' 1?", max_size=20))
def test_what_a_literal_holds_does_not_matter(first, second):
    """Quotes, digits and placeholders inside it are of the literal."""
    texts = ["a = '{}' or b".format(text.replace("'", "''")) for text in (first, second)]

    assert {normalised(text) for text in texts} == {"a = # or b"}


@pytest.mark.parametrize(
    "text",
    ["'" * 9999, "/* " * 3333, "*/" + " /*" * 3333, "1." * 5000 + "x", "a" * 9999 + "g", "(?," * 3333,
     " " * 9999, "#  " * 3333, "(" * 9999, "%(" + "a" * 9999, "(true" + " " * 9999, "_1" * 5000, "1e" * 5000],
)  # fmt: skip
def test_a_long_text_is_no_trouble(text):
    """Texts that send careless expressions back and forth come to an end, and stay as they are."""
    once = normalised(text * 10)

    assert normalised(once) == once


@pytest.mark.parametrize("key", ["db__query__text", "db__statement"])
def test_the_operation_of_a_database_span_is_its_statement(key):
    """In the stable convention and in the older one."""
    assert (
        operation("SELECT", **{key: "select a from b where c = 5"}) == "select a from b where c = #"
    )


def test_the_operation_without_a_statement_is_its_summary_or_the_name():
    """Where the statement is not recorded, or empty."""
    assert operation("x 1", db__query__summary="SELECT items") == "SELECT items"
    assert operation("SELECT shop", db__statement=" ") == "SELECT shop"
    assert operation("step 3") == "step #"


def test_double_quotes_hold_texts_in_mysql():
    """Elsewhere they hold names."""
    statement = 'select * from items where name = "bob"'

    assert operation(db__system="mysql", db__statement=statement).endswith("name = #")
    assert operation(db__system="postgresql", db__statement=statement) == statement


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"http.method": "GET", "http.url": "http://stock/items/17"}, "GET http://stock/items/#"),
        ({"http.request.method": "GET", "url.full": "https://Stock:81/v2/items/a1?page=2&page=3&q=x#top"},
         "GET https://stock:81/v2/items/#?page&q"),
        ({"url.full": "http://user:word@stock"}, "http://stock/"),
        ({"url.full": "http://stock/users/a@b.c/x%20y"}, "http://stock/users/#/#"),
        ({"http.method": "GET", "http.url": "/items/17"}, "GET /items/#"),
        ({"http.method": "GET", "url.template": "/items/{id}"}, "GET /items/{id}"),
        ({"http.method": "GET", "url.template": "/items/{id}", "url.full": "http://stock/items/17"},
         "GET http://stock/items/{id}"),
        ({"url.template": "http://stock/items/{id}", "url.full": "http://stock/items/17"}, "http://stock/items/{id}"),
        ({"http.method": "GET", "http.route": "/items/{id}", "http.url": "http://stock/items/17"}, "GET /items/{id}"),
        ({"http.method": "GET"}, "fetch"),
        ({"http.url": 5}, "fetch"),
    ],
)  # fmt: skip
def test_the_operation_of_a_request_is_its_method_and_url(attributes, expected):
    """As a template where there is one; else ids go, and host, versions and names of the query stay."""
    one = span("fetch")._replace(attributes=attributes)

    assert operation_of(assemble([one]).spans[0]) == expected


@given(st.text(max_size=40))
def test_any_text_can_be_a_url(text):
    """A request has an operation, whatever its client takes for a URL."""
    assert operation("fetch", http__url=text)
    assert urlsplit("http://a/b").path in operation("fetch", http__url="http://a/b")


def test_places_are_the_same_object_for_the_same_path():
    """Whatever the numbers in the names are; an equal name at another path is another place."""
    forest = assemble([
        span("root", number=1), span("step 1", 1, 2), span("step 2", 1, 3), span("load", 2, 4), span("load", 3, 5),
        span("load", 1, 6),
    ])  # fmt: skip
    places = places_of(forest)
    loads = [places[one] for one in forest.spans if one.name == "load"]

    assert loads[0] is loads[1]
    assert loads[0] is not loads[2]
    assert loads[0].names == ("root", "step #", "load")
    assert [normalised_path(one) for one in forest.spans] == [
        places[one].names for one in forest.spans
    ]


def test_places_of_a_very_deep_forest():
    """A hundred thousand levels have as many places, and their names come without recursion."""
    size = 100_000
    forest = assemble([span(f"level {i}", i - 1 or None, i) for i in range(1, size + 1)])

    places = places_of(forest)

    assert len({id(place) for place in places.values()}) == size
    assert len(places[forest.spans[-1]].names) == size


def test_the_oracle_of_lazy_and_eager_loading_normalises_alike():
    """Real statements of SQLAlchemy: three times the same one when it loads lazily."""
    asked = os.environ.get("PYTEST_TRACES_ORACLES")
    folder = Path(asked) if asked else Path(__file__).parents[3] / "shared" / "oracles"
    path = folder / "recorded" / "sqlalchemy_sqlite.json"
    if not asked and not path.is_file():
        pytest.skip("the oracles are not here")
    cases = {one["id"]: one for one in json.loads(path.read_text(encoding="utf-8"))["cases"]}

    def operations(case):
        return [
            operation_of(assemble([span(one["name"])._replace(attributes=one["attributes"])]).spans[0])
            for one in cases[case]["spans"]
        ]  # fmt: skip

    lazy = operations("sqla-n-plus-one")
    assert lazy.count(max(lazy, key=lazy.count)) == 3
    assert max(map(operations("sqla-selectinload").count, operations("sqla-selectinload"))) == 1
