"""Read what is known of customers, and assess the catalogue for one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from guanxi_common.db.uow import UnitOfWork
from guanxi_common.errors import NotFound
from guanxi_common.security.directory.scope import customer_is_visible
from guanxi_common.security.principal import RowScope

from scoring_svc.features.policy import FeatureStandard
from scoring_svc.method import Method
from scoring_svc.products import repository as products
from scoring_svc.products.policy import Product
from scoring_svc.related_sales import policy
from scoring_svc.related_sales.policy import Assessment, PropensityModel, RelatedSaleStandard
from scoring_svc.related_sales.propensity import PropensityStandard
from scoring_svc.related_sales.repository import read_propensity_models
from scoring_svc.situations.service import read_situations


async def read_models(uow: UnitOfWork, method: Method, catalogue: Sequence[Product]) -> Mapping[str, PropensityModel]:
    """What takes over from the standard's weights now, by product code."""
    return await read_propensity_models(
        uow, {product.code for product in catalogue}, method[PropensityStandard], method[FeatureStandard]
    )


async def related_sales(uow: UnitOfWork, scope: RowScope, method: Method, customer_id: UUID, now: datetime) -> list[Assessment]:
    """The catalogue assessed for one customer; raises `NotFound` for one out of scope."""
    if not await customer_is_visible(uow, scope, customer_id, now):
        raise NotFound
    catalogue = await products.read_catalogue(uow)
    models = await read_models(uow, method, catalogue)
    situations = await read_situations(uow, method, [customer_id], method.calendar.local_date(now), observe=bool(models))
    return policy.assess(situations[customer_id], catalogue, method[RelatedSaleStandard], models)
