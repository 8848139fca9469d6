"""From a name to rows: what to refuse, how, and what to go on answering.

A generator (`templates`, a model here, an endpoint) writes questions, clozes, reverse and rephrased
queries about the target and its neighbours; filters throw out what is wrong; the original model
gives its own short answers and its own refusals; coats, distances and splits complete the rows.
RULE (arXiv 2506.07171) released no generator: prompts, forms and filters are ours.
"""

import sys
from pathlib import Path

from lethe import config, data, process, world
from lethe.locate import locate
from lethe.synthesis import cost, embedding, folder, sources
from lethe.synthesis.askers import Local, Remote
from lethe.synthesis.cost import Meter
from lethe.synthesis.making import Askers, make
from lethe.synthesis.settings import Settings

__all__ = ["Settings", "synthesize"]


def synthesize(
    settings: Settings, model: config.Model | None = None, *, progress: bool = True
) -> Path:
    """Make the rows, or go on making them; what is done for these settings stays as it is.

    Args:
        settings: See `Settings`.
        model: The original model, which must forget: it answers, refuses and, where nothing else
            is given, writes.
        progress: Say what happens on stderr, with a progress bar.

    Returns:
        The folder of the rows; see `lethe.synthesis.folder` for what lies in it.

    Raises:
        LetheError: A setting or file is wrong; the folder holds something else; the endpoint
            cannot be used, or the budget is used up; the rows are too few to split.
    """
    process.no_telemetry()
    process.check()
    place = folder.of(settings)
    writer, answerer = settings.writer(model is not None), settings.answerer(model is not None)
    path = None if model is None else locate(model)
    inputs = folder.inputs(settings, model, path)
    if folder.is_done(place, inputs):
        _say(f"{place}: done before", progress)
        return place
    process.check(alone="synthesis")
    given = sources.read(settings)
    with folder.held(place), process.disk_full_explained(place):
        lines = cost.estimate(settings, writer, answerer)
        if lines:
            _say(f"{settings.target}: {cost.told(settings, lines)}", progress)
        cost.check(settings, lines)
        meter = Meter(settings, sum(line.requests for line in lines), progress)
        local = None
        if model is not None and path is not None:
            process.prepare(progress=progress)
            path = world.weights(path, progress=progress)
            local = Local(path, model, place / folder.OWN_REPLIES, meter.local)
        remote = None
        if settings.endpoint is not None:
            remote = Remote(
                settings.endpoint,
                place / folder.REPLIES,
                cost.budget(settings, folder.paid(place, settings)),
                meter.remote,
            )
        embed = embedding.load(settings.embedding) if settings.embedding else None
        try:
            made = make(settings, given, Askers(local, remote, embed), meter.seen)
        finally:
            meter.close()
        data.check(made.rows)
        folder.write(place, inputs, given.hashes, made, meter)
    _say("\n".join(folder.summary(place)), progress)
    return place


def _say(text: str, progress: bool) -> None:
    if progress:
        print(text, file=sys.stderr, flush=True)
