"""The command line: reads arguments, calls one function, prints what it gives.

Results go to stdout, everything else to stderr. Heavy imports wait until a command needs them.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from lethe import plug, process
from lethe._version import __version__
from lethe.plug import LetheError

_STOPPED = "stopped; run the same command again to go on"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 2 a user's error, 130 Ctrl-C."""
    process.no_telemetry()
    try:
        parser = _parser()
        given, rest = parser.parse_known_args(argv)
        if rest and not given.overridable:
            known = sorted(o for o in given.parser._option_string_actions if o.startswith("--"))
            raise LetheError(f"unknown argument {rest[0]!r}: {plug.choices(rest[0], known)}")
        given.command(given, rest)
    except LetheError as error:
        print(f"{_red('error:')} {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\n{_STOPPED}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `lethe list | head`: whoever read has read enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


# ------------------------------------------------------------------------------------ commands


def _run(given: argparse.Namespace, rest: list[str]) -> None:
    if given.help:
        return _recipe_help(given)
    from lethe import config, overrides, pipeline

    recipe = overrides.override(config.load(_recipe_path(given)), rest)
    _finished(pipeline.run(recipe, out=given.out))


def _sweep(given: argparse.Namespace, rest: list[str]) -> None:
    if given.help:
        return _recipe_help(given)
    from lethe import config, overrides
    from lethe.compare import compare, files, text
    from lethe.sweep import grid, sweep

    base = overrides.override(config.load(_recipe_path(given)), rest, given.parser.prog)
    base = base.model_copy(update={"out": None})
    points = grid.points(base, given.over, given.seeds, str(given.recipe))
    out = given.out or Path("runs") / f"{base.name}-sweep"
    files.check(out)
    about = {"recipe": config.plain(base), "over": given.over, "seeds": given.seeds}
    failures = sweep(points, out, given.jobs, about=about)
    failed = {failure.label for failure in failures}
    if done := [out / label for label in points if label not in failed]:
        found = compare(done)
        text.show(found)
        print(f"\npage: {files.write(found, out)[0]}")
    if failures:
        said = "".join(f"\n  {f.label}: {f.line} (all of it: {f.log})" for f in failures)
        raise LetheError(f"{out}: {len(failures)} of {len(points)} runs failed:{said}")


def _show(given: argparse.Namespace, rest: list[str]) -> None:
    if given.help:
        return _recipe_help(given)
    from lethe import config, overrides

    recipe = overrides.override(config.load(_recipe_path(given)), rest)
    print(config.dump(recipe), end="")


def _quickstart(given: argparse.Namespace, rest: list[str]) -> None:
    from lethe import overrides, pipeline, quickstart

    recipe = quickstart.recipe(given.world_seed, given.seed, given.targets)
    folder = pipeline.run(overrides.override(recipe, rest), out=given.out)
    _finished(folder, quickstart.MEANING)


def _evaluate(given: argparse.Namespace, rest: list[str]) -> None:
    from lethe import pipeline, runs, table

    recipe = pipeline.evaluation(
        given.model, given.data, metrics=given.metrics or [], limit=given.limit
    )
    folder = pipeline.run(recipe, out=given.out)
    records = runs.read_summary(runs.Run(folder))
    table.show(records, names={runs.ORIGINAL: given.model})
    print(f"numbers: {folder / 'eval' / 'summary.json'}\nreport:  {folder / 'report.html'}")


def _report(given: argparse.Namespace, rest: list[str]) -> None:
    from lethe import report

    print(report.write(given.run))


def _compare(given: argparse.Namespace, rest: list[str]) -> None:
    from lethe.compare import FLOORS, compare, files, text

    if given.out:
        files.check(given.out)
    found = compare(
        given.runs, forget=given.forget, retain=given.retain, floors=given.floor or FLOORS
    )
    text.show(found)
    if given.out:
        print("\n" + "\n".join(map(str, files.write(found, given.out))))


def _judge(given: argparse.Namespace, rest: list[str]) -> None:
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


def _synthesize(given: argparse.Namespace, rest: list[str]) -> None:
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


def _list(given: argparse.Namespace, rest: list[str]) -> None:
    for kind in [given.kind] if given.kind else plug.KINDS:
        print(f"{kind}:")
        found = plug.names(kind) or {"": "none yet"}
        width = max(map(len, found))
        for name, line in found.items():
            print(f"  {name:{width}}  {line}")


def _schema(given: argparse.Namespace, rest: list[str]) -> None:
    from lethe import schema

    print(schema.text(), end="")


def _world_train(given: argparse.Namespace, rest: list[str]) -> None:
    from lethe import pipeline, world

    pipeline.prepare()
    if given.out:
        world.train(given.world_seed, given.out)
    print(given.out or world.checkpoint(given.world_seed))


def _world_facts(given: argparse.Namespace, rest: list[str]) -> None:
    from lethe.world import facts

    print("\n".join(map(str, facts.write(given.world_seed, given.out or Path()))))


def _world_show(given: argparse.Namespace, rest: list[str]) -> None:
    from lethe import world

    rows = world.rows(given.world_seed, given.targets)[given.split]
    for row in rows[: given.limit]:
        print(f"{row.scope}/{row.form}\t{row.prompt}\t{row.answer}")
    print(f"{len(rows[: given.limit])} of {len(rows)} {given.split} rows", file=sys.stderr)


def _finished(folder: Path, meaning: str = "") -> None:
    from lethe import runs, table

    records = runs.read_summary(runs.Run(folder))
    table.show(records, key_only=True)
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


# ------------------------------------------------------------------------------------- parsing


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise LetheError(f"{message}; see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="lethe",
        description="Make a language model refuse what it must forget and keep answering "
        "everything else, by Reinforcement UnLEarning (arXiv 2506.07171).",
        epilog="Start with: lethe quickstart",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"lethe {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    _recipe_commands(commands)
    _run_commands(commands)
    _world_commands(commands)
    return parser


def _command(
    commands: argparse._SubParsersAction, name: str, function: object, text: str, **options: Any
) -> argparse.ArgumentParser:
    """Add a command. `overridable`: options that it does not know are settings of the recipe."""
    overridable = options.pop("overridable", False)
    parser = commands.add_parser(name, help=text, description=text, allow_abbrev=False, **options)
    parser.set_defaults(command=function, parser=parser, overridable=overridable)
    return parser


def _recipe_commands(commands: argparse._SubParsersAction) -> None:
    settings = {
        "overridable": True,
        "add_help": False,
        "epilog": "Every setting of the recipe is an option too: --seed 1, "
        "--stages.1.num-generations 16. With a RECIPE, --help lists them.",
    }
    run = _command(commands, "run", _run, "run a recipe, or go on with it", **settings)
    show = _command(commands, "show", _show, "print a recipe with every default", **settings)
    for parser in (run, show):
        parser.add_argument("recipe", metavar="RECIPE", nargs="?", type=Path, help="a YAML file")
        parser.add_argument("-h", "--help", action="store_true", help="show this help and exit")
    _out(run, "the run folder; runs/<name> if not given")
    _sweep_command(commands, settings)
    quickstart = _command(
        commands,
        "quickstart",
        _quickstart,
        "forget one person of the embedded world, in about three minutes on a CPU",
        overridable=True,
    )
    _world_seed(quickstart)
    quickstart.add_argument("--seed", type=_natural, default=0, help="seed of the training")
    quickstart.add_argument("--targets", type=_positive, default=1, help="how many to forget")
    _out(quickstart, "the run folder; runs/quickstart if not given")


def _sweep_command(commands: argparse._SubParsersAction, settings: dict[str, Any]) -> None:
    sweep = _command(
        commands,
        "sweep",
        _sweep,
        "run a recipe with several values of its settings and several seeds, then compare",
        **settings,
    )
    sweep.add_argument("recipe", metavar="RECIPE", nargs="?", type=Path, help="a YAML file")
    sweep.add_argument(
        "--over",
        metavar="KEY=V,V",
        action="append",
        default=[],
        help="values of a setting, as in stages.0.learning_rate=1e-5,3e-5; settings that change "
        "together are joined: data.seed+model.path=1+world:1,2+world:2; again for another",
    )
    sweep.add_argument(
        "--seeds", metavar="N", type=_positive, default=1, help="how many, from the recipe's on; 1"
    )
    sweep.add_argument(
        "--jobs", metavar="N", type=_positive, default=1, help="how many runs at once; 1"
    )
    _out(sweep, "the folder of all runs; runs/<name>-sweep if not given")
    sweep.add_argument("-h", "--help", action="store_true", help="show this help and exit")


def _run_commands(commands: argparse._SubParsersAction) -> None:
    evaluate = _command(commands, "evaluate", _evaluate, "measure a model as it is")
    evaluate.add_argument("model", metavar="MODEL", help="folder, Hub id or world:SEED")
    evaluate.add_argument(
        "--data", required=True, help="a file of rows, a recipe, a run folder, or world:SEED"
    )
    evaluate.add_argument("--metrics", nargs="+", help="names; see lethe list metric")
    evaluate.add_argument("--limit", type=_positive, help="at most so many rows of each group")
    _out(evaluate, "folder for the answers and numbers; runs/evaluate-<model> if not given")
    synthesize = _command(
        commands,
        "synthesize",
        _synthesize,
        "make the rows from a name: what to refuse and what to go on answering",
        overridable=True,
        add_help=False,
        epilog='As in: lethe synthesize --target "Stephen King" --model ./my-model. Every other '
        "setting is an option too: --questions 100, --neighbours 40, --endpoint.concurrency 16, "
        "--price 0.15 0.6, --budget 2. --help lists them.",
    )
    synthesize.add_argument("--target", metavar="NAME", help="whom or what must be forgotten")
    synthesize.add_argument(
        "--model", metavar="MODEL", help="the original model: folder, Hub id or world:SEED"
    )
    synthesize.add_argument("--llm", metavar="MODEL", help="who writes: a chat model's name")
    synthesize.add_argument("--base-url", metavar="URL", help="its server; localhost:8000/v1")
    synthesize.add_argument("--api-key-env", metavar="NAME", help="variable of its key")
    synthesize.add_argument("--facts", metavar="FILE", type=Path, help="entity, attribute, value")
    synthesize.add_argument("--wordings", metavar="FILE", type=Path, help="how to ask for them")
    synthesize.add_argument(
        "--documents", metavar="FILE", type=Path, nargs="+", help="texts about the target"
    )
    _out(synthesize, "where the rows go; data/<target> if not given")
    synthesize.add_argument("-h", "--help", action="store_true", help="show this help and exit")
    report = _command(commands, "report", _report, "write a run's report.html anew")
    report.add_argument("run", metavar="RUN", type=Path, help="a run folder")
    _compare_command(commands)
    judge = _command(commands, "judge", _judge, "tell refusals from answers in a file of texts")
    judge.add_argument(
        "file", metavar="FILE", type=Path, help="rows (.jsonl, .json, .csv, .parquet) or a .txt"
    )
    judge.add_argument("--classifier", metavar="MODEL", help="second opinion: a text classifier")
    judge.add_argument("--label", nargs="+", help="its labels that mean a refusal")
    judge.add_argument("--llm", metavar="MODEL", help="second opinion: a chat model's name")
    judge.add_argument("--base-url", metavar="URL", help="its server; http://localhost:8000/v1")
    judge.add_argument("--api-key-env", metavar="NAME", help="variable of its key; OPENAI_API_KEY")
    judge.add_argument("--cache", metavar="FILE", type=Path, help="keeps its replies")
    judge.add_argument("--out", metavar="FILE", type=Path, help="every verdict, as JSON Lines")
    lists = _command(commands, "list", _list, "what there is, by kind")
    lists.add_argument("kind", nargs="?", choices=list(plug.KINDS), help="one kind only")
    _command(commands, "schema", _schema, "print the JSON schema of recipes, for editors")


def _compare_command(commands: argparse._SubParsersAction) -> None:
    compare = _command(
        commands,
        "compare",
        _compare,
        "compare finished runs: means over cases and seeds, and what forgetting costs",
    )
    compare.add_argument(
        "runs",
        metavar="RUN",
        nargs="+",
        type=Path,
        help="a run folder, or a folder that holds some",
    )
    axis = "METRIC:GROUP to weigh as"
    compare.add_argument(
        "--forget", metavar="M:G", help=f"{axis} forgetting; refusal_rate:forget/question"
    )
    compare.add_argument(
        "--retain", metavar="M:G", help=f"{axis} retaining; accuracy:boundary/question"
    )
    compare.add_argument(
        "--floor", metavar="R", nargs="+", type=float, help="of the area; 0.4 0.5 0.6 0.7"
    )
    _out(compare, "also write compare.html, .json and .csv there; no files if not given")


def _world_commands(commands: argparse._SubParsersAction) -> None:
    world = _command(commands, "world", None, "the embedded fictional world")
    inner = world.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    train = _command(inner, "train", _world_train, "train its model and print where it is")
    _world_seed(train)
    _out(train, "train anew into this folder, instead of using the cache")
    facts = _command(inner, "facts", _world_facts, "write its facts and how to ask for them")
    _world_seed(facts)
    _out(facts, "the folder for facts.csv and wordings.yaml; the working directory if not given")
    show = _command(inner, "show", _world_show, "print some of its rows")
    _world_seed(show)
    show.add_argument("--split", choices=("train", "validation", "test"), default="test")
    show.add_argument("--targets", type=_positive, default=1, help="how many to forget")
    show.add_argument("--limit", type=_positive, default=20, help="how many rows")


def _out(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--out", metavar="DIR", type=Path, help=text)


def _world_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--world-seed", type=_natural, default=0, help="which world")


def _natural(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _red(text: str) -> str:
    coloured = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    return f"\033[31m{text}\033[0m" if coloured else text
