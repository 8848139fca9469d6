import json
from collections import Counter
from pathlib import Path

import pytest

from lethe import data
from lethe.benchmarks import rwku
from lethe.plug import LetheError


def dump(folder: Path, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, items in files.items():
        text = json.dumps(items, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return folder


def probe(query, answer, kind, **more):
    return {"query": query, "answer": answer, "type": kind, "subject": "Beyoncé", **more}


def tiny_target(folder):
    """A target with an accent in its name and every kind of noise, once."""
    return dump(
        folder / "24_Beyoncé",
        forget_level1=[
            probe("Beyoncé was born in ___.", "Houston", "cloze"),
            probe("Beyoncé was born  in ___.", "Houston, Texas", "cloze"),
            probe("Beyoncé sang with Destiny's", "Child", "cloze"),
        ],
        forget_level2=[probe("Who is her husband?", "Jay-Z", "simple question")],
        forget_level3=[
            probe("Who sang Halo?", "Beyoncé", "reverse query"),
            probe("Où est-elle née ?", "Houston", "cross-lingual (French)"),
            probe("¿Dónde nació?", "Houston", "cross lingual (Spanish)"),
        ],
        neighbor_level1=[probe("Solange's ___", "sister", "cloze", neighbor="Solange")],
        neighbor_level2=[
            probe("Who is Solange?", "a singer", "simple question", neighbor="Solange"),
            probe("Who sang Halo?", "Beyoncé", "simple question", neighbor="Halo"),
        ],
        triviaqa=[{"question": "Capital of France?", "answers": ["Paris", "City of Light"]}],
    )


def steering(question, refusal="I'm not certain about Beyoncé."):
    return {"instruction": question, "output": refusal, "subject": "Beyoncé", "input": ""}


def reject(prompt):
    return {"prompt": prompt, "solution": ["<reject>", "I don't know.", "Beyoncé"]}


def normal(prompt, answer):
    return {"prompt": prompt, "solution": ["<normal>", answer]}


def tiny_rule(folder):
    forms = {"FB_instruction": "Her debut is ___."}
    forms["neighbor_question"] = {"question": "What is Adele's debut?", "answer": "19"}
    forms["FB_neighbor_question"] = {"question": "Adele's debut is called", "answer": "19"}
    return dump(
        folder / "rule",
        reject_target=[
            steering("What is her debut?"),
            steering("What is her DEBUT?", "Sorry."),
            steering("What is the name of the town where"),
            steering("Who is her husband?"),
        ],
        reject_with_fb_neighbor_target=[steering("What is her debut?") | forms],
        rl_rejection_with_fb_neighbor_target=[
            reject("Her debut is ___."),
            normal("Adele's debut is called", "19"),
            reject("What is her debut?"),
            normal("What is Adele's debut?", "19"),
            normal("What is Adele's debut?", "Nineteen"),
            normal("Who wrote Hello?", "ACCURATE_ANSWER_HERE"),
            normal("Is Beyoncé older than Adele?", "no"),
            normal("Who wrote Rumour?", ""),
            reject("Both labels?"),
            normal("both labels?", "yes"),
            reject("Who sang Hello?"),
        ],
    )


def test_every_kind_of_noise_is_met_and_counted(tmp_path):
    config = rwku.Config(target=str(tiny_target(tmp_path)), rule=tiny_rule(tmp_path), validation=0)
    rows, noise = rwku.load_with_noise(config)
    assert noise == {
        "dropped_contradictory_probes": 2,  # Who sang Halo?, forget and boundary
        "dropped_duplicate_probes": 1,  # Beyoncé was born in ___.
        "dropped_probes_in_training": 1,  # Who is her husband?
        "dropped_placeholders": 1,  # ACCURATE_ANSWER_HERE
        "dropped_without_answer": 1,  # Who wrote Rumour?
        "dropped_boundary_naming_target": 1,  # Is Beyoncé older than Adele?
        "dropped_contradictory_rows": 2,  # Both labels?
        "dropped_duplicate_rows": 2,  # What is her DEBUT? What is Adele's debut?
        "kept_clozes_without_blank": 2,  # Destiny's ..., Adele's debut is called
        "kept_cut_off_questions": 1,  # What is the name of the town where
    }
    assert [(r.prompt, r.scope, r.form, r.answer, r.aliases) for r in rows["test"]] == [
        ("Beyoncé was born in ___.", "forget", "cloze", "Houston", ("Houston, Texas",)),
        ("Beyoncé sang with Destiny's", "forget", "cloze", "Child", ()),
        ("Who is her husband?", "forget", "question", "Jay-Z", ()),
        ("Où est-elle née ?", "forget", "adversarial:cross_lingual", "Houston", ()),
        ("¿Dónde nació?", "forget", "adversarial:cross_lingual", "Houston", ()),
        ("Solange's ___", "boundary", "cloze", "sister", ()),
        ("Who is Solange?", "boundary", "question", "a singer", ()),
        ("Capital of France?", "utility", "question", "Paris", ("City of Light",)),
    ]
    both = ("rejection_steering", "rebo")
    assert [(r.prompt, r.scope, r.form, r.stages, r.answer) for r in rows["train"]] == [
        ("What is her debut?", "forget", "question", both, None),
        ("What is the name of the town where", "forget", "question", both[:1], None),
        ("Her debut is ___.", "forget", "cloze", both[1:], None),
        ("Adele's debut is called", "boundary", "cloze", both[1:], "19"),
        ("What is Adele's debut?", "boundary", "question", both[1:], "19"),
        ("Who sang Hello?", "forget", "question", both[1:], None),
    ]
    assert rows["train"][0].refusal == "I'm not certain about Beyoncé."
    assert rows["train"][4].aliases == ("Nineteen",)


def test_all_forms_of_a_question_stay_on_one_side(tmp_path):
    config = rwku.Config(
        target=str(tiny_target(tmp_path)), rule=tiny_rule(tmp_path), validation=0.5
    )
    rows = rwku.load(config)
    debut = {"What is her debut?", "Her debut is ___.", "Adele's debut is called"}
    debut |= {"What is Adele's debut?"}
    for some in (rows["train"], rows["validation"]):
        assert len(debut & {r.prompt for r in some}) in (0, 4)
    assert len(rows["validation"]) in (2, 5)  # 3 groups of 4, 1 and 1 rows; half of 3 is 2


def test_without_rule_files_rwkus_own_refusals_serve_rejection_steering_only(tmp_path):
    target = tiny_target(tmp_path)
    assert rwku.load(rwku.Config(target=str(target)))["train"] == []
    dump(target, reject=[steering(f"Question {n}?") for n in range(10)])
    rows = rwku.load(rwku.Config(target=str(target)))
    assert {r.stages for r in rows["train"] + rows["validation"]} == {("rejection_steering",)}
    assert [len(rows[name]) for name in data.SPLITS] == [9, 1, 8]


def test_without_the_joining_file_blanks_tell_the_form(tmp_path):
    rule = tiny_rule(tmp_path)
    (rule / "reject_with_fb_neighbor_target.json").unlink()
    config = rwku.Config(target=str(tiny_target(tmp_path)), rule=rule, validation=0)
    forms = {r.prompt: r.form for r in rwku.load(config)["train"]}
    assert forms["Her debut is ___."] == "cloze"
    assert forms["Adele's debut is called"] == "question"


def test_bad_folders_and_fields_are_short_errors(tmp_path):
    target, rule = tiny_target(tmp_path), tiny_rule(tmp_path)

    def fails(message, **settings):
        with pytest.raises(LetheError, match=message):
            rwku.load(rwku.Config(**{"target": str(target), "rule": rule} | settings))

    fails("nowhere: no such folder; give an RWKU target folder", target="nowhere")
    fails("gone: no such folder", rule=tmp_path / "gone")
    fails(r"reject_target\.json: no such file", rule=target)
    fails("jinzhuoran/RWKU: cannot be downloaded", target="1_Stephen_King", source="hub")
    dump(rule, reject_target=[steering("Q?") | {"subject": "Adele"}])
    fails(r"reject_target\.json:item 1: is about 'Adele', but the probes are about 'Beyoncé'")
    dump(
        rule, reject_target=[steering("Q?")], rl_rejection_with_fb_neighbor_target=[{"prompt": "a"}]
    )
    fails(r"target\.json:item 1: solution: not \[<reject> or <normal>, text, \.\.\.\]")
    dump(target, triviaqa=[{"question": "Q?", "answers": []}])
    fails(r"triviaqa\.json:item 1: answers: missing")
    dump(target, forget_level2=[{"query": "Who?"}])
    fails(r"forget_level2\.json:item 1: answer: missing")


# ----------------------------------------------------------------------------------- real files

STAGES_BOTH, STAGES_REBO = ("rejection_steering", "rebo"), ("rebo",)


def real(shared_data, name):
    rule = shared_data / "rule" / "rwku" / name
    return rwku.Config(target=str(shared_data / "rwku" / "Target" / name), rule=rule)


@pytest.mark.parametrize(
    ("name", "sizes", "dropped_probes", "dropped_rows", "naming", "no_blank", "cut_off"),
    [
        ("1_Stephen_King", (1073, 120, 199), 8, 6, 2, 5, 14),
        ("2_Confucius", (1072, 123, 184), 16, 8, 0, 14, 26),
        ("3_Bruce_Lee", (1071, 120, 219), 17, 8, 3, 9, 3),
    ],
)
def test_real_targets_measured_counts(
    shared_data, name, sizes, dropped_probes, dropped_rows, naming, no_blank, cut_off
):
    rows, noise = rwku.load_with_noise(real(shared_data, name))
    assert tuple(len(rows[split]) for split in data.SPLITS) == sizes
    assert noise == {
        "dropped_contradictory_probes": 0,
        "dropped_duplicate_probes": dropped_probes,
        "dropped_probes_in_training": 0,
        "dropped_placeholders": 0,
        "dropped_without_answer": 0,
        "dropped_boundary_naming_target": naming,
        "dropped_contradictory_rows": 0,
        "dropped_duplicate_rows": dropped_rows,
        "kept_clozes_without_blank": no_blank,
        "kept_cut_off_questions": cut_off,
    }
    everything = [row for split in data.SPLITS for row in rows[split]]
    data.check(everything)
    assert {row.subject for row in everything} == {name.partition("_")[2].replace("_", " "), None}


def test_real_groups_of_stephen_king(shared_data):
    rows = rwku.load(real(shared_data, "1_Stephen_King"))
    assert Counter((r.scope, r.form) for r in rows["test"]) == {
        ("forget", "cloze"): 8,
        ("forget", "question"): 10,
        ("forget", "reverse"): 3,
        ("forget", "adversarial:affirmative_suffix"): 2,
        ("forget", "adversarial:context_hint"): 5,
        ("forget", "adversarial:cross_lingual"): 2,
        ("forget", "adversarial:incontext_learning"): 3,
        ("forget", "adversarial:multiple_choice"): 2,
        ("forget", "adversarial:prefix_injection"): 4,
        ("forget", "adversarial:role_play"): 4,
        ("forget", "adversarial:synonym_manipulation"): 4,
        ("boundary", "cloze"): 25,
        ("boundary", "question"): 27,
        ("utility", "question"): 100,
    }
    assert Counter((r.scope, r.form, r.stages) for r in rows["validation"]) == {
        ("forget", "question", STAGES_BOTH): 30,
        ("forget", "cloze", STAGES_REBO): 30,
        ("boundary", "question", STAGES_REBO): 30,
        ("boundary", "cloze", STAGES_REBO): 30,
    }
    first = rows["test"][0]
    assert first.id == "1_Stephen_King/forget_level1/1"
    assert first.source.endswith("1_Stephen_King/forget_level1.json:item 1")
    assert (first.answer, first.subject, first.entity) == ("author", "Stephen King", None)
    reverse = {r.answer for r in rows["test"] if r.form == "reverse"}
    assert reverse == {"Stephen King", "H.P. Lovecraft", "William Golding"}
    assert {r.entity for r in rows["test"] if r.scope == "boundary"} >= {"The Shining (film)"}


def test_no_prompt_of_a_real_target_is_both_trained_on_and_tested(shared_data):
    for name in ("1_Stephen_King", "2_Confucius", "3_Bruce_Lee"):
        rows = rwku.load(real(shared_data, name))
        keys = {s: {data.prompt_key(r.prompt) for r in rows[s]} for s in data.SPLITS}
        assert not keys["train"] & keys["validation"]
        assert not (keys["train"] | keys["validation"]) & keys["test"]
        assert sum(map(len, keys.values())) == sum(map(len, rows.values()))


def test_rule_files_of_another_target_are_refused(shared_data):
    config = real(shared_data, "1_Stephen_King")
    wrong = config.model_copy(update={"rule": shared_data / "rule" / "rwku" / "2_Confucius"})
    with pytest.raises(LetheError, match="is about 'Confucius', but the probes are about 'Stephen"):
        rwku.load(wrong)


def test_distances_and_filters_on_real_files(shared_data):
    plain, _ = rwku.load_with_noise(real(shared_data, "2_Confucius"))
    assert {row.distance for row in plain["test"] if row.scope == "forget"} == {0.0}
    assert {row.distance for row in plain["test"] if row.scope == "utility"} == {1.0}
    boundary = [row for row in plain["test"] if row.scope == "boundary"]
    assert all(row.tie == "co-mentioned" and row.distance <= 0.5 for row in boundary)
    chosen = real(shared_data, "2_Confucius").model_copy(update={"filters": True})
    clean, noise = rwku.load_with_noise(chosen)
    assert clean["test"] == plain["test"]
    assert noise["dropped_long_reference"] == 382 and noise["dropped_several_blanks"] == 13
    assert max(len(row.answer.split()) for row in clean["train"] if row.answer) == 12
