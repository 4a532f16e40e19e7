"""N+1 in one act, and growth between acts of two sizes: what fails, what it says."""

import asyncio
import re
from functools import partial

import pytest

from pytest_traces import BadValue, glob, record

NOTHING = """\
no span was recorded

  what was captured:
    opentelemetry   left out by traces_sources
    hand-written    nothing added"""


EPOCH_MS = 1_700_000_000_000


@pytest.fixture
def grow(act):
    """Adds a span: its name, the key of its parent, and when it ran, in milliseconds."""
    ids = {}
    numbers = iter(range(1, 100_000))

    def grow(name, parent=None, key=None, start=None, took=10, **fields):
        number = ids[key or name] = next(numbers)
        start = EPOCH_MS + (number if start is None else start)
        given = {"trace_id": 1, "span_id": number, "parent_id": ids.get(parent), "name": name}
        act.add({**given, "start": start, "end": None if took is None else start + took, **fields})

    return grow


@pytest.fixture
def failure(act):
    """What an assertion says when it fails."""

    def failure(method, *args, **kwargs):
        with pytest.raises(AssertionError) as caught:
            getattr(act, method)(*args, **kwargs)
        return str(caught.value)

    return failure


def query(cart):
    return {"db.system": "x", "db.statement": f"select * from items where cart_id = {cart}"}


def request(item):
    return {"http.method": "GET", "http.url": f"http://stock/items/{item}"}


@pytest.fixture
def cart(grow):
    """Five queries where one would do."""
    grow("POST /checkout", kind="server", start=0, took=31)
    grow("load cart", "POST /checkout", start=1, took=8)
    grow("SELECT carts", "load cart", kind="client", start=1, took=1)
    for i in range(5):
        grow(
            "SELECT items",
            "load cart",
            kind="client",
            start=2 + i,
            took=1,
            attributes=query(17 + i),
        )


def test_n_plus_one(cart, failure):
    """Count, place, statement, values, and the likely fix."""
    assert failure("assert_no_n_plus_one") == (
        "N+1: 'SELECT items' ran 5 times below 'POST /checkout > load cart'\n\n"
        "    load cart            internal  8.00 ms\n"
        "    ├─ SELECT carts      client    1.00 ms\n"
        "    └─ 5 × SELECT items  client    5.00 ms   together, one after another\n\n"
        "  select * from items where cart_id = #   (17, 18, 19, 20, 21)\n"
        "    first: select * from items where cart_id = 17\n"
        "    then:  select * from items where cart_id = 18\n\n"
        '  hint:  load them in one query; or, if meant: assert_no_n_plus_one(allow=["SELECT items"])'
    )


