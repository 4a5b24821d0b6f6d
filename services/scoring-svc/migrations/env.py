from guanxi_common.db.alembic_env import run_migrations
from scoring_svc.tables import COMMON_TABLES, Base

run_migrations("scoring_svc", Base.metadata, COMMON_TABLES)
