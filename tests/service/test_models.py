"""Models in a running node: asked when decisions need them, within the caller's budget, and never in the way."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edgewise import book
from edgewise._core import Counters, FeatureSpec, Sessions
from edgewise.bundle import Bundle
from edgewise.bundle.slot import SlotWriter, SwitchedOff
from edgewise.edge.activation import Activation
from edgewise.edge.retry import RETRY_S
from edgewise.engine.decider import Decider
from edgewise.intent import Ledger, ModelError, declared_in, load, probe
from visits import read_clicks

BOOKS = Path(__file__).parent / "books"
PROGRAM = Path(sys.executable).with_name("edgewise")
WORKERS = """
import sys
from edgewise.edge.listener import listen, url_of
from edgewise.edge.settings import Settings
from edgewise.edge.supervisor import Supervisor
settings = Settings(node="n-1", data_dir=sys.argv[1], workers=int(sys.argv[2]), allow_at=False)
with listen("127.0.0.1", 0, anywhere=False) as listener:
    print(url_of(listener), flush=True)
    Supervisor(settings, [listener], on_ready=lambda: None, renew=lambda: settings).run()
"""
CONSENT = {"purposes": {"personalize_content": True}}
MODEL = "journey_intent"


@pytest.fixture(scope="module")
def bundle():
    return book.build(BOOKS / "risk")


@pytest.fixture(scope="module")
def visits(shared):
    """The first long visits of the data that the model was trained on a part of."""
    found = []
    for visit in read_clicks(shared / "data" / "eshop_clicks.csv"):
        if len(visit.events) >= 5:
            found.append(visit)
        if len(found) == 12:
            return found
    raise AssertionError("the data has fewer visits than that")


@pytest.fixture(scope="module")
def predict(bundle):
    """What the model says after each event of a visit, by hand: the same spec and weights, no service."""
    [declared] = declared_in(bundle.data).values()
    model = load(bundle.models[declared.digest], declared.digest, declared.spec_digest, declared.slots)
    place = declared.outputs.index("exit_now")

    def of(visit):
        events = [{"event": event.name, "properties": event.properties} for event in visit.events]
        inputs = [{"country": visit.country} if visit.country else {}]
        ids, vals, _, _ = FeatureSpec(declared.spec).extract_events([events], every_prefix=True, inputs=inputs)
        return [round(float(p), 5) for p in model.run_batch(ids, vals)[:, place]]

    return of


class Folder:
    """A data folder with the means to write its slot, as who fills it would."""

    def __init__(self, path):
        self.path = path
        self.writer = SlotWriter.open(path)
        Sessions.prepare(path / "sessions")

    def command(self, workers):
        return [sys.executable, "-c", WORKERS, self.path, workers]

    def file_of(self, digest):
        return self.path / "slot" / "models" / f"{digest.removeprefix('sha256:')}.onnx"


@pytest.fixture(scope="module")
def node(running_node, tmp_path_factory, bundle):
    """A node of two workers that tests share: each uses sessions of its own and looks at differences of counts."""
    folder = Folder(tmp_path_factory.mktemp("models") / "data")
    folder.writer.write(bundle, "book")
    node = running_node(folder.path, command=folder.command(2))
    node.wait_until(ready)
    yield node
    node.end()
    folder.writer.close()


@pytest.fixture
def folder(tmp_path, node):
    """A data folder that knows already what the probe found of the good model."""
    shutil.copytree(node.data_dir / "probes", tmp_path / "data" / "probes")
    folder = Folder(tmp_path / "data")
    yield folder
    folder.writer.close()


@pytest.fixture
def own_node(start_node, folder, bundle):
    """A node of one worker, to be harmed."""
    folder.writer.write(bundle, "book")
    node = start_node(command=folder.command(1))
    node.wait_until(ready)
    return node


def ready(node):
    return node.client.get("/readyz").status_code == 200


def body(session, events=(), country=None, **request):
    return {
        "requestId": f"r-{session}-{len(events)}",
        "decisionPoints": ["home.banner"],
        "identity": {"sessionId": session},
        "signals": {"page.kind": "home"},
        "events": list(events),
        "consent": CONSENT,
        "context": {"country": country} if country else {},
        "options": {"explain": "full"},
    } | request


def ask(node, session, events=(), budget=None, client=None, **request):
    headers = {} if budget is None else {"x-edgewise-budget-ms": str(budget)}
    answer = (client or node.client).post("/v1/decide", json=body(session, events, **request), headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["decisions"]["home.banner"]


def sent(visit):
    """The events of a visit as they would come in now."""
    return [{"id": event.id, "event": event.name, "properties": event.properties} for event in visit.events]


def part_of_model(decision):
    """What the trace says of the model, wherever it was asked for."""
    [candidate] = decision["explanation"]["trace"]
    [part, *others] = [model for condition in candidate["conditions"] for model in condition.get("models", [])]
    assert all(other == part for other in others)
    return part


def band(risk):
    return "high" if risk >= 0.2 else "middle" if risk >= 0.1 else "low"


def counted(node):
    return node.status()["models"][MODEL]["counts"]


def pids(node):
    return [worker["pid"] for worker in node.status()["workers"]]


class TestDecisions:
    def test_follow_the_model_event_by_event_over_real_visits(self, node, visits, predict, bundle):
        before = counted(node)
        asked, bands = 0, set()
        for visit in visits:
            for event, risk in zip(sent(visit), predict(visit), strict=True):
                decision = ask(node, visit.id, [event], country=visit.country)
                part = part_of_model(decision)
                assert part == {
                    "signal": "visit.exit_risk",
                    "model": MODEL,
                    "digest": next(iter(bundle.models)),
                    "output": "exit_now",
                    "value": pytest.approx(risk, abs=2e-5),
                    "reason": None,
                }
                assert decision["pathway"] == band(part["value"])
                assert (decision["segment"] == "leaving") == (decision["pathway"] == "high")
                asked, bands = asked + 1, bands | {decision["pathway"]}
        assert len(bands) > 1
        after = counted(node)
        assert (after["runs"] - before["runs"], after["rows"] - before["rows"]) == (asked, asked)
        assert after["failures"] == 0

    def test_are_recorded_with_all_that_the_model_gave(self, node, visits):
        decision = ask(node, "recorded", sent(visits[0]))
        record = decision["explanation"]["record"]["models"][MODEL]
        assert record["outputs"]["exit_now"] == part_of_model(decision)["value"]
        assert sorted(record["outputs"]) == ["engaged", "exit_now", "sale_seeker"]

    def test_explain_themselves_to_visitors_by_the_signals_label(self, node, visits):
        short = ask(node, "short", sent(visits[0]), options={"explain": "short"})["explanation"]
        assert short["signals"] == ["where your visit is going"]

    def test_that_no_model_can_change_ask_none(self, node):
        before = counted(node)
        decision = ask(node, "elsewhere", signals={"page.kind": "list"})
        assert decision["reason"] == "FALLBACK"
        assert counted(node) == before

    def test_with_a_refused_purpose_ask_none(self, node, visits):
        before = counted(node)
        decision = ask(node, "refused", sent(visits[0]), consent={"purposes": {"personalize_content": False}})
        assert (decision["pathway"], decision["limitedBy"]) == ("unknown", ["personalize_content"])
        assert part_of_model(decision)["reason"] == "not_asked"
        assert counted(node) == before

    def test_without_a_session_go_on_without_it(self, node, visits):
        decision = ask(node, "none", sent(visits[0]), identity={"userId": "u-1"})
        assert (decision["pathway"], part_of_model(decision)["reason"]) == ("unknown", "no_state")

    def test_say_how_long_the_model_took(self, node, visits):
        with_model = node.client.post("/v1/decide", json=body("timed", sent(visits[0])))
        without = node.client.post("/v1/decide", json=body("timed", signals={"page.kind": "list"}))
        assert "models;dur=" in with_model.headers["server-timing"]
        assert "models" not in without.headers["server-timing"]


class TestBudget:
    @pytest.mark.parametrize("budget", [0, 0.5, -20, "0, 500"])
    def test_with_too_little_left_the_decision_goes_on_without_the_model(self, node, visits, budget):
        before = counted(node)
        decision = ask(node, f"poor-{budget}", sent(visits[0]), budget)
        assert (decision["pathway"], decision["action"]) == ("unknown", "render")
        assert part_of_model(decision)["reason"] == "budget"
        assert decision["explanation"]["record"]["models"][MODEL]["reason"] == "budget"
        after = counted(node)
        assert (after["runs"], after["skipped"]["budget"]) == (before["runs"], before["skipped"]["budget"] + 1)

    @pytest.mark.parametrize("budget", [5000, "2500.5", "7000, 5000"])
    def test_with_enough_left_it_is_asked(self, node, visits, budget):
        assert part_of_model(ask(node, f"rich-{budget}", sent(visits[0]), budget))["value"] is not None

    @pytest.mark.parametrize("budget", ["", "soon", "1e3", "NaN", "50ms", "5,", "9" * 30])
    @pytest.mark.parametrize("path", ["/v1/decide", "/v1/decide/batch"])
    def test_what_is_no_number_is_a_problem_naming_the_header(self, node, budget, path):
        answer = node.client.post(path, json=body("odd"), headers={"x-edgewise-budget-ms": budget})
        assert (answer.status_code, answer.json()["field"]) == (400, "x-edgewise-budget-ms")

    def test_it_counts_from_the_requests_arrival(self, node, visits):
        content = json.dumps(body("slow", sent(visits[0]))).encode()
        url = node.client.base_url
        with socket.create_connection((url.host, url.port), timeout=10) as connection:
            head = f"POST /v1/decide HTTP/1.1\r\nhost: n\r\nx-edgewise-budget-ms: 200\r\ncontent-length: {len(content)}"
            connection.sendall(f"{head}\r\nconnection: close\r\n\r\n".encode() + content[:10])
            time.sleep(0.4)
            connection.sendall(content[10:])
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200")
        decision = json.loads(answer.partition(b"\r\n\r\n")[2])["decisions"]["home.banner"]
        assert part_of_model(decision)["reason"] == "budget"


class TestBatch:
    def decide(self, node, requests, **headers):
        answer = node.client.post("/v1/decide/batch", json={"requests": requests}, headers=headers)
        assert answer.status_code == 200, answer.text
        return [response["decisions"]["home.banner"] for response in answer.json()["responses"]]

    def test_asks_the_model_once_about_all_of_it(self, node, visits, predict):
        before = counted(node)
        requests = [body(f"batch-{visit.id}", sent(visit), country=visit.country) for visit in visits]
        found = [part_of_model(decision)["value"] for decision in self.decide(node, requests)]
        assert found == [pytest.approx(predict(visit)[-1], abs=2e-5) for visit in visits]
        after = counted(node)
        assert (after["runs"] - before["runs"], after["rows"] - before["rows"]) == (1, len(visits))

    def test_decides_requests_of_one_session_one_after_another(self, node, visits, predict):
        visit = visits[0]
        requests = [body("batch-in-order", [event], country=visit.country) for event in sent(visit)]
        found = [part_of_model(decision)["value"] for decision in self.decide(node, requests)]
        assert found == [pytest.approx(risk, abs=2e-5) for risk in predict(visit)]

    def test_a_large_one_beside_the_loop_does_the_same(self, node, visits, predict):
        requests = [
            body(f"large-{number}-{visit.id}", sent(visit), country=visit.country)
            for number in range(20)
            for visit in visits
        ]
        before = counted(node)
        found = [part_of_model(decision)["value"] for decision in self.decide(node, requests)]
        assert found == [pytest.approx(predict(visit)[-1], abs=2e-5) for visit in visits] * 20
        assert counted(node)["runs"] == before["runs"] + 1

    def test_goes_on_without_the_model_when_the_budget_is_spent(self, node, visits):
        requests = [body(f"batch-poor-{number}", sent(visits[0])) for number in range(3)]
        before = counted(node)
        decisions = self.decide(node, requests, **{"x-edgewise-budget-ms": "0"})
        assert {decision["pathway"] for decision in decisions} == {"unknown"}
        assert counted(node)["skipped"]["budget"] == before["skipped"]["budget"] + 3


class TestStatus:
    def test_shows_each_model_with_its_age_and_counts(self, node, visits, bundle):
        for client in node.clients_of_each_worker():
            ask(node, "seen", sent(visits[0]), client=client)
        status = node.status()
        model = status["models"][MODEL]
        assert (model["state"], model["digest"]) == ("ready", next(iter(bundle.models)))
        assert model["ageSeconds"] >= 0
        assert status["degraded"] == []
        workers = [worker["models"][MODEL] for worker in status["workers"]]
        assert all(worker["counts"]["runs"] > 0 for worker in workers)
        assert sum(worker["counts"]["runs"] for worker in workers) == model["counts"]["runs"]

    def test_metrics_are_those_of_all_workers(self, node, visits):
        ask(node, "metrics", sent(visits[0]), 0)
        counts, metrics = counted(node), node.metrics()
        label = f'{{model="{MODEL}"}}'
        assert metrics[f"edgewise_model_runs_total{label}"] == counts["runs"]
        assert metrics[f"edgewise_model_rows_total{label}"] == counts["rows"]
        assert metrics[f"edgewise_model_failures_total{label}"] == metrics[f"edgewise_model_openings_total{label}"] == 0
        skipped = metrics[f'edgewise_model_skipped_total{{model="{MODEL}",reason="budget"}}']
        assert skipped == counts["skipped"]["budget"] >= 1
        assert metrics[f"edgewise_model_run_seconds_count{label}"] == counts["runs"]
        assert metrics[f"edgewise_model_run_seconds_sum{label}"] == pytest.approx(counts["seconds"])
        assert metrics[f"edgewise_model_ready{label}"] == 1
        assert metrics[f"edgewise_model_age_seconds{label}"] >= 0
        assert metrics['edgewise_degraded{part="models"}'] == 0


class TestTrouble:
    def killed(self, node):
        [pid] = pids(node)
        os.kill(pid, signal.SIGKILL)
        node.wait_until(lambda node: pids(node) not in ([pid], []) and ready(node))

    def harm(self, file, how):
        if how == "deleted":
            file.unlink()
        else:
            data = bytearray(file.read_bytes())
            data[len(data) // 2] ^= 1
            file.write_bytes(data)

    @pytest.mark.parametrize("how", ["deleted", "damaged"])
    def test_a_worker_that_finds_no_sound_model_decides_without_it_until_there_is_one(
        self, own_node, folder, bundle, visits, how
    ):
        assert ask(own_node, "s", sent(visits[0]))["pathway"] != "unknown"
        runs = counted(own_node)["runs"]
        file = folder.file_of(next(iter(bundle.models)))
        self.harm(file, how)
        self.killed(own_node)
        decision = ask(own_node, "t", sent(visits[0]))
        assert (decision["pathway"], part_of_model(decision)["reason"]) == ("unknown", "absent")
        status = own_node.status()
        model = status["models"][MODEL]
        assert (status["degraded"], model["state"]) == (["models"], "refused")
        assert (model["stage"], model["code"]) == {
            "deleted": ("read", "unreadable"),
            "damaged": ("digest", "mismatch"),
        }[how]
        assert own_node.metrics()['edgewise_degraded{part="models"}'] == 1
        assert model["counts"]["runs"] == runs, "what a worker counted outlives it"
        assert model["counts"]["skipped"]["absent"] == 1
        file.write_bytes(bundle.models[next(iter(bundle.models))])
        own_node.wait_until(lambda node: node.status()["degraded"] == [])
        assert ask(own_node, "u", sent(visits[0]))["pathway"] != "unknown"

    @pytest.fixture
    def lost(self, tmp_path, folder, bundle):
        """A worker's bundle without its model, and where the model should lie."""
        [digest] = bundle.models
        folder.writer.write(bundle, "book")
        file = folder.file_of(digest)
        file.unlink()
        decider = Decider("n-1", Counters(tmp_path / "counters"), None, allow_at=False)
        activation = Activation(folder.path, decider, Ledger())
        activation.take_up()
        assert decider.models.states()[MODEL].code == "unreadable"
        return activation, decider, file

    def test_a_model_that_is_lost_is_looked_for_again_one_that_is_no_good_is_not(self, tmp_path, folder, bundle, lost):
        bad = b"no model"
        digest = f"sha256:{hashlib.sha256(bad).hexdigest()}"
        document = bundle.document()
        document["models"][MODEL]["digest"] = digest
        other = Folder(tmp_path / "other")
        other.writer.write(type(bundle).of_document(document).with_models({digest: bad}), "book")
        decider = Decider("n-1", Counters(tmp_path / "other-counters"), None, allow_at=False)
        refusing = Activation(other.path, decider, Ledger())
        refusing.take_up()
        assert (decider.models.states()[MODEL].state, decider.active is not None) == ("refused", True)
        time.sleep(RETRY_S)
        assert [activation.has_news() for activation in (lost[0], refusing)] == [True, False]
        other.writer.close()

    def test_it_says_why_there_is_no_sound_model_now_not_why_there_was_none_at_first(self, lost):
        activation, decider, file = lost
        file.write_bytes(b"no model")
        activation.take_up()
        assert decider.models.states()[MODEL].code == "mismatch"
        assert decider.models.is_degraded

    def test_a_scenario_can_be_switched_off_while_the_model_is_missing(self, folder, lost):
        activation, decider, _ = lost
        good = activation.slot.good()
        [scenario] = json.loads(activation.slot.bundle(activation.served.digest).data)["scenarios"]
        off = SwitchedOff(scenario=scenario["id"])
        folder.writer.put(msgspec.structs.replace(activation.served, disabled=(off,)), [])
        activation.take_up()
        answer = decider.active.decide(json.dumps(body("s")).encode(), now_ns=time.time_ns(), debug=True)
        assert json.loads(answer)["decisions"]["home.banner"]["reason"] == "FALLBACK"
        assert (activation.error, decider.models.is_degraded) == (None, True)
        assert activation.slot.good() == good, "only what is whole is noted as good"

    def test_a_bundle_with_the_same_model_keeps_its_session(self, own_node, folder, bundle, visits):
        before = ask(own_node, "s", sent(visits[0]))
        folder.writer.write(changed(bundle, {}), "book")
        folder.file_of(next(iter(bundle.models))).unlink(missing_ok=True)
        own_node.wait_until(lambda node: node.client.get("/readyz").json()["generation"] == 2)
        after = ask(own_node, "t", sent(visits[0]))
        assert part_of_model(after) == part_of_model(before)
        assert own_node.status()["degraded"] == []

    def test_a_bundle_whose_model_is_refused_is_refused_and_the_last_good_goes_on(
        self, own_node, folder, bundle, visits
    ):
        data = b"no model"
        folder.writer.write(changed(bundle, {sha256(data): data}), "book")
        own_node.wait_until(lambda node: node.status()["workers"][0].get("error"))
        status = own_node.status()
        assert status["degraded"] == ["bundle"]
        assert f"model `{MODEL}`: " in status["workers"][0]["error"]
        assert (status["generation"], status["models"][MODEL]["state"]) == (1, "ready")
        assert ask(own_node, "s", sent(visits[0]))["pathway"] != "unknown"
        self.killed(own_node)
        assert own_node.status()["generation"] == 1, "a worker that starts then serves the last good too"
        assert ask(own_node, "t", sent(visits[0]))["pathway"] != "unknown"
        folder.writer.write(bundle, "book")
        own_node.wait_until(lambda node: node.status()["generation"] == 3)
        assert own_node.status()["degraded"] == []

    def test_without_any_sound_bundle_it_decides_without_the_model(self, start_node, folder, bundle, visits):
        data = b"no model"
        folder.writer.write(changed(bundle, {sha256(data): data}), "book")
        node = start_node(command=folder.command(1))
        node.wait_until(ready)
        assert node.status()["degraded"] == ["models"]
        assert ask(node, "s", sent(visits[0]))["pathway"] == "unknown"


