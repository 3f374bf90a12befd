"""Reading published visits: every event keeps its own id, name and time."""

from pathlib import Path

import pytest

from visits import read_clicks, read_otto

OTTO = """\
{"session":7,"events":[{"aid":11,"ts":1659304800025,"type":"clicks"},{"aid":12,"ts":1659304860025,"type":"carts"},\
{"aid":12,"ts":1659304920025,"type":"orders"}]}
"""
CLICKS = """\
year,month,day,order,country,session_id,category,model,colour,location,photo,price,price2,page
2008,4,1,1,29,1,1,5,1,5,1,28,2,1
2008,4,1,2,29,1,4,8,1,6,1,33,2,1
2008,4,2,1,29,2,2,9,1,6,1,38,2,3
"""


def test_otto_sessions_keep_their_clock(tmp_path: Path) -> None:
    path = tmp_path / "sessions.jsonl"
    path.write_text(OTTO)

    (visit,) = read_otto(path)

    assert visit.id == "otto-7"
    assert [event.body() for event in visit.events] == [
        {"id": "otto-7-0", "event": "Product Viewed", "timestamp": "2022-07-31T22:00:00.025Z"}
        | {"properties": {"product_id": "11"}},
        {"id": "otto-7-1", "event": "Product Added", "timestamp": "2022-07-31T22:01:00.025Z"}
        | {"properties": {"product_id": "12"}},
        {"id": "otto-7-2", "event": "Order Completed", "timestamp": "2022-07-31T22:02:00.025Z"}
        | {"properties": {"product_id": "12"}},
    ]


def test_clicks_without_a_clock_are_set_thirty_seconds_apart(tmp_path: Path) -> None:
    path = tmp_path / "clicks.csv"
    path.write_text(CLICKS)

    first, second = read_clicks(path)

    assert [event.body()["timestamp"] for event in first.events] == [
        "2008-04-01T12:00:00.000Z",
        "2008-04-01T12:00:30.000Z",
    ]
    assert [event.properties["category"] for event in first.events] == ["trousers", "sale"]
    assert (second.id, second.events[0].id) == ("eshop-2", "eshop-2-1")
    assert (first.country, first.has_clock) == ("PL", False)


def test_clicks_are_named_as_the_model_learned_them(tmp_path: Path) -> None:
    path = tmp_path / "clicks.csv"
    path.write_text(CLICKS)

    visit = next(read_clicks(path))

    assert visit.events[1].properties == {"product_id": "8", "category": "sale", "price": 33.0, "page": 1}


@pytest.mark.parametrize(("name", "visits", "events"), [("otto_20_sessions.jsonl", 20, 862)])
def test_the_published_file_reads_completely(shared: Path, name: str, visits: int, events: int) -> None:
    found = list(read_otto(shared / "data" / name))

    assert (len(found), sum(len(visit.events) for visit in found)) == (visits, events)
    assert len({event.id for visit in found for event in visit.events}) == events
