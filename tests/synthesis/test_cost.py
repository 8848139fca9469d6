import pytest

from lethe.plug import LetheError
from lethe.replies import Reply
from lethe.synthesis import Settings, cost
from lethe.synthesis.cost import Line, Meter
from lethe.synthesis.settings import Writer

PAID = Settings(target="Ada", endpoint=Writer(model="m"), price=(2.0, 10.0), budget=1.0)
LINES = [Line("questions", 10, 100_000, 20_000), Line("premise", 5, 100_000, 10_000)]


def test_told_and_checked():
    # 200,000 tokens read at 2 a million, 30,000 written at 10 a million.
    assert cost.price(PAID, 200_000, 30_000) == pytest.approx(0.7)
    assert cost.told(PAID, LINES) == (
        "about 15 requests, 200,000 tokens read and 30,000 written, which cost 0.70"
    )
    cost.check(PAID, LINES)
    with pytest.raises(LetheError, match=r"budget: 0.5, but about 15 requests.*cost 0.70; raise"):
        cost.check(PAID.model_copy(update={"budget": 0.5}), LINES)
    # A model here is asked as well, and costs nothing.
    own = Line("answer", 100, 10**9, 10**9, paid=False)
    assert cost.told(PAID, [*LINES, own]).endswith("which cost 0.70")
    cost.check(PAID, [*LINES, own])
    free = Settings(target="Ada")
    assert cost.told(free, LINES).endswith("30,000 written")
    assert cost.budget(free, 0) is None and cost.price(free, 1, 1) is None


def test_an_estimate_grows_with_what_is_wanted():
    def requests(**settings):
        made = Settings(target="Ada", **settings)
        lines = cost.estimate(made, "endpoint", "model")
        return {line.kind: line.requests for line in lines}

    small, large = requests(questions=20, neighbours=4), requests(questions=200, neighbours=40)
    assert small["questions"] == 4 and large["questions"] == 20
    assert (small["replace"], large["boundary"]) == (4, 40)
    # 4 neighbours, 10 questions and clozes each, 1 + 5 answers.
    assert small["answer"] == 480
    assert small["premise"] == 60 and "premise" not in requests(check_premises=False)
    assert cost.estimate(Settings(target="Ada"), "templates", "generator") == []


def test_the_meter_pays_for_the_endpoint_only():
    meter = Meter(PAID, 4, show=False)
    meter.remote(Reply("x", None, 1_000_000, 100_000, False))
    meter.remote(Reply("x", None, 0, 100_000, True))
    meter.local(Reply("x", None, 5, 5, False))
    assert (meter.requests, meter.paid, meter.own) == (3, [1_000_000, 200_000], [5, 5])
    assert meter.cost() == pytest.approx(4.0)


def test_the_bar(capsys):
    meter = Meter(PAID, 2, show=True)
    meter.remote(Reply("x", None, 500_000, 0, False))
    meter.seen(30, 4)
    meter.close()
    shown = capsys.readouterr().err
    assert "30 rows, 4 rejects, 500k tokens, 1.00 spent" in shown.replace("\r", "\n")
