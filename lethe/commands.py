"""What each command does: one function call, and what it gives is printed.

A command takes the parsed arguments and what was left of them, which are settings of its recipe.
Results go to stdout, everything else to stderr. Heavy imports wait until a command needs them.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lethe import plug
from lethe.plug import LetheError

if TYPE_CHECKING:
    from lethe.config import Recipe


def run(given: argparse.Namespace, rest: list[str]) -> None:
    """Run a recipe, or go on with it."""
    if given.help:
        return _recipe_help(given)
    from lethe import config, overrides, pipeline

    recipe = overrides.override(config.load(_recipe_path(given)), rest)
    if given.each:
        return _each(recipe, given)
    if given.jobs > 1:
        raise LetheError("--jobs: one run is one job; it goes with --each")
    _finished(pipeline.run(recipe, out=given.out))


def _each(recipe: "Recipe", given: argparse.Namespace) -> None:
    """A run for each target, side by side, then the comparison."""
    from lethe import config, planning

    points = planning.each(recipe)
    out = given.out or recipe.out or Path("runs") / recipe.name
    about = {"recipe": config.plain(recipe), "each": list(points)}
    _swept(points, out, given.jobs, about)


def launch(given: argparse.Namespace, rest: list[str]) -> None:
    """Run a recipe in several processes."""
    if given.help:
        return _recipe_help(given)
    from lethe import config, launch, overrides

    recipe = overrides.override(config.load(_recipe_path(given)), rest, given.parser.prog)
    launch.launch(
        recipe,
        given.recipe,
        launch.Layout(
            given.processes,
            given.nodes,
            given.node_rank,
            given.main_address,
            given.main_port or launch.PORT,
        ),
        settings=given.config,
        overrides=rest,
        out=given.out,
        dry=given.dry_run,
    )


def sweep(given: argparse.Namespace, rest: list[str]) -> None:
    """Run a recipe with several values of its settings and several seeds, then compare."""
    if given.help:
        return _recipe_help(given)
    from lethe import config, overrides
    from lethe.sweep import grid

    base = overrides.override(config.load(_recipe_path(given)), rest, given.parser.prog)
    base = base.model_copy(update={"out": None})
    points = grid.points(base, given.over, given.seeds, str(given.recipe))
    out = given.out or Path("runs") / f"{base.name}-sweep"
    about = {"recipe": config.plain(base), "over": given.over, "seeds": given.seeds}
    _swept(points, out, given.jobs, about)


def _swept(points: dict[str, "Recipe"], out: Path, jobs: int, about: dict[str, Any]) -> None:
    """Run many recipes, and compare those that are done."""
    from lethe.compare import compare, files, text
    from lethe.sweep import sweep

    files.check(out)
    failures = sweep(points, out, jobs, about=about)
    failed = {failure.label for failure in failures}
    if done := [out / label for label in points if label not in failed]:
        found = compare(done)
        text.show(found)
        print(f"\npage: {files.write(found, out)[0]}")
    if failures:
        said = "".join(f"\n  {f.label}: {f.line} (all of it: {f.log})" for f in failures)
        raise LetheError(f"{out}: {len(failures)} of {len(points)} runs failed:{said}")


def show(given: argparse.Namespace, rest: list[str]) -> None:
    """Print a recipe with every default, or what it will need and do."""
    if given.help:
        return _recipe_help(given)
    from lethe import config, overrides

    _check_estimate(given)
    recipe = overrides.override(config.load(_recipe_path(given)), rest)
    if given.estimate:
        _estimated(recipe, given)
    else:
        print(config.dump(recipe), end="")


def _check_estimate(given: argparse.Namespace) -> None:
    named = ("gpus", "gpu_memory", "sharded", "json")
    if not given.estimate:
        for name in named:
            if getattr(given, name) is not None and getattr(given, name) is not False:
                raise LetheError(f"--{name.replace('_', '-')}: goes with --estimate")
    if given.gpu_memory is not None and not given.gpu_memory > 0:
        raise LetheError(f"--gpu-memory: {given.gpu_memory:g}: GiB of one GPU, above 0")


def _estimated(recipe: "Recipe", given: argparse.Namespace) -> None:
    from lethe import estimate, process
    from lethe.estimate import text

    process.prepare(progress=False)
    found = estimate.estimate(recipe, estimate.machine(given.gpus, given.gpu_memory, given.sharded))
    print(json.dumps(text.plain(found), indent=1) if given.json else "\n".join(text.lines(found)))


def quickstart(given: argparse.Namespace, rest: list[str]) -> None:
    """Forget someone of the embedded world."""
    from lethe import overrides, pipeline, quickstart

    recipe = quickstart.recipe(given.world_seed, given.seed, given.targets)
    folder = pipeline.run(overrides.override(recipe, rest), out=given.out)
    _finished(folder, quickstart.MEANING)


def evaluate(given: argparse.Namespace, rest: list[str]) -> None:
    """Measure a model as it is."""
    from lethe import overrides, pipeline, planning, process, runs, table

    of = {"targets": given.target, "folder": given.folder}
    if given.benchmark:
        own = plug.member("benchmark", given.benchmark, "Config")
        of |= overrides.required(own, rest, "data.")
    recipe = planning.evaluation(
        given.model,
        given.data,
        benchmark=given.benchmark,
        of=of,
        metrics=given.metrics,
        limit=given.limit,
        batch_size=given.batch_size,
        reference=given.reference,
    )
    recipe = overrides.override(recipe, rest, given.parser.prog)
    folder = pipeline.run(recipe, out=given.out)
    if not process.first():
        return  # the first of several processes tells
    records = runs.read_summary(runs.Run(folder))
    table.show(records, names={runs.ORIGINAL: given.model})
    print(f"numbers: {folder / 'eval' / 'summary.json'}\nreport:  {folder / 'report.html'}")


def report(given: argparse.Namespace, rest: list[str]) -> None:
    """Write a run's report anew."""
    from lethe import report

    print(report.write(given.run))


