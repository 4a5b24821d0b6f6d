from guanxi_common.db.alembic_env import run_migrations
from scoring_svc.database import COMMON_TABLES, Base

run_migrations("scoring_svc", Base.metadata, COMMON_TABLES)