@pytest.fixture(scope="module")
def fragile(bundle):
    """The model with a weak spot that no probe finds: where it saw one product, what it gives is no number."""
    onnx = pytest.importorskip("onnx")
    [declared] = declared_in(bundle.data).values()
    for product in (f"boom-{number}" for number in range(20)):
        data = broken_at(onnx, bundle.models[declared.digest], FeatureSpec(declared.spec), product)
        with contextlib.suppress(ModelError):
            probe(data, sha256(data), declared.spec_digest, declared.slots)
            return product, data
    raise AssertionError("the probe finds every weak spot")


def broken_at(onnx, data, spec, product):
    """Give one token a weight that overflows in a product that is otherwise zero, and added to the scores."""
    events = [[{"event": "Product Viewed", "properties": {"product_id": name}}] for name in ("other", product)]
    other, ours = (set(ids.tolist()) for ids in spec.extract_events(events)[0])
    model = onnx.load_from_string(data)
    graph, array, node = model.graph, onnx.numpy_helper, onnx.helper.make_node
    [table] = [tensor for tensor in graph.initializer if list(tensor.dims)[:1] == [spec.width]]
    weights = array.to_array(table).copy()
    weights[min(ours - other)] = 1e12
    table.CopyFrom(array.from_array(weights, table.name))
    last = graph.node[-1]
    graph.initializer.extend(
        array.from_array(np.array(value, np.float32), name) for name, value in (("huge", 1e29), ("nought", 0.0))
    )
    scores, last.input[0] = last.input[0], "spoiled"
    sigmoid = graph.node.pop()
    graph.node.extend(
        [
            node("Mul", [scores, "huge"], ["grown"]),
            node("Mul", ["grown", "nought"], ["nothing"]),
            node("Add", [scores, "nothing"], ["spoiled"]),
            sigmoid,
        ]
    )
    return model.SerializeToString(deterministic=True)