def export(given: argparse.Namespace, rest: list[str]) -> None:
    """Write a run's model to a folder of its own, and upload it if asked to."""
    from lethe import hub, process
    from lethe.export import check_push, export

    if given.push_to_hub:
        hub.check(given.push_to_hub)
        check_push(given.run, adapter=given.adapter, stage=given.stage)
    elif given.private or given.public:
        raise LetheError("--private, --public: go with --push-to-hub")
    process.no_telemetry()
    way = {"merge": given.merge, "adapter": given.adapter}
    print(out := export(given.run, **way, stage=given.stage, out=given.out))
    if given.push_to_hub:
        print(hub.push(out, given.push_to_hub, private=not given.public))


def compare(given: argparse.Namespace, rest: list[str]) -> None:
    """Compare finished runs."""
    from lethe.compare import FLOORS, compare, files, text

    if given.out:
        files.check(given.out)
    found = compare(
        given.runs, forget=given.forget, retain=given.retain, floors=given.floor or FLOORS
    )
    text.show(found)
    if given.out:
        print("\n" + "\n".join(map(str, files.write(found, given.out))))


def judge(given: argparse.Namespace, rest: list[str]) -> None:
    """Tell refusals from answers in a file of texts."""
    from lethe import judging

    texts = judging.read(given.file)
    second = judging.opinion(
        len(texts),
        classifier=given.classifier,
        labels=given.label or [],
        llm=given.llm,
        base_url=given.base_url,
        api_key_env=given.api_key_env,
        cache=given.cache,
    )
    print(judging.report(texts, second, given.out))


def synthesize(given: argparse.Namespace, rest: list[str]) -> None:
    """Make the rows from a name."""
    from lethe import config, overrides
    from lethe.synthesis import Settings, synthesize

    if given.help:
        given.parser.print_help()
        print()
        rest = ["--help"]
    elif not given.target:
        raise LetheError('--target: whom or what must be forgotten? as in: --target "Ada Vance"')
    raw = {key: getattr(given, key) for key in ("target", "facts", "wordings", "documents", "out")}
    if given.llm:
        address = {"base_url": given.base_url, "api_key_env": given.api_key_env}
        raw["endpoint"] = {"model": given.llm} | {k: v for k, v in address.items() if v}
    elif given.base_url or given.api_key_env:
        raise LetheError("--base-url, --api-key-env: go with --llm, the model's name there")
    raw["target"] = given.target or "TARGET"
    settings = config.validated(Settings, {k: v for k, v in raw.items() if v}, "command line")
    settings = overrides.override(settings, rest, given.parser.prog)
    model = (
        config.validated(config.Model, {"path": given.model}, "--model") if given.model else None
    )
    place = synthesize(settings, model)
    print(f"rows: {place / 'forget.jsonl'}, {place / 'boundary.jsonl'}")


def lists(given: argparse.Namespace, rest: list[str]) -> None:
    """Say what there is, by kind."""
    for kind in [given.kind] if given.kind else plug.KINDS:
        print(f"{kind}:")
        found = plug.names(kind) or {"": "none yet"}
        width = max(map(len, found))
        for name, line in found.items():
            print(f"  {name:{width}}  {line}")


def schema(given: argparse.Namespace, rest: list[str]) -> None:
    """Print the JSON schema of recipes."""
    from lethe import schema

    print(schema.text(), end="")


def world_train(given: argparse.Namespace, rest: list[str]) -> None:
    """Train a world's model and say where it is."""
    from lethe import pipeline, world

    pipeline.prepare()
    if given.out:
        world.train(given.world_seed, given.out)
    print(given.out or world.checkpoint(given.world_seed))


def world_facts(given: argparse.Namespace, rest: list[str]) -> None:
    """Write a world's facts and how to ask for them."""
    from lethe.world import facts

    print("\n".join(map(str, facts.write(given.world_seed, given.out or Path()))))


def world_show(given: argparse.Namespace, rest: list[str]) -> None:
    """Print some of a world's rows."""
    from lethe import world

    rows = world.rows(given.world_seed, given.targets)[given.split]
    for row in rows[: given.limit]:
        print(f"{row.scope}/{row.form}\t{row.prompt}\t{row.answer}")
    print(f"{len(rows[: given.limit])} of {len(rows)} {given.split} rows", file=sys.stderr)


def _finished(folder: Path, meaning: str = "") -> None:
    from lethe import config, process, runs, table

    if not process.first():
        return  # the first of several processes tells
    records = runs.read_summary(runs.Run(folder))
    after = config.load(runs.Run(folder).recipe).after
    names = {runs.ORIGINAL: f"Start (after {after.name})"} if after else None
    table.show(records, key_only=True, names=names)
    print(f"\nall numbers: {folder / 'eval' / 'summary.json'}")
    print("\n".join(filter(None, [meaning, f"report: {folder / 'report.html'}"])))


def _recipe_path(given: argparse.Namespace) -> Path:
    if given.recipe is None:
        raise LetheError(f"RECIPE: which recipe file? as in: {given.parser.prog} recipe.yaml")
    return given.recipe


def _recipe_help(given: argparse.Namespace) -> None:
    given.parser.print_help()
    if given.recipe is not None:
        from lethe import config, overrides

        print()
        overrides.override(config.load(given.recipe), ["--help"])
