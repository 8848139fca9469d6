"""What each stage and the evaluation hold and do, for the path that runs: the CPU's or CUDA's.

On the CPU ReBO reads a group's prompt once and its LM head sees completions alone, and rollouts
come from `lethe._llama`; on CUDA, and for other architectures, both are TRL's own.
"""

import math
from typing import NamedTuple

from lethe.config import Evaluate
from lethe.estimate import memory, work
from lethe.estimate.memory import FLOAT, How, Phase
from lethe.estimate.shape import Shape
from lethe.estimate.work import Work

LOOK = 128
"""Prompts of a look at validation rows that are decoded at once."""
ROOM = {False: 2**25, True: 2**28}
"""Logits that `lethe.likelihood` holds at once, off and on CUDA."""
READ = 6
"""What is made of them, in times their size."""


class Texts(NamedTuple):
    """Lengths of rows in tokens, as pairs of prompt and what follows it."""

    pairs: tuple[tuple[int, int], ...]

    @property
    def prompt(self) -> float:
        """Mean length of a prompt."""
        return sum(p for p, _ in self.pairs) / max(len(self.pairs), 1)

    @property
    def longest(self) -> int:
        """Of the prompts."""
        return max((p for p, _ in self.pairs), default=0)

    @property
    def reply(self) -> float:
        """Mean length of what follows."""
        return sum(c for _, c in self.pairs) / max(len(self.pairs), 1)

    def most(self, rows: int) -> "Texts":
        """The `rows` longest: no batch of so many is longer. Repeated if there are fewer."""
        ordered = sorted(self.pairs, key=sum, reverse=True)
        times = math.ceil(rows / max(len(ordered), 1))
        return Texts(tuple((ordered * times)[:rows]))


class Asked(NamedTuple):
    """Validation or test rows, and how they are asked."""

    texts: Texts
    """Prompts; and reference answers, with their forced prefix."""
    new: int
    """Longest answer, in tokens."""
    batch: int


def decodes(shape: Shape, how: How) -> bool:
    """Whether `lethe._llama` decodes: on the CPU, in float32."""
    return shape.decoder and not how.cuda and how.weight == FLOAT


def sample(
    shape: Shape,
    how: How,
    base: Phase,
    prompts: int,
    rows: int,
    prompt: float,
    new: float,
    *,
    greedy: bool = False,
) -> Phase:
    """What decoding a batch holds on top of what is held anyway: reading it, or writing behind it.

    Args:
        shape: The model.
        how: The dtypes.
        base: What is held anyway.
        prompts: Distinct prompts, which the CPU's decoder reads once.
        rows: Completions.
        prompt: Longest prompt, in tokens.
        new: Longest completion.
        greedy: Whether the logits are all that is needed, and no probabilities.
    """
    own = decodes(shape, how)
    cells = rows * shape.vocabulary * FLOAT * (1 if greedy else 3)
    # The decoder keeps what it read; `generate` reads every row, and writes behind what it read.
    kept = memory.kv(shape, how, prompts * prompt) if own else 0.0
    read = min(memory.CHUNK, prompts * prompt) if own else rows * prompt
    base = base._replace(copies=base.copies + (shape.copied * FLOAT if own else 0))
    reading = base._replace(
        cache=kept or memory.kv(shape, how, rows * prompt),
        activations=memory.passing(shape, how, read),
    )
    writing = base._replace(
        cache=kept + memory.kv(shape, how, rows * (prompt + new)),
        activations=memory.passing(shape, how, rows),
        logits=cells,
    )
    return max(reading, writing, key=lambda phase: phase.total)


def look(shape: Shape, how: How, base: Phase, asked: Asked) -> Phase:
    """Looking at validation rows."""
    batch = asked.texts.most(min(asked.batch, len(asked.texts.pairs)))
    count = len(batch.pairs)
    named = base._replace(name="look")
    return sample(shape, how, named, count, count, batch.longest, asked.new, greedy=True)


def looking(shape: Shape, how: How, given: "Rebo | Lessons") -> float:
    """Operations of all looks, those between mixed weights among them."""
    asked, shared = given.looks, decodes(shape, how)
    rows, times = len(asked.texts.pairs), given.looked + (given.mixes.looks if given.mixes else 0)
    one = work.sampling(shape, rows, rows, asked.texts.prompt, asked.new, shared=shared)
    return times * one if rows else 0.0


class Mixing(NamedTuple):
    """Weights that are moved between the original's and the trained ones, to find the best."""

    models: int
    """Whole models held beside the policy."""
    looks: int
    """How often validation rows are looked at on the way."""


