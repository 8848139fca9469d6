"""The command line: reads arguments and calls the command that they name.

Results go to stdout, everything else to stderr. Heavy imports wait until a command needs them.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from lethe import commands, plug, process
from lethe._version import __version__
from lethe.plug import LetheError

_STOPPED = "stopped; run the same command again to go on"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 2 a user's error, 130 Ctrl-C.

    Of `launch`, when a process fails, that process's.
    """
    process.no_telemetry()
    try:
        parser = _parser()
        given, rest = parser.parse_known_args(argv)
        dotted = given.overridable == "dotted" and bool(rest) and "." in rest[0]
        if rest and given.overridable is not True and not dotted:
            known = sorted(o for o in given.parser._option_string_actions if o.startswith("--"))
            raise LetheError(f"unknown argument {rest[0]!r}: {plug.choices(rest[0], known)}")
        given.command(given, rest)
        process.leave()
    except LetheError as error:
        print(f"{_red('error:')} {error}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        print(f"\n{_STOPPED}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `lethe list | head`: whoever read has read enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


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
    parsers = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    _recipe_commands(parsers)
    _run_commands(parsers)
    _world_commands(parsers)
    return parser


def _command(
    parsers: argparse._SubParsersAction, name: str, function: object, text: str, **options: Any
) -> argparse.ArgumentParser:
    """Add a command. `overridable`: options that it does not know are settings of the recipe.

    "dotted": of the recipe's groups alone, as in --evaluate.prefix.
    """
    overridable = options.pop("overridable", False)
    parser = parsers.add_parser(name, help=text, description=text, allow_abbrev=False, **options)
    parser.set_defaults(command=function, parser=parser, overridable=overridable)
    return parser


def _recipe_commands(parsers: argparse._SubParsersAction) -> None:
    settings = {
        "overridable": True,
        "add_help": False,
        "epilog": "Every setting of the recipe is an option too: --seed 1, "
        "--stages.1.num-generations 16. With a RECIPE, --help lists them.",
    }
    run = _command(parsers, "run", commands.run, "run a recipe, or go on with it", **settings)
    show = _command(parsers, "show", commands.show, "print a recipe with every default", **settings)
    for parser in (run, show):
        parser.add_argument("recipe", metavar="RECIPE", nargs="?", type=Path, help="a YAML file")
        parser.add_argument("-h", "--help", action="store_true", help="show this help and exit")
    run.add_argument(
        "--each", action="store_true", help="a run for each of the data's targets, then compare"
    )
    _jobs(run)
    _estimate_options(show)
    _out(run, "the run folder; runs/<name> if not given")
    _launch_command(parsers, settings)
    _sweep_command(parsers, settings)
    quickstart = _command(
        parsers,
        "quickstart",
        commands.quickstart,
        "forget one person of the embedded world, in about three minutes on a CPU",
        overridable=True,
    )
    _world_seed(quickstart)
    quickstart.add_argument("--seed", type=_natural, default=0, help="seed of the training")
    quickstart.add_argument("--targets", type=_positive, default=1, help="how many to forget")
    _out(quickstart, "the run folder; runs/quickstart if not given")


def _launch_command(parsers: argparse._SubParsersAction, settings: dict[str, Any]) -> None:
    launch = _command(
        parsers, "launch", commands.launch, "run a recipe in several processes", **settings
    )
    launch.add_argument("recipe", metavar="RECIPE", nargs="?", type=Path, help="a YAML file")
    launch.add_argument(
        "--processes", metavar="N", type=_positive, default=1, help="on each node, one a GPU; 1"
    )
    launch.add_argument(
        "--config",
        metavar="C",
        help="how to share a model: ddp, fsdp2, zero3, or accelerate's YAML",
    )
    launch.add_argument("--nodes", metavar="M", type=_positive, default=1, help="how many; 1")
    launch.add_argument(
        "--node-rank", metavar="R", type=_natural, default=0, help="which of them this is, from 0"
    )
    launch.add_argument("--main-address", metavar="HOST", help="node 0, as the others reach it")
    launch.add_argument("--main-port", metavar="P", type=_positive, help="a port there; 29500")
    launch.add_argument("--dry-run", action="store_true", help="only print what would be started")
    _out(launch, "the run folder; runs/<name> if not given")
    launch.add_argument("-h", "--help", action="store_true", help="show this help and exit")


def _estimate_options(show: argparse.ArgumentParser) -> None:
    show.add_argument(
        "--estimate", action="store_true", help="in place of it, memory, rollouts and operations"
    )
    show.add_argument(
        "--gpus", type=_natural, metavar="N", help="a process on each of so many; 0: CPU"
    )
    show.add_argument("--gpu-memory", type=float, metavar="GIB", help="of each GPU")
    show.add_argument(
        "--sharded", action="store_true", help="GPUs share the weights: FSDP or ZeRO-3"
    )
    show.add_argument("--json", action="store_true", help="the estimate as JSON")


def _sweep_command(parsers: argparse._SubParsersAction, settings: dict[str, Any]) -> None:
    sweep = _command(
        parsers,
        "sweep",
        commands.sweep,
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
    _jobs(sweep)
    _out(sweep, "the folder of all runs; runs/<name>-sweep if not given")
    sweep.add_argument("-h", "--help", action="store_true", help="show this help and exit")


def _run_commands(parsers: argparse._SubParsersAction) -> None:
    _evaluate_command(parsers)
    synthesize = _command(
        parsers,
        "synthesize",
        commands.synthesize,
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
    _export_command(parsers)
    report = _command(parsers, "report", commands.report, "write a run's report.html anew")
    report.add_argument("run", metavar="RUN", type=Path, help="a run folder")
    _compare_command(parsers)
    judge = _command(
        parsers, "judge", commands.judge, "tell refusals from answers in a file of texts"
    )
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
    lists = _command(parsers, "list", commands.lists, "what there is, by kind")
    lists.add_argument("kind", nargs="?", choices=list(plug.KINDS), help="one kind only")
    _command(parsers, "schema", commands.schema, "print the JSON schema of recipes, for editors")


def _evaluate_command(parsers: argparse._SubParsersAction) -> None:
    evaluate = _command(
        parsers,
        "evaluate",
        commands.evaluate,
        "measure a model as it is",
        overridable="dotted",
        epilog="As in: lethe evaluate ./my-model --benchmark rwku --target 1_Stephen_King. Every "
        "other setting is an option too: --data.upstream true, --evaluate.max-new-tokens 64. Under "
        "torchrun -m lethe evaluate ... several processes share the work.",
    )
    evaluate.add_argument("model", metavar="MODEL", help="folder, adapter, Hub id or world:SEED")
    evaluate.add_argument(
        "--data", help="what to ask: a file of rows, a recipe, a run folder, or world:SEED"
    )
    evaluate.add_argument(
        "--benchmark", metavar="NAME", help="or a benchmark, as published; lethe list benchmark"
    )
    evaluate.add_argument(
        "--target", metavar="NAME", nargs="+", help="whom alone, such as 1_Stephen_King; or all"
    )
    evaluate.add_argument(
        "--folder", metavar="DIR", type=Path, help="the benchmark's files; the Hub's if not given"
    )
    evaluate.add_argument(
        "--reference", metavar="RUN", type=Path, help="evaluation of a model that never knew it"
    )
    evaluate.add_argument("--metrics", nargs="+", help="names; see lethe list metric")
    evaluate.add_argument("--limit", type=_positive, help="at most so many rows of each group")
    evaluate.add_argument(
        "--batch-size", type=_batch, metavar="N", help="rows a forward pass, or auto; 64"
    )
    _out(evaluate, "folder for answers and numbers; runs/evaluate-<model>[-<benchmark>[-<target>]]")


def _export_command(parsers: argparse._SubParsersAction) -> None:
    export = _command(
        parsers, "export", commands.export, "a run's model as a folder of its own, with a card"
    )
    export.add_argument("run", metavar="RUN", type=Path, help="a run folder")
    way = export.add_mutually_exclusive_group()
    way.add_argument("--merge", action="store_true", help="the adapter put into its base")
    way.add_argument("--adapter", action="store_true", help="the adapter alone")
    export.add_argument("--stage", metavar="NAME", help="as in 1-rebo; the last if not given")
    _out(export, "where to; RUN/export if not given")
    export.add_argument("--push-to-hub", metavar="ORG/NAME", help="upload it, too")
    seen = export.add_mutually_exclusive_group()
    seen.add_argument("--private", action="store_true", help="for nobody else: the default")
    seen.add_argument("--public", action="store_true", help="for all to see, the card's names too")


def _compare_command(parsers: argparse._SubParsersAction) -> None:
    compare = _command(
        parsers,
        "compare",
        commands.compare,
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


def _world_commands(parsers: argparse._SubParsersAction) -> None:
    world = _command(parsers, "world", None, "the embedded fictional world")
    inner = world.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    train = _command(inner, "train", commands.world_train, "train its model and print where it is")
    _world_seed(train)
    _out(train, "train anew into this folder, instead of using the cache")
    facts = _command(
        inner, "facts", commands.world_facts, "write its facts and how to ask for them"
    )
    _world_seed(facts)
    _out(facts, "the folder for facts.csv and wordings.yaml; the working directory if not given")
    show = _command(inner, "show", commands.world_show, "print some of its rows")
    _world_seed(show)
    show.add_argument("--split", choices=("train", "validation", "test"), default="test")
    show.add_argument("--targets", type=_positive, default=1, help="how many to forget")
    show.add_argument("--limit", type=_positive, default=20, help="how many rows")


def _jobs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--jobs", metavar="N", type=_positive, default=1, help="how many runs at once; 1"
    )


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


def _batch(text: str) -> int | str:
    return text if text == "auto" else _positive(text)


def _red(text: str) -> str:
    coloured = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    return f"\033[31m{text}\033[0m" if coloured else text
