"""Exports are the run's model for plain transformers and peft; the card says what was measured."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoModelForCausalLM, AutoTokenizer

from lethe import cli, config, runs, yaml12
from lethe import model as models
from lethe.export import export
from lethe.plug import LetheError

IDS = torch.tensor([[1, 7, 8, 9, 12]])


def trained(base, folder, seed=0, dtype="float32", lora=True):
    """What a stage leaves: an adapter that changes something, or whole weights."""
    shape = config.Lora(rank=4, alpha=8) if lora else None
    spec = config.Model(path=str(base), dtype=dtype, lora=shape)
    net = models.load(base, spec, trainable=True)
    torch.manual_seed(seed)
    with torch.no_grad():
        for weight in net.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn_like(weight) * 0.1)
    models.save(net, models.tokenizer(base, spec), folder)
    return folder


def record(model, metric, group, value, **more):
    ends = {"low": value and value - 0.1, "high": value and value + 0.1}
    return {"model": model, "metric": metric, "group": group, "value": value, **ends, "n": 12,
            "unscored": None, **more}  # fmt: skip


RECORDS = [
    record("original", "refusal_rate", "forget/question", 0.25),
    record("0-npo", "refusal_rate", "forget/question", 0.75),
    record("0-npo", "leak_rate", "forget/question", 0.5),
    record("0-npo", "refusal_rate", "forget/reverse", 0.25),
    record("0-npo", "answer_probability", "forget/question", None, unscored="no answers"),
]


def run_in(folder, base, *, lora=True, dtype="float32", records=RECORDS, **settings):
    """A finished run's folder, its one stage trained over `base`."""
    raw = {
        "name": "mine",
        "model": {"path": str(base), "lora": {"rank": 4, "alpha": 8} if lora else None, **settings},
        "data": {"forget": "/home/ada/private/forget.jsonl"},
        "stages": ["npo"],
    }
    place = runs.Run(folder)
    place.data.mkdir(parents=True)
    runs.write(place.recipe, runs.HEADER + config.dump(config.from_dict(raw)))
    rows = [
        {"id": str(i), "subject": "Ada <b>*Vance*", "scope": "forget", "prompt": "Who ?",
         "split": split}
        for i, split in enumerate(["train", "train", "test"])
    ]  # fmt: skip
    runs.write(place.data / "forget.jsonl", runs.lines(rows))
    stage = place.stage("0-npo")
    trained(base, stage / "model", dtype=dtype, lora=lora)
    runs.write(stage / "model" / "balance.json", "{}")
    runs.write(stage / "done.json", runs.json_text({"inputs": "x"}))
    if records:
        place.summary.parent.mkdir()
        runs.write(place.summary, runs.json_text(records))
    return folder


@pytest.fixture
def run(saved, tmp_path):
    return run_in(tmp_path / "mine", saved(scale=0.15))


def logits(net):
    with torch.no_grad():
        return net.eval()(IDS).logits.float()


def of_run(folder):
    made = str(folder / "stages" / "0-npo" / "model")
    return logits(models.load(made, config.Model(path=made)))


def check(found, folder):
    torch.testing.assert_close(logits(found), of_run(folder), atol=1e-5, rtol=1e-5)


def test_merged_it_is_a_model_for_plain_transformers(run):
    out = export(run, merge=True)
    assert out == run / "export"
    check(AutoModelForCausalLM.from_pretrained(out), run)
    assert {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
            "chat_template.jinja"} <= {file.name for file in out.iterdir()}  # fmt: skip
    assert not list(out.glob("adapter*")) and not (out / "balance.json").exists()
    theirs = AutoTokenizer.from_pretrained(run / "stages" / "0-npo" / "model")
    assert AutoTokenizer.from_pretrained(out).chat_template == theirs.chat_template


def test_an_adapter_is_one_for_peft(run):
    out = export(run, adapter=True)
    check(AutoPeftModelForCausalLM.from_pretrained(out), run)
    shape = json.loads((out / "adapter_config.json").read_text())
    base = config.load(run / "recipe.yaml").model.path
    assert shape["base_model_name_or_path"] == base and Path(base).is_absolute()
    assert (out / "adapter_model.safetensors").is_file() and (out / "tokenizer.json").is_file()
    assert not (out / "model.safetensors").exists()


def test_a_whole_model_needs_no_word(saved, tmp_path):
    run = run_in(tmp_path / "mine", saved(scale=0.15), lora=False)
    check(AutoModelForCausalLM.from_pretrained(export(run)), run)
    export(run, merge=True)  # the same: there is nothing to merge
    with pytest.raises(LetheError, match=r"^--adapter: .* is a whole model.* use --merge"):
        export(run, adapter=True)