class Rebo(NamedTuple):
    """What of a ReBO stage's settings matters here."""

    steps: int
    prompts: int
    group: int
    iterations: int
    new: int
    micro: int
    """Completions in a forward pass, on one device."""
    reference: bool
    rollout: str
    """transformers, vllm-colocate or vllm-server."""
    texts: Texts
    looks: Asked
    resample: int = 0
    """Rounds in which groups that are paid alike are rolled out anew: all of them, at most."""
    looked: int = 0
    """How often validation rows are looked at while training."""
    mixes: Mixing | None = None
    sleeps: bool = False
    """Whether a colocated engine gives its memory back while the policy learns."""
    share: float = 0.3
    """Of a GPU's memory, what a vLLM engine beside the trainer takes."""
    memory: float = 0
    """A GPU's, in bytes."""


def resting(shape: Shape, how: How, *, reference: bool) -> Phase:
    """What is held between two steps, from the second on."""
    copy = 0.0
    if reference:
        # TRL loads the reference in float32; with LoRA it is a second adapter, or none at all.
        copy = memory.adapters(shape) if shape.lora else shape.parameters * FLOAT / how.shards
    held = memory.held(shape, how)
    return Phase("rest", weights=held, optimizer=memory.adam(shape, how), copies=copy)


def ends(shape: Shape, how: How, rest: Phase) -> Phase:
    """The end of a backward pass: all gradients, and the embedding's once more where it is tied."""
    again = shape.head * how.weight if shape.tied and not shape.lora else 0
    return rest._replace(
        name="optimiser step", gradients=memory.gradients(shape, how), activations=again
    )


def mixing(shape: Shape, how: How, rest: Phase, mixes: Mixing, looks: Asked) -> Phase:
    """Weights between the original's and the trained ones, and a look at them.

    The trainer is still there. Of an adapter both ends are held, at most as large as it is.
    """
    copies = memory.base(shape, how) * mixes.models + 2 * memory.adapters(shape)
    held = rest._replace(copies=rest.copies + copies)
    if mixes.looks and looks.texts.pairs:
        held = look(shape, how, held, looks)
    return held._replace(name="mixing")


