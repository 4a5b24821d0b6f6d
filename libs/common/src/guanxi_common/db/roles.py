"""One role for each service on the embedded server: its processes reach its own database, the data keys and the log, and nothing else.

- `guanxi_<service>` owns the service's database and all in it.
- The data keys are customer-svc's, which alone makes and destroys them; the other services read.
- The log is `guanxi_bus`'s, a role without login; a service has there what `messaging.embedded.rights` gives it.
- `guanxi`, the operator's role, is a member of them all: migrations, backups and commands go on working with it.

On a server of the bank's own its administrators do the same; see docs/guides/operations.md.
"""

from collections.abc import Iterable
from typing import Final

from guanxi_common.db.embedded import OWNER, EmbeddedPostgres

KEY_MAKER: Final = "customer"
BUS_ROLE: Final = "guanxi_bus"

# A sequence of a column follows its table and may not be given away alone.
_GIVE = """
DO $$ DECLARE statement text; BEGIN
    FOR statement IN
        SELECT format('ALTER %s %s OWNER TO {owner}', kind, name) FROM (
            SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END,
                oid::regclass::text
            FROM pg_class WHERE relowner = '{former}'::regrole AND relkind IN ('r', 'p', 'v', 'm', 'S')
                AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid
                    AND deptype IN ('a', 'i') AND relkind = 'S')
            UNION ALL SELECT 'ROUTINE', oid::regprocedure::text FROM pg_proc WHERE proowner = '{former}'::regrole
            UNION ALL SELECT 'TYPE', oid::regtype::text FROM pg_type WHERE typowner = '{former}'::regrole AND typtype IN ('e', 'd')
            UNION ALL SELECT 'SCHEMA', quote_ident(nspname) FROM pg_namespace WHERE nspowner = '{former}'::regrole
        ) AS held (kind, name)
    LOOP EXECUTE statement; END LOOP;
END $$
"""


def role_of(service: str) -> str:
    """The role of the service's processes."""
    return f"guanxi_{service}"


def separate(server: EmbeddedPostgres, services: Iterable[str]) -> None:
    """Give each service its role and what belongs to it. May be done again, also over data of a time with one role for all. Blocks."""
    roles = [role_of(service) for service in services]
    for role in roles:
        server.create_role(role)
        server.query(f"GRANT {role} TO {OWNER}")
    server.create_role(BUS_ROLE, login=False)
    server.query(f"GRANT {BUS_ROLE} TO {OWNER}")
    for role in roles:
        _give(server, role, role)
        server.query(f"REVOKE {BUS_ROLE} FROM {role}")
        server.query(f"ALTER ROLE {role} IN DATABASE guanxi_bus RESET role")
    _give(server, "guanxi_bus", BUS_ROLE)
    maker = role_of(KEY_MAKER)
    readers = ", ".join(role for role in roles if role != maker)
    _give(server, "guanxi_keys", maker)
    server.query(f"GRANT CONNECT ON DATABASE guanxi_keys TO {readers}")
    server.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {readers}", database="guanxi_keys")
    server.query(
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {maker} IN SCHEMA public GRANT SELECT ON TABLES TO {readers}", database="guanxi_keys"
    )


def _give(server: EmbeddedPostgres, database: str, owner: str) -> None:
    """Make `owner` the owner of the database and of what the common role owned in it, and shut everybody else out."""
    server.query(f"ALTER DATABASE {database} OWNER TO {owner}")
    server.query(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    server.query(_GIVE.format(owner=owner, former=OWNER), database=database)
