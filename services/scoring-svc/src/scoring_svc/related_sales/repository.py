"""The versions of the propensity models at work."""

from collections.abc import Collection

from guanxi_common.db.uow import UnitOfWork

from scoring_svc.features.policy import FeatureStandard
from scoring_svc.register import repository
from scoring_svc.register.artefacts import facts_of, load
from scoring_svc.register.policy import RELATED_SALE, State
from scoring_svc.register.repository import ModelVersion
from scoring_svc.related_sales.propensity import PropensityStandard
from scoring_svc.related_sales.trained import ProductModels, TrainedPropensity


async def read_propensity_models(
    uow: UnitOfWork, product_codes: Collection[str], standard: PropensityStandard, words: FeatureStandard
) -> dict[str, ProductModels]:
    """What gives the propensities of these products now; one that is not there has its rule."""
    by_name: dict[str, dict[State, TrainedPropensity]] = {}
    names = {f"{RELATED_SALE}{code}" for code in product_codes}
    for version in [one for one in await repository.list_in_use(uow, RELATED_SALE) if one.name in names]:
        by_name.setdefault(version.name, {})[version.state] = await load_propensity(uow, version)
    return {
        name.removeprefix(RELATED_SALE): ProductModels(found.get(State.ACTIVE), found.get(State.CHALLENGER), standard, words)
        for name, found in by_name.items()
    }


async def load_propensity(uow: UnitOfWork, version: ModelVersion) -> TrainedPropensity:
    """The version, ready to score."""
    return await load(uow, version, lambda model: TrainedPropensity(*facts_of(version, model), version.name))