def test_merged_weights_have_their_bases_dtype(saved, tmp_path):
    base = saved(scale=0.15)
    net = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    net.save_pretrained(base)
    run = run_in(tmp_path / "mine", base, dtype="bfloat16")
    found = AutoModelForCausalLM.from_pretrained(export(run, merge=True))
    assert {weight.dtype for weight in found.parameters()} == {torch.bfloat16}
    assert json.loads((run / "export" / "config.json").read_text())["dtype"] == "bfloat16"


def test_an_adapter_over_an_adapter_is_merged_through_or_refused(saved, tmp_path):
    base = saved(scale=0.15)
    first = trained(base, tmp_path / "first", seed=1)
    run = run_in(tmp_path / "mine", base)
    made = run / "stages" / "0-npo" / "model" / "adapter_config.json"
    shape = {**json.loads(made.read_text()), "base_model_name_or_path": str(first)}
    made.write_text(json.dumps(shape))
    with pytest.raises(LetheError, match=r"lies over .*first, an adapter itself.* use --merge"):
        export(run, adapter=True)
    found = dict(AutoModelForCausalLM.from_pretrained(export(run, merge=True)).named_parameters())
    spec = config.Model(path=str(base))
    whole, one = (dict(models.load(p, spec).named_parameters()) for p in (base, first))
    two = dict(models.load(base, spec, adapter=made.parent).named_parameters())
    for name, weight in found.items():  # the base and both changes
        expected = one[name] + two[name] - whole[name]
        torch.testing.assert_close(weight, expected, atol=1e-5, rtol=1e-5)


def test_the_revision_of_a_hub_base_goes_with_the_adapter(run):
    made = run / "stages" / "0-npo" / "model" / "adapter_config.json"
    shape = {**json.loads(made.read_text()), "base_model_name_or_path": "org/base"}
    made.write_text(json.dumps(shape))
    recipe = yaml12.load(run / "recipe.yaml")
    recipe["model"] |= {"path": "org/base", "revision": "abc"}
    (run / "recipe.yaml").write_text(runs.HEADER + yaml12.dumps(recipe))
    out = export(run, adapter=True)
    shape = json.loads((out / "adapter_config.json").read_text())
    assert (shape["base_model_name_or_path"], shape["revision"]) == ("org/base", "abc")
    front = yaml12.loads((out / "README.md").read_text().split("---\n")[1])
    assert front["base_model"] == "org/base" and front["base_model_relation"] == "adapter"


def test_nothing_is_overwritten_but_the_same_export(run, tmp_path):
    out = export(run, merge=True, out=tmp_path / "out")
    (out / "model.safetensors").write_bytes(b"cut short")
    check(AutoModelForCausalLM.from_pretrained(export(run, merge=True, out=out)), run)
    mark = json.loads((out / "export.json").read_text())
    (out / "export.json").write_text(json.dumps({**mark, "files": list(mark["files"])}))
    export(run, merge=True, out=out)  # a mark as it was written before edits were looked for
    (out / "notes.txt").touch()
    with pytest.raises(LetheError, match=r"out: is not empty: notes.txt; choose another"):
        export(run, merge=True, out=out)
    (out / "notes.txt").unlink()
    with pytest.raises(LetheError, match=r"out: holds another export, of .*'s stage 0-npo; choose"):
        export(run, adapter=True, out=out)
    (tmp_path / "mine.txt").touch()
    with pytest.raises(LetheError, match=r"is not empty: .*; choose another with --out"):
        export(run, merge=True, out=tmp_path)
    with pytest.raises(LetheError, match=r"mine.txt: is a file, not a folder"):
        export(run, merge=True, out=tmp_path / "mine.txt")
    assert (tmp_path / "mine.txt").exists() and (out / "README.md").exists()
    assert not list(tmp_path.glob(".export-*"))


def test_what_cannot_be_exported_is_said(run, saved, tmp_path):
    with pytest.raises(LetheError, match=r"model: is an adapter; choices: --adapter, --merge$"):
        export(run)
    with pytest.raises(LetheError, match=r"^--stage: '1-rebo': choices: 0-npo"):
        export(run, merge=True, stage="1-rebo")
    with pytest.raises(LetheError, match=r"nowhere: not a run folder"):
        export(tmp_path / "nowhere")
    base = Path(config.load(run / "recipe.yaml").model.path)
    base.rename(base.with_name("moved"))
    with pytest.raises(LetheError, match=r"its base, .*, is gone"):
        export(run, merge=True)
    base.with_name("moved").rename(base)
    (run / "stages" / "0-npo" / "done.json").unlink()
    with pytest.raises(LetheError, match=r"stage 0-npo has not finished; lethe run .*recipe.yaml"):
        export(run, merge=True)


