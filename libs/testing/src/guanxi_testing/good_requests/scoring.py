"""Good requests of scoring-svc."""

from uuid import uuid4

from guanxi_testing.good_requests.targets import OfOneService, Request, existing, id_of
from guanxi_testing.house import House


def scoring_requests(house: House) -> OfOneService:
    return {**_score_requests(house), **_run_requests(house), **_model_requests(house)}


def _score_requests(house: House) -> OfOneService:
    customer = id_of(house, "customer")
    return {
        "readActivity": lambda t: (f"/v1/activity/{customer(t)}", None),
        "readScore": lambda t: (f"/v1/scores/{customer(t)}", None),
        "readRelatedSales": lambda t: (f"/v1/related-sales/{customer(t)}", None),
        "listActions": lambda _: ("/v1/actions", None),
        "readCustomerActions": lambda t: (f"/v1/actions/{customer(t)}", None),
        "listCustomersWithoutAction": lambda _: ("/v1/customers-without-action", None),
        "readUplift": lambda _: ("/v1/uplift", None),
        "listSignals": lambda t: (f"/v1/signals?customer_id={customer(t)}", None),
    }


def _run_requests(house: House) -> OfOneService:
    def queued_run() -> str:
        return str(house.call("scoring", "head_office", "POST", "/v1/score-runs", json={}).json()["id"])

    return {
        "startScoreRun": lambda _: ("/v1/score-runs", {}),
        "readScoreRun": lambda t: (f"/v1/score-runs/{existing(house, 'run', t)}", None),
        "cancelScoreRun": lambda t: (f"/v1/score-runs/{queued_run() if t == 'existing' else uuid4()}:cancel", {}),
        "readRfmMigrations": lambda _: ("/v1/rfm-migrations?from=2026-06-30&to=2026-10-31", None),
        "readConcentration": lambda _: ("/v1/concentration?by=outlet", None),
        "drawConcentration": lambda _: ("/v1/concentration/curve.svg", None),
        "listLifetimeModels": lambda _: ("/v1/lifetime-models", None),
    }


def _model_requests(house: House) -> OfOneService:
    def model(target: str, state: str = "back_tested") -> str:
        return f"/v1/models/{_model(house, state) if target == 'existing' else uuid4()}"

    def training(_: str) -> Request:
        house.fetch("scoring", "UPDATE feed_position SET booked_on = greatest(booked_on, '2026-11-01')")
        return "/v1/model-trainings", {"train_cuts": ["2026-03-31"]}

    why = {"reason": "按流程。"}
    return {
        "startModelTraining": training,
        "readModelTraining": lambda t: (f"/v1/model-trainings/{_training(house) if t == 'existing' else uuid4()}", None),
        "listModels": lambda _: ("/v1/models", None),
        "readModel": lambda t: (model(t), None),
        "readModelCard": lambda t: (f"{model(t)}/card", None),
        "readModelDrift": lambda t: (f"{model(t)}/drift", None),
        "approveModel": lambda t: (f"{model(t)}:approve", why),
        "activateModel": lambda t: (f"{model(t, 'approved')}:activate", {**why, "replaces": None}),
        "rollbackModel": lambda t: (f"{model(t, 'active')}:rollback", why),
    }


def _model(house: House, state: str) -> str:
    """A version of a name of its own, trained by somebody who is not here."""
    model_id = uuid4()
    house.fetch(
        "scoring",
        "INSERT INTO model_version (id, name, number, kind, state, trained_by, trained_at, training, back_test, distributions,"
        " card, artefact_text, artefact_members, digest)"
        " VALUES ($1, $2, 1, 'logistic', $3, 'staff:gone', now(), '{}', '{}', '{}', '# card', '{}', '', '0')",
        model_id,
        f"related_sale:{model_id.hex}",
        state,
    )
    return str(model_id)


def _training(house: House) -> str:
    training_id = uuid4()
    house.fetch(
        "scoring",
        "INSERT INTO model_training (id, name, request, state, requested_by, requested_at)"
        " VALUES ($1, 'retention', '{}', 'queued', 'staff:gone', now())",
        training_id,
    )
    return str(training_id)
