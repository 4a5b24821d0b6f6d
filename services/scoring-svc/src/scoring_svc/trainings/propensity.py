"""Do the training of a related sale's propensity: who could take the product up at each cut, and who did (S4)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np
from guanxi_common.db.uow import UnitOfWork

from scoring_svc.background import off_the_loop
from scoring_svc.features.policy import Example, FeatureStandard
from scoring_svc.ledger.policy import ActivityClasses
from scoring_svc.method import Method
from scoring_svc.products.policy import Product
from scoring_svc.products.repository import read_catalogue
from scoring_svc.register.policy import RELATED_SALE
from scoring_svc.related_sales.card import card_of
from scoring_svc.related_sales.propensity import PropensityStandard
from scoring_svc.training.estimators import KindUnavailable
from scoring_svc.training.fitting import Fitted, fit
from scoring_svc.training.metrics import auc_estimate, average_precision_estimate
from scoring_svc.training.table import InvalidFile
from scoring_svc.trainings.cases import Case, Known, case_at, read_known
from scoring_svc.trainings.errors import TrainingRefused
from scoring_svc.trainings.repository import Training
from scoring_svc.trainings.retention import Plan, Trained, keep, plan_of, read_sample


async def do_training(uow: UnitOfWork, method: Method, training: Training, now: datetime) -> Mapping[str, Any]:
    """Do a training in its operation's step; returns its result. Raises `TrainingRefused`."""
    plan = plan_of(training.request, method[FeatureStandard].labels)
    catalogue = await read_catalogue(uow)
    code = training.name.removeprefix(RELATED_SALE)
    product = next((product for product in catalogue if product.code == code), None)
    try:
        if product is None:
            raise InvalidFile("the product is no longer in the catalogue")
        cases = await _read_cases(uow, method, plan, product, catalogue)
        earlier = [case.example for case in cases if case.example.cut in plan.train_cuts]
        later = [case for case in cases if case.example.cut == plan.test_cut]
        left_out = method[PropensityStandard].left_out
        fitted = await off_the_loop(uow, lambda: fit(plan.kind, earlier, [case.example for case in later], left_out))
        rule = await off_the_loop(uow, partial(_judge_rule, later)) if fitted.judgement else None
    except (InvalidFile, KindUnavailable) as error:
        raise TrainingRefused(error) from error
    described = _describe(method, plan, product, earlier, fitted, rule)
    card = partial(card_of, training=described, fitted=fitted, standard=method[PropensityStandard], words=method[FeatureStandard])
    return await keep(uow, training, Trained(plan, described, fitted, card), now)


async def _read_cases(uow: UnitOfWork, method: Method, plan: Plan, product: Product, catalogue: Sequence[Product]) -> list[Case]:
    """In the order of cuts and customers."""

    async def read(customer_ids: Sequence[UUID]) -> list[Case]:
        known = await read_known(uow, customer_ids, until=plan.until)
        return await off_the_loop(uow, partial(_cases, method, plan, product, catalogue, known))

    return sorted(await read_sample(uow, max(plan.cuts), read), key=lambda case: case.example.cut)


def _cases(method: Method, plan: Plan, product: Product, catalogue: Sequence[Product], known: Sequence[Known]) -> list[Case]:
    found = (case_at(method, product, catalogue, one, cut, plan.rules.horizon_days) for one in known for cut in plan.cuts)
    return [case for case in found if case is not None]


def _judge_rule(later: Sequence[Case]) -> Mapping[str, Any] | None:
    """The rule on the rows of the back-test; None where that was held on random folds."""
    if not later:
        return None
    outcome = np.array([case.example.outcome for case in later], dtype=bool)
    score = np.array([case.rule_bp for case in later], dtype=np.float64)
    return {"auc": asdict(auc_estimate(outcome, score)), "average_precision": asdict(average_precision_estimate(outcome, score))}


def _describe(
    method: Method,
    plan: Plan,
    product: Product,
    examples: Sequence[Example],
    fitted: Fitted,
    rule: Mapping[str, Any] | None,
) -> dict[str, Any]:
    return {
        "product_code": product.code,
        "account_codes": sorted(product.account_codes),
        "label": plan.label,
        "horizon_days": plan.rules.horizon_days,
        "train_cuts": [cut.isoformat() for cut in plan.train_cuts],
        "test_cut": plan.test_cut.isoformat() if plan.test_cut else None,
        "rows": fitted.model.rows,
        "positives": fitted.model.positives,
        "currencies": sorted({one.currency for one in examples}),
        "min_history_days": method[PropensityStandard].min_history_days,
        "features": list(fitted.model.encoder.names),
        "left_out": list(method[PropensityStandard].left_out),
        "rule": rule,
        "propensity_version": method[PropensityStandard].version,
        "features_version": method[FeatureStandard].version,
        "classes_version": method[ActivityClasses].version,
        "refusal_of_back_test": fitted.no_judgement,
    }