def rebo(shape: Shape, how: How, given: Rebo, gpus: int) -> tuple[list[Phase], Work]:
    """ReBO: rollouts, what the reference says of them, the update, looks."""
    fast = decodes(shape, how) and not how.checkpointing
    rest = resting(shape, how, reference=given.reference)
    rows = given.prompts * given.group // gpus
    own = max(1, rows // given.group)
    longest, new = given.texts.longest, given.new
    phases = []
    if given.rollout == "transformers":
        phases.append(
            sample(shape, how, _gathered(shape, how, rest), own, rows, longest, new)._replace(
                name="rollout"
            )
        )
    elif given.rollout == "vllm-colocate":
        phases.append(rest._replace(name="rollout", cache=given.share * given.memory))
    micro = min(given.micro, rows)
    few = max(1, micro // given.group)
    if fast:
        tokens, attended = few * longest + micro * (new - 1), micro * (longest + new - 1)
        logits = 4 * micro * new * shape.vocabulary * FLOAT
        scored = trained = logits
        cache = memory.kv(shape, how, few * longest + attended)
    else:
        tokens, cache = micro * (longest + new), 0.0
        attended = tokens
        seen = micro * new if how.cuda else tokens
        scored = memory.tile(shape, how, seen, trained=False)
        trained = memory.tile(shape, how, seen, trained=not shape.lora)
    if given.reference:
        moving = memory.passing(shape, how, tokens)
        phases.append(
            rest._replace(name="reference", cache=cache, activations=moving, logits=scored)
        )
    kept = memory.kept(shape, how, tokens, attended, masked=True)
    earlier = memory.gradients(shape, how) if micro < rows else 0
    phases.append(
        rest._replace(
            name="update",
            weights=rest.weights + memory.casts(shape, how),
            gradients=earlier,
            activations=kept,
            logits=trained,
        )
    )
    phases.append(ends(shape, how, rest))
    if given.looked and given.looks.texts.pairs:
        phases.append(look(shape, how, _gathered(shape, how, rest), given.looks))
    if given.mixes:
        phases.append(mixing(shape, how, rest, given.mixes, given.looks))
    if given.rollout == "vllm-colocate" and not given.sleeps:
        engine = given.share * given.memory
        phases[1:] = [phase._replace(cache=phase.cache + engine) for phase in phases[1:]]
    return phases, _rebo_work(shape, how, given, fast)


def _gathered(shape: Shape, how: How, rest: Phase) -> Phase:
    """Sharded weights are gathered whole to decode, by TRL's default."""
    if how.shards == 1:
        return rest
    return rest._replace(weights=rest.weights + memory.base(shape, how))


def _rebo_work(shape: Shape, how: How, given: Rebo, fast: bool) -> Work:
    rows, prompt, new = given.prompts * given.group, given.texts.prompt, given.new
    read = given.prompts if fast else rows
    tokens = read * prompt + rows * (new - 1 if fast else new)
    attended = read * work.text(prompt) + rows * work.text(new, prompt)
    forward = work.forward(shape, tokens, rows * new if fast or how.cuda else tokens, attended)
    update = forward + work.backward(shape, forward, again=how.checkpointing)
    rolled = work.sampling(shape, given.prompts, rows, prompt, new, shared=fast)
    scored = given.reference + (given.iterations > 1)
    steps, rounds = given.steps * given.iterations, given.steps * (1 + given.resample)
    return Work(
        steps=steps,
        rollouts=rounds * rows,
        tokens=rounds * rows * new,
        rollout=rounds * rolled,
        scoring=given.steps * forward * scored,
        update=steps * update,
        looks=looking(shape, how, given),
    )


class Lessons(NamedTuple):
    """What of a stage that learns fixed texts matters here."""

    kinds: tuple[Texts, ...]
    """Texts of each kind that a batch holds: answers, refusals, retain rows."""
    batch: int
    """Rows of each kind in a forward pass, on one device."""
    rows: int
    """Rows of each kind in an optimiser step, on all devices."""
    steps: int
    padded: bool
    """Whether TRL pads a batch to its longest text and masks (SFT, KTO)."""
    reference: bool = False
    """Whether log-probabilities of the original are taken before the first step."""
    original: bool = False
    """Whether the original is kept while training."""
    looks: Asked = Asked(Texts(()), 0, LOOK)
    looked: int = 0
    """How often validation rows are looked at while training."""
    mixes: Mixing | None = None


def lessons(shape: Shape, how: How, given: Lessons) -> tuple[list[Phase], Work]:
    """Rejection Steering and the offline methods."""
    rest = resting(shape, how, reference=False)
    if given.original and not shape.lora:
        rest = rest._replace(copies=memory.base(shape, how))
    worst = [kind.most(given.batch) for kind in given.kinds]
    if given.padded:
        tokens = sum(len(k.pairs) * max(map(sum, k.pairs), default=0) for k in worst)
        seen = sum(c for kind in worst for _, c in kind.pairs) if how.cuda else tokens
        logits = memory.tile(shape, how, seen, trained=not shape.lora)
    else:
        tokens = sum(map(sum, (pair for kind in worst for pair in kind.pairs)))
        seen = sum(c for kind in worst for _, c in kind.pairs)
        logits = (8 if given.original else 5) * seen * shape.vocabulary * FLOAT
    update = rest._replace(
        name="update",
        weights=rest.weights + memory.casts(shape, how),
        gradients=memory.gradients(shape, how) if given.batch < given.rows else 0,
        activations=memory.kept(shape, how, tokens, tokens, masked=given.padded),
        logits=logits,
    )
    phases = [update, ends(shape, how, rest)]
    if given.looked and given.looks.texts.pairs:
        phases.append(look(shape, how, _gathered(shape, how, rest), given.looks))
    if given.mixes:
        phases.append(mixing(shape, how, rest, given.mixes, given.looks))
    return phases, _lessons_work(shape, how, given)


def _lessons_work(shape: Shape, how: How, given: Lessons) -> Work:
    once = scored = 0.0
    for kind in given.kinds:
        tokens = kind.prompt + kind.reply
        head = tokens if given.padded and not how.cuda else kind.reply
        one = work.forward(shape, tokens, head, work.text(tokens))
        once += given.rows * one
        scored += len(kind.pairs) * one * given.reference
    scored += given.steps * once * given.original
    update = once + work.backward(shape, once, again=how.checkpointing)
    return Work(
        steps=given.steps,
        scoring=scored,
        update=given.steps * update,
        looks=looking(shape, how, given),
    )


def evaluation(
    shape: Shape, how: How, asked: Asked, settings: Evaluate, forget: int
) -> tuple[list[Phase], Work]:
    """One model, asked all test rows: greedy answers, samples of forget rows, likelihoods."""
    rest = Phase("rest", weights=memory.base(shape, how))
    asking = look(shape, how, rest, asked)._replace(name="answers")
    batch = asked.texts.most(min(asked.batch, len(asked.texts.pairs)))
    tokens, replies = sum(map(sum, batch.pairs)), max((c for _, c in batch.pairs), default=0)
    cells = min(len(batch.pairs) * replies * shape.vocabulary, ROOM[how.cuda])
    likely = rest._replace(
        name="likelihoods",
        activations=memory.passing(shape, how, tokens),
        logits=READ * cells * FLOAT,
    )
    rows, shared = len(asked.texts.pairs), decodes(shape, how)
    prompt, reply = asked.texts.prompt, asked.texts.reply
    drawn = rows + settings.samples * forget
    whole = prompt + reply
    return [asking, likely], Work(
        rollouts=drawn,
        tokens=drawn * asked.new,
        rollout=work.sampling(shape, drawn, drawn, prompt, asked.new, shared=shared),
        scoring=rows * work.forward(shape, whole, reply, work.text(whole)),
    )
