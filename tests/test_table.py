"""The table in the terminal."""

import re

from lethe import table


def record(model, metric, group, value, n=40, unscored=None):
    low, high = (None, None) if value is None else (max(0, value - 0.05), min(1, value + 0.05))
    return {
        "model": model,
        "metric": metric,
        "group": group,
        "value": value,
        "low": low,
        "high": high,
        "n": n,
        "unscored": unscored,
    }


RECORDS = [
    record("original", "refusal_rate", "forget/question", 0.0),
    record("original", "leak_rate", "forget/question", 1.0),
    record("original", "answer_probability", "forget/question", 0.9),
    record("original", "accuracy", "boundary/question", 0.95, n=7),
    record("original", "refusal_rate", "boundary/question", None, n=0, unscored="no reason"),
    record("0-rejection_steering", "refusal_rate", "forget/question", 1.0),
    record("0-rejection_steering", "leak_rate", "forget/question", 0.0),
    record("0-rejection_steering", "answer_probability", "forget/question", 0.5),
    record("0-rejection_steering", "accuracy", "boundary/question", 0.5, n=8),
]


def shown(**options):
    lines = table.lines(RECORDS, **{"key_only": False, "names": {}} | options)
    return [line.replace("\xa0", " ") for line, _ in lines]


def test_every_value_has_its_interval_and_number_of_rows():
    assert shown()[0].split() == ["after", "Rejection"]
    assert shown()[1].split() == ["Original", "Steering"]
    assert shown()[2] == "Forget: questions, n=40"
    assert re.split(r" {2,}", shown()[3]) == [
        "",
        "Refusal rate",
        "0.0 % [0.0–5.0]",
        "100.0 % [95.0–100.0]",
    ]
    text = "\n".join(shown())
    assert "Boundary: questions\n" in text
    assert "95.0 % [90.0–100.0] n=7" in text
    assert "50.0 % [45.0–55.0] n=8" in text
    assert "unscored: no reason" in text


def test_key_only_shows_what_decides():
    labels = [line.split("  ")[1] for line in shown(key_only=True) if line.startswith("  ")]
    assert [label for label in labels if label] == ["Refusal rate", "Leak rate", "Accuracy"]


def test_titles_can_be_given():
    assert shown(names={"original": "my/model"})[1].split() == ["my/model", "Steering"]


def test_output_in_a_pipe_is_plain(capsys):
    table.show(RECORDS)
    out = capsys.readouterr().out
    assert "\033" not in out
    assert out.splitlines()[2] == "Forget: questions, n=40"


def test_no_records_is_no_table(capsys):
    table.show([])
    assert capsys.readouterr().out == ""
