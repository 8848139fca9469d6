"""Run folders made by hand: what `lethe compare` reads, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from lethe import runs, yaml12


class Folders:
    """Writes run folders below one place."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __call__(
        self,
        name: str,
        values: dict[str, float | None],
        *,
        stages: list[Any] | None = None,
        before: dict[str, float | None] | None = None,
        world: int = 1,
        seed: int = 0,
        seconds: tuple[float, ...] = (10.0,),
        n: int = 20,
        **recipe: Any,
    ) -> Path:
        """A finished run whose final model has these values by `metric:group`."""
        stages = [{"stage": "npo", "seed": None, "beta": 0.1}] if stages is None else stages
        folder = self.place / name
        (folder / "eval").mkdir(parents=True)
        written = {
            "name": name.replace("/", "-"),
            "seed": seed,
            "model": {"path": f"world:{world}", "revision": None, "lora": None},
            "data": {"benchmark": "world", "seed": world},
            "stages": stages,
            "evaluate": {"metrics": [], "prefix": None, "max_new_tokens": 16, "limit": None},
            "out": str(folder),
            **recipe,
        }
        (folder / "recipe.yaml").write_text(runs.HEADER + yaml12.dumps(written))
        models = runs.model_names([stage["stage"] for stage in stages])
        before = dict.fromkeys(values, 0.25) if before is None else before
        summary = [
            record(model, key, value, n)
            for model in models
            for key, value in (values if model == models[-1] else before).items()
        ]
        (folder / "eval" / "summary.json").write_text(json.dumps(summary))
        for model in models[1:]:
            for spent in seconds:
                runs.append(folder / "log.jsonl", {"what": f"stage {model}", "seconds": spent})
        return folder


def record(model: str, key: str, value: float | None, n: int) -> dict[str, Any]:
    metric, _, group = key.partition(":")
    scored = {"value": value, "low": 0.0, "high": 1.0, "n": n, "unscored": None}
    absent = {"value": None, "low": None, "high": None, "n": 0, "unscored": "no answers"}
    return {"model": model, "metric": metric, "group": group} | (
        absent if value is None else scored
    )


@pytest.fixture
def folders(tmp_path):
    return Folders(tmp_path / "runs")