def test_n_plus_one_at_several_places(grow, failure):
    """The worst one whole, the others by name; the levels between are shown."""
    grow("GET /orders", kind="server", start=0, took=100)
    for i in range(2):
        grow("log", "GET /orders", kind="internal", start=i)
    for name in ("auth", "cache", "audit", "mail", "push"):
        grow(name, "GET /orders", start=3)
    for i in range(4):
        grow("resolve", "GET /orders", key=f"resolve {i}", start=10)
        grow("GET", f"resolve {i}", key=f"GET {i}", kind="client", start=10, attributes=request(i))
        grow("GET /items/{id}", f"GET {i}", key=f"server {i}", kind="server", start=10)
        for _ in range(3):
            grow("SELECT", f"server {i}", kind="client", start=10,
                 attributes={"db.system": "x", "db.statement": "select a from b where c = ?"})  # fmt: skip

    assert failure("assert_no_n_plus_one") == (
        "2 N+1, first: 'GET' ran 4 times below 'GET /orders'\n\n"
        "    GET /orders     server     100 ms\n"
        "    ├─ 2 × log      internal  20.0 ms\n"
        "    ├─ auth         internal  10.0 ms\n"
        "    ├─ cache        internal  10.0 ms\n"
        "    ├─ … 3 other spans\n"
        "    └─ 4 × resolve  internal  40.0 ms\n"
        "       └─ 4 × GET   client    40.0 ms   together, up to 4 at once\n\n"
        "  GET http://stock/items/#   (0, 1, 2, 3)\n"
        "    first: GET http://stock/items/0\n"
        "    then:  GET http://stock/items/1\n\n"
        "  also: 'SELECT' ran 3 times below 'GET /orders > resolve > GET > GET /items/{id}', and "
        "below 3 others like it\n\n"
        "  hint:  ask for all of them in one request; or, if meant: "
        'allow=["GET http://stock/items/#"]'
    )


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ({"attributes": query(1)}, "it is the same query each time: keep its answer; or"),
        ({"attributes": {"db.statement": "insert into a values (?)"}}, "write them with one statement; or"),
        ({"attributes": request(1)}, "it is the same request each time: keep its answer; or"),
        ({"kind": "producer"}, "send them as one batch; or"),
        ({"kind": "server"}, "ask for all of them in one request; or"),
        ({}, "load them in one query; or"),
        ({"attributes": {"db.system": "x"}, "name": "HSET"}, "write them with one statement; or"),
        ({"attributes": {"db.system.name": "x"}, "name": "HSET"}, "write them with one statement; or"),
        ({"scope": "opentelemetry.instrumentation.sqlalchemy",
          "attributes": {"db.statement": "select a from b where c = ?"}},
         "load them with one query: selectinload() or joinedload() on the relationship; or"),
    ],
)  # fmt: skip
def test_the_likely_fix(fields, hint, grow, failure):
    """By what the operation is, and by whether its values differ."""
    if fields.get("attributes") == query(1):
        fields = {"attributes": {"db.statement": "select a from settings"}}
    grow("root")
    for i in range(3):
        grow(**{"name": "SELECT x", "parent": "root", "start": i, "kind": "client", **fields})

    assert f"  hint:  {hint}" in failure("assert_no_n_plus_one")


def test_other_operations_are_done_once(grow, failure):
    """Where nothing is known but a name; names with numbers are told without."""
    grow("root")
    for i in range(3):
        grow(f"step {i}", "root")

    text = failure("assert_no_n_plus_one")
    assert text.startswith("N+1: 'step #' ran 3 times below 'root'")
    assert text.endswith(
        'hint:  do it once for all of them; or, if meant: assert_no_n_plus_one(allow=["step #"])'
    )


def test_a_long_way_down_is_cut_in_the_middle(grow, failure):
    """Twenty levels below each of three spans, with a statement longer than a line."""
    grow("root")
    for i in range(3):
        for level in range(20):
            grow("step", f"{i} {level - 1}" if level else "root", key=f"{i} {level}")
        attributes = {
            "db.statement": f"select {', '.join('abcdefghij' * 8)} from t where x = '{'y' * 30}{i}'"
        }
        grow("SELECT", f"{i} 19", kind="client", attributes=attributes)

    text = failure("assert_no_n_plus_one")

    assert "└─ … 15 levels" in text
    assert "3 × SELECT" in text
    assert all(len(line) <= 100 for line in text.splitlines())


@pytest.mark.parametrize(
    "allow",
    ["SELECT items", ["SELECT items"], glob("SELECT *"), re.compile("SELECT .*"), ("x", glob("*cart_id = #")),
     "select * from items where cart_id = #"],
)  # fmt: skip
def test_n_plus_one_that_is_meant(allow, cart, act):
    """Allowed by its name or by its operation, in any way a name can be given."""
    act.assert_no_n_plus_one(allow=allow)


def test_n_plus_one_from_more_repetitions_on(cart, act, failure):
    """By the argument."""
    act.assert_no_n_plus_one(at_least=6)
    assert failure("assert_no_n_plus_one", at_least=5).startswith("N+1: ")


@pytest.mark.parametrize("at_least", [1, 0, -3, True, 2.5, "two"])
def test_n_plus_one_needs_at_least_two(at_least, cart, act):
    """One call is no repetition."""
    with pytest.raises(BadValue) as caught:
        act.assert_no_n_plus_one(at_least=at_least)
    assert (
        str(caught.value)
        == f"at_least: {at_least!r} is not usable; it is a whole number, 2 or more"
    )


