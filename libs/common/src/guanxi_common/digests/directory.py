"""The directory, whose tables are the same in every service."""

from typing import Final

from guanxi_common.digests.policy import Digested

DIRECTORY: Final = Digested(
    "directory",
    """
    SELECT 'outlet:' || id AS key, concat_ws('|', 'outlet', id, version) AS content FROM directory_outlet
    UNION ALL SELECT 'staff:' || id, concat_ws('|', 'staff', id, version) FROM directory_staff
    UNION ALL SELECT 'client:' || id, concat_ws('|', 'client', id, version) FROM directory_client
    UNION ALL SELECT 'role:' || role, concat_ws('|', 'role', role, version) FROM directory_role
    """,
)