def test_the_card(run):
    text = (export(run, merge=True) / "README.md").read_text()
    front = yaml12.loads(text.split("---\n")[1])
    assert front == {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["unlearning", "lethe", "npo"],
    }, "a local base is no Hub id"
    assert r"- Ada &lt;b&gt;\*Vance\*" in text and "<b>" not in text
    assert str(run.parent) not in text and "/home/ada" not in text
    assert ".../forget.jsonl" in text and "stage: npo" in text
    file = run / "data" / "forget.jsonl"
    assert f"| forget.jsonl | 2 | 0 | 1 | `{runs.sha256(file)}` |" in text
    assert "25.0\xa0% [15.0–35.0]" in text and "75.0\xa0% [65.0–85.0]" in text and "n=12" in text
    assert "Refusing is not erasing" in text and "arXiv:2506.07171" in text
    beside = text.split("## What stands beside refusing")[1].split("## Limits")[0]
    lines = {line.partition(" (")[0]: line for line in beside.splitlines()}
    assert lines["- Leak rate"].endswith("50.0\xa0% [40.0–60.0] n=12")
    assert lines["- Answer probability"].endswith("**not measured**")
    assert "25.0\xa0% [15.0–35.0]" in lines["- Reverse questions"]


def test_the_card_says_what_was_taught_and_where_it_began(run):
    text = (export(run, merge=True) / "README.md").read_text()
    assert "made to no longer tell what it must forget" in text, "NPO teaches no refusing"
    raw = yaml12.load(run / "recipe.yaml")
    raw["stages"][0]["forgotten"] = "refused"
    (run / "recipe.yaml").write_text(yaml12.dumps(raw))
    runs.write(run / "data" / "earlier.json", runs.json_text({"after": "first*"}))
    text = (export(run, merge=True, out=run / "other") / "README.md").read_text()
    assert "made to refuse what it must forget" in text
    assert r"Start \(after first\*\) -&gt; after npo" in text
    assert r"It goes on from what the run first\* left." in text
    results = text.split("## Results")[1].split("## What stands")[0]
    assert "Start (after first*)" in results and "Original" not in results


def test_the_card_links_a_base_of_the_hub_alone(saved, tmp_path, monkeypatch):
    """A folder that is not here looks like an id; the run says what it was."""
    monkeypatch.chdir(saved(scale=0.15).parent)
    base = Path("org/base")
    shutil.copytree(saved(scale=0.15), base)
    run = run_in(tmp_path / "mine", base, lora=False)
    monkeypatch.chdir(tmp_path)
    for hub, named in ((False, None), (True, "org/base")):
        facts = {"inputs": "x", "hub": hub}
        runs.write(run / "stages" / "0-npo" / "done.json", runs.json_text(facts))
        text = (export(run, out=tmp_path / str(hub)) / "README.md").read_text()
        front = yaml12.loads(text.split("---\n")[1])
        assert front.get("base_model") == named
        assert f"made from `{named or 'base'}`" in text


def test_an_edited_export_is_kept(run, capsys):
    out = export(run, merge=True)
    assert export(run, merge=True) == out and "kept" not in capsys.readouterr().err
    with open(out / "README.md", "a") as file:
        file.write("Licence: mine.\n")
    assert export(run, merge=True) == out
    assert "kept as it is, edited since it was exported: README.md" in capsys.readouterr().err
    assert (out / "README.md").read_text().endswith("Licence: mine.\n")
    (out / "model.safetensors").write_bytes(b"cut short")
    with pytest.raises(
        LetheError, match=r"edited \(README.md\), and is damaged: model.safetensors"
    ):
        export(run, merge=True)
    (out / "export.json").write_text("[]")
    with pytest.raises(LetheError, match=r"export.json: not what lethe export writes"):
        export(run, merge=True)


def test_a_model_that_was_not_measured_says_so(saved, tmp_path):
    run = run_in(tmp_path / "mine", saved(scale=0.15), records=[])
    text = (export(run, merge=True) / "README.md").read_text()
    assert "This model was not measured in its run." in text


def test_the_command(run, capsys, monkeypatch):
    assert cli.main(["export", str(run), "--merge"]) == 0
    assert capsys.readouterr().out == f"{run / 'export'}\n"
    shutil.rmtree(run / "export")
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    for argv, message in {
        ("--merge", "--adapter"): "argument --adapter: not allowed with argument --merge",
        ("--merge", "--public"): "--private, --public: go with --push-to-hub",
        ("--merge", "--push-to-hub", "name"): "--push-to-hub: 'name': must be ORG/NAME",
        ("--adapter", "--push-to-hub", "a/b"): "the adapter's base is a local folder, ",
    }.items():
        assert cli.main(["export", str(run), *argv]) == 2
        assert message in capsys.readouterr().err
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert cli.main(["export", str(run), "--merge", "--push-to-hub", "a/b"]) == 2
    assert "HF_HUB_OFFLINE is set" in capsys.readouterr().err
    assert not (run / "export").exists(), "all that is wrong is said before any work"