@pytest.mark.parametrize("allow", [5, [None], int])
def test_what_can_allow_nothing_is_refused(allow, cart, act):
    """It would be equal to no name."""
    with pytest.raises(TypeError, match=r"^allow: "):
        act.assert_no_n_plus_one(allow=allow)


def test_n_plus_one_where_nothing_was_recorded(failure):
    """There was nothing that could repeat."""
    assert failure("assert_no_n_plus_one") == NOTHING


def test_n_plus_one_while_a_span_is_open(grow, failure):
    """More may come."""
    grow("root", took=None)

    assert failure("assert_no_n_plus_one").startswith(
        "absence cannot be asserted while spans are open: 'root'"
    )


def test_n_plus_one_in_a_view(cart, act):
    """What the view leaves out does not repeat in it; what selects nothing fails."""
    act.without("SELECT items").assert_no_n_plus_one()
    with pytest.raises(AssertionError, match="selects no span"):
        act.only("x").assert_no_n_plus_one()
    with pytest.raises(AssertionError, match="N\\+1"):
        act.only("load cart").assert_no_n_plus_one()


def test_a_trace_without_repetitions(book, act):
    """Holds."""
    act.assert_no_n_plus_one()


# growth


@pytest.fixture
def orders(act):
    """An application of which each part grows in its own way."""
    numbers = iter(range(1, 10_000))

    def call(size, per_item=1, square=0, slugs=0, batches=0, warm_up=0):
        ids = {}

        def add(name, parent=None, **fields):
            number = ids[name] = next(numbers)
            act.add({"trace_id": "ab" * 16, "span_id": number, "parent_id": ids.get(parent), "name": name,
                     "start": 1_700_000_000_000 + number, "end": 1_700_000_000_001 + number, **fields})  # fmt: skip

        add("GET /orders", kind="server")
        add("SELECT orders", "GET /orders", kind="client")
        for _ in range(warm_up):
            add("connect", "GET /orders", kind="client")
        for i in range(per_item * size):
            add("SELECT items", "GET /orders", kind="client", attributes=query(i))
        add("serialize", "GET /orders")
        for i in range(square * size * size):
            add("GET", "serialize", kind="client", attributes=request(i))
        for i in range(slugs * size):
            url = f"http://u/{'abcdefghij'[i]}"
            add(
                "PUT",
                "serialize",
                kind="client",
                attributes={"http.method": "PUT", "http.url": url},
            )
        for _ in range(-(-size // 4) * batches):
            add("store", "serialize", kind="producer")

    return call


def test_growth(orders, failure):
    """The place in the tree, the counts by size, how it grows, the statement, the rest."""
    assert failure("assert_no_growth", orders) == (
        "it does more, the larger the input: 'SELECT items' ran 2 times at size 2, 8 times at size 8\n\n"
        "    GET /orders      server      1 → 1\n"
        "  + └─ SELECT items  client      2 → 8   1 per item\n\n"
        "  'SELECT items' below 'GET /orders': 2 → 8, 1 per item\n"
        "    select * from items where cart_id = #   (0, 1, 2, 3, 4, …)\n"
        "      first: select * from items where cart_id = 0\n"
        "      then:  select * from items where cart_id = 1\n\n"
        "  as many at every size: 3 spans at 3 places\n\n"
        '  hint:  load them in one query; or, if meant: assert_no_growth(..., allow=["SELECT items"])'
    )  # fmt: skip


def test_growth_of_several(orders, failure):
    """The one with the most calls first; different URLs count together."""
    text = failure("assert_no_growth", partial(orders, square=1, slugs=1, batches=1))

    assert text.startswith(
        "it does more, the larger the input: 'GET' ran 4 times at size 2, 64 times at size 8; so do 3 other operations\n"
    )
    assert "'GET' below 'GET /orders > serialize': 4 → 64, with the square of the size\n" in text
    assert "'PUT' below 'GET /orders > serialize': 2 → 8, 1 per item\n    PUT http://u/c\n" in text
    assert "'store' below 'GET /orders > serialize': 1 → 2, 1 per 6 items\n" in text


def test_no_growth(orders, act):
    """What runs as often at every size is fine, and so is what runs less often later."""
    calls = []

    def once(size):
        calls.append(size)
        orders(size, per_item=0, warm_up=9 if size == 2 else 1)

    act.assert_no_growth(once)
    assert calls == [2, 8]
    assert len(act.find("GET /orders")) == 2


def test_growth_that_is_meant(orders, act):
    """Allowed by name or operation."""
    act.assert_no_growth(orders, allow="SELECT items")
    act.assert_no_growth(orders, allow=[glob("select * from items *")])


def test_growth_with_more_sizes(orders, failure):
    """Between any of the smaller ones and the greatest."""
    text = failure("assert_no_growth", partial(orders, per_item=3), sizes=[1, 2, 4])

    assert "3 → 6 → 12   3 per item" in text


def test_growth_after_a_warm_up(act, grow, failure):
    """More at the smallest size hides nothing at the others."""
    counts = {1: 9, 2: 1, 5: 3}

    def run(size):
        grow("root", key=f"root {size}")
        for i in range(counts[size]):
            grow("SELECT", f"root {size}", key=f"{size} {i}", kind="client")

    assert "9 → 1 → 3   about 0.67 per item" in failure("assert_no_growth", run, None, (1, 2, 5))


def test_what_is_there_at_the_greatest_size_only_has_grown(act, grow, failure):
    """From none to some; another operation instead of one that is gone is not more."""

    def run(size):
        grow("root", key=f"root {size}")
        grow("SELECT a" if size == 2 else "SELECT b", f"root {size}", kind="client")
        grow(
            "GET",
            f"root {size}",
            kind="client",
            attributes={"http.url": f"http://a/{'ab'[size > 2]}"},
        )

    assert "0 → 1   only at 8" in failure("assert_no_growth", run)
    act.assert_no_growth(run, allow="SELECT b")


def test_growth_is_told_of_the_call_and_not_of_what_is_around_and_below(act, grow, failure):
    """Resolvers grow with their requests, and servers with them."""

    def run(size):
        grow("root", key="root")
        for i in range(size):
            grow("resolve", "root", key=f"resolve {i}")
            grow("GET", f"resolve {i}", key=f"GET {i}", kind="client", attributes=request(i))
            grow("GET /items/{id}", f"GET {i}", kind="server")

    text = failure("assert_no_growth", run)

    assert text.startswith(
        "it does more, the larger the input: 'GET' ran 2 times at size 2, 8 times at size 8\n"
    )
    act.assert_no_growth(run, allow="GET")


def test_growth_of_another_order_below_a_call_is_told_beside_it(act, grow, failure):
    """Faster than the call itself."""

    def run(size):
        grow("root", key="root")
        for i in range(size):
            grow("GET", "root", key=f"GET {i}", kind="client", attributes=request(i))
            for j in range(size * size):
                grow("SELECT", f"GET {i}", kind="client", key=f"{i} {j}")

    text = failure("assert_no_growth", run, sizes=(2, 4))

    assert "2 → 4   1 per item" in text
    assert "8 → 64   faster than the square" in text


def test_many_places_that_grow_are_cut(act, grow, failure):
    """Twenty lines of a tree, five operations."""

    def run(size):
        grow("root", key="root")
        for name in "abcdefghijklmnopqrstuvwxyz":
            for i in range(size):
                grow(f"call {name}", "root", key=f"{name} {i}", kind="client")

    text = failure("assert_no_growth", run)

    assert "… and 7 more places" in text
    assert "so do 25 other operations" in text
    assert len(text.splitlines()) < 40


def test_arrange_is_not_looked_at(act, grow):
    """What it emits, and how often, is of no interest; one of both may go without the size."""
    log = []

    def arrange(size):
        log.append(("arrange", size))
        for i in range(size):
            grow("INSERT", key=f"{size} {i}")

    def run():
        log.append("act")
        grow("root", key="root")

    act.assert_no_growth(run, arrange)
    assert log == [("arrange", 2), "act", ("arrange", 8), "act"]
    act.assert_no_growth(lambda size: run(), arrange=lambda: log.clear())
    assert log == ["act"]


@pytest.mark.parametrize("arrange", [None, lambda: None])
def test_the_same_input_twice_proves_nothing(act, grow, arrange):
    """Somebody has to take the size."""

    def run():
        grow("root", key="root")

    with pytest.raises(AssertionError) as failure:
        act.assert_no_growth(run, arrange)
    assert str(failure.value) == (
        "neither act nor arrange takes the size, so every input was the same\n"
        "\n"
        "  hint:  write act as a function of the size, or give arrange=, which makes an input of that size"
    )


def test_growth_looks_through_the_view(orders, act):
    """What it leaves out cannot grow."""
    act.without("SELECT items").assert_no_growth(orders)
    with pytest.raises(AssertionError, match="it does more"):
        act.only("GET /orders").assert_no_growth(orders)


def test_growth_of_nothing(act, grow, failure):
    """An act that emits nothing proves nothing, at whichever size."""
    assert failure("assert_no_growth", lambda: None) == NOTHING.replace(
        "was recorded", "was recorded while act ran at size 2"
    )

    def small(size):
        if size < 8:
            grow("root", key=f"root {size}")

    assert failure("assert_no_growth", small).startswith(
        "no span was recorded while act ran at size 8"
    )


def test_growth_with_a_span_that_stays_open(act, grow, failure):
    """More may come."""
    text = failure("assert_no_growth", lambda size: grow("root", key=f"root {size}", took=None))

    assert text.startswith("absence cannot be asserted while spans are open: 'root'")


def test_exceptions_of_the_act_pass_through(act):
    """They are the test's own."""

    def run(size):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        act.assert_no_growth(run)
    act.add({"trace_id": 1, "span_id": 1, "name": "after", "start": EPOCH_MS, "end": EPOCH_MS})
    act.assert_count("after", 1)


def test_async_acts_are_run_to_their_end(act, grow):
    """Coroutine functions, and whatever else gives something to await."""

    async def run(size):
        await asyncio.sleep(0)
        grow("root", key=f"root {size}")

    async def arrange():
        await asyncio.sleep(0)

    act.assert_no_growth(run, arrange)
    act.assert_no_growth(lambda size: run(size))


def test_async_acts_within_a_loop_are_refused(act, grow):
    """They cannot be awaited from where no await is; nothing is left unawaited."""

    async def run():
        grow("root")

    async def test(function):
        act.assert_no_growth(function)

    for function in (run, lambda: run()):
        with pytest.raises(TypeError) as caught:
            asyncio.run(test(function))
        assert str(caught.value) == (
            "assert_no_growth: act is async, and an event loop already runs in this thread; "
            "make the test a plain function: what is awaitable is awaited"
        )


@pytest.mark.parametrize(
    "sizes", [(2,), (), (8, 2), (2, 2), (0, 5), (1.5, 2), (True, 2), 5, "28", None]
)
def test_sizes_between_which_nothing_can_grow_are_refused(sizes, act):
    """One, none, descending, equal, no whole numbers."""
    with pytest.raises(BadValue) as caught:
        act.assert_no_growth(lambda: None, sizes=sizes)
    assert str(caught.value) == (
        f"sizes: {sizes!r} is not usable; sizes are two or more whole numbers from 1 on, ascending, such as (2, 8)"
    )


def test_what_cannot_be_called_is_refused(act):
    """As the act, or to arrange it."""
    with pytest.raises(TypeError, match="act is called, but 5 cannot be"):
        act.assert_no_growth(5)
    with pytest.raises(TypeError, match="arrange is called, but 'a' cannot be"):
        act.assert_no_growth(lambda: None, "a")


def test_a_builtin_without_a_signature_gets_the_size(act):
    """Some do not say what they take."""
    with pytest.raises(AssertionError, match="no span was recorded while act ran at size 2"):
        act.assert_no_growth(range)


# real libraries


@pytest.fixture
def shop():
    """Authors and their books in SQLite, instrumented by OpenTelemetry."""
    sqlalchemy = pytest.importorskip("sqlalchemy")
    orm = pytest.importorskip("sqlalchemy.orm")
    instrumentation = pytest.importorskip("opentelemetry.instrumentation.sqlalchemy")
    from opentelemetry.sdk.trace import TracerProvider

    base = orm.declarative_base()

    class Author(base):
        __tablename__ = "author"
        id = sqlalchemy.Column(sqlalchemy.Integer, primary_key=True)
        books = orm.relationship("Book")

    class Book(base):
        __tablename__ = "book"
        id = sqlalchemy.Column(sqlalchemy.Integer, primary_key=True)
        author_id = sqlalchemy.Column(sqlalchemy.ForeignKey("author.id"))

    engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.pool.StaticPool)
    provider = TracerProvider()
    instrumentor = instrumentation.SQLAlchemyInstrumentor()
    instrumentor.instrument(engine=engine, tracer_provider=provider)
    base.metadata.create_all(engine)

    def arrange(size):
        with orm.Session(engine) as session:
            session.query(Book).delete()
            session.query(Author).delete()
            session.add_all([Author(books=[Book()]) for _ in range(size)])
            session.commit()

    def act(*, eager):
        with (
            provider.get_tracer("shop").start_as_current_span("load authors"),
            orm.Session(engine) as session,
        ):
            authors = session.query(Author)
            if eager:
                authors = authors.options(orm.selectinload(Author.books))
            assert all(len(author.books) == 1 for author in authors.all())

    yield arrange, act
    instrumentor.uninstrument()
    engine.dispose()


def test_lazy_loading_of_sqlalchemy_is_an_n_plus_one(shop):
    """Eager loading is none; and both are seen by growth, too."""
    arrange, load = shop
    arrange(5)
    with record(sources=["opentelemetry"]) as traces:
        load(eager=False)
    with pytest.raises(AssertionError) as caught:
        traces.assert_no_n_plus_one()
    text = str(caught.value)
    assert text.startswith("N+1: 'SELECT' ran 5 times below 'load authors'\n")
    assert "└─ 5 × SELECT" in text
    assert "WHERE # = book.author_id\n    each time: SELECT book.id" in text
    assert "selectinload() or joinedload() on the relationship" in text

    with record(sources=["opentelemetry"]) as traces:
        load(eager=True)
        traces.assert_no_n_plus_one()
        traces.assert_no_growth(lambda: load(eager=True), arrange)
        with pytest.raises(
            AssertionError, match="'SELECT' ran 2 times at size 2, 8 times at size 8"
        ):
            traces.assert_no_growth(lambda: load(eager=False), arrange)


def test_requests_of_httpx_one_for_each_item():
    """By URL, since all of them have the same name; another host is another operation."""
    pytest.importorskip("opentelemetry.instrumentation.httpx")
    import httpx
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
    from opentelemetry.sdk.trace import TracerProvider

    provider = TracerProvider()
    client = httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200)))
    HTTPXClientInstrumentor.instrument_client(client, tracer_provider=provider)

    def act(urls):
        with provider.get_tracer("shop").start_as_current_span("load stock"):
            for url in urls:
                client.get(url)

    with client, record(sources=["opentelemetry"]) as traces:
        act([f"http://{host}/stock/1" for host in ("a", "b", "c")])
        traces.assert_no_n_plus_one()
        act([f"http://stock/items/{item}" for item in ("a1", "b2", "c3")])
        with pytest.raises(AssertionError) as caught:
            traces.assert_no_n_plus_one()

    assert str(caught.value).startswith("N+1: 'GET' ran 3 times below 'load stock'\n")
    assert 'allow=["GET http://stock/items/#"]' in str(caught.value)
