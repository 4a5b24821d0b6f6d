from engagement_svc.database import COMMON_TABLES, Base
from guanxi_common.db.alembic_env import run_migrations

run_migrations("engagement_svc", Base.metadata, COMMON_TABLES)
