from customer_svc.database import COMMON_TABLES, Base
from guanxi_common.db.alembic_env import run_migrations

run_migrations("customer_svc", Base.metadata, COMMON_TABLES)