class TestBreaker:
    def test_a_model_that_keeps_failing_is_left_alone_and_decisions_go_on(
        self, start_node, folder, bundle, fragile, visits
    ):
        product, data = fragile
        folder.writer.write(changed(bundle, {sha256(data): data}), "book")
        node = start_node(command=folder.command(1))
        node.wait_until(ready)
        assert part_of_model(ask(node, "well", sent(visits[0])))["value"] is not None
        bad = [{"id": "e-1", "event": "Product Viewed", "properties": {"product_id": product}}]
        reasons = [part_of_model(ask(node, f"bad-{number}", bad))["reason"] for number in range(7)]
        assert reasons == ["failed"] * 5 + ["resting"] * 2
        assert part_of_model(ask(node, "well again", sent(visits[0])))["reason"] == "resting"
        node.wait_until(lambda node: node.status()["degraded"] == ["models"])
        model = node.status()["models"][MODEL]
        assert (model["state"], model["stage"], model["code"]) == ("resting", "run", "output")
        counts = model["counts"]
        assert (counts["runs"], counts["failures"], counts["openings"]) == (6, 5, 1)
        assert (counts["skipped"]["failed"], counts["skipped"]["resting"]) == (5, 3)
        assert node.client.get("/readyz").status_code == 200


class TestBook:
    def test_the_command_and_a_node_give_the_same_bytes(self, start_node, visits):
        node = start_node(book=BOOKS / "risk", workers=2)
        assert len(list((node.data_dir / "probes").glob("*.json"))) == 1, "tried once, whoever starts first"
        visit = visits[0]
        events = [event.body() for event in visit.events]
        options = {"at": events[-1]["timestamp"], "explain": "full"}
        request = json.dumps(body(visit.id, events, country=visit.country, options=options)).encode()
        ours = node.client.post("/v1/decide", content=request)
        assert ours.status_code == 200, ours.text
        command = [PROGRAM, "decide", "--book", BOOKS / "risk", "-"]
        theirs = subprocess.run(command, input=request, capture_output=True, check=True)
        assert part_of_model(ours.json()["decisions"]["home.banner"])["value"] is not None
        assert decisions_in(ours.content) == decisions_in(theirs.stdout)


def decisions_in(answer):
    """The bytes of the decisions in an answer."""
    start, end = answer.index(b'"decisions":'), answer.index(b',"warnings":')
    return answer[start:end]


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def changed(bundle, models):
    """The bundle a little different; with other models if any are given, all under the one name."""
    document = bundle.document() | {"timezone": "Europe/Paris"}
    for digest in models:
        document["models"] = {MODEL: document["models"][MODEL] | {"digest": digest}}
    return Bundle.of_document(document).with_models(models)
