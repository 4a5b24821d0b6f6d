"""What the slice offers to the processes."""

from typing import Final

from guanxi_common.slices import Slice

from customer_svc.contact_preferences.routes import contact_preferences
from customer_svc.parts import CustomerWorkerParts

CONTACT_PREFERENCES: Final = Slice[CustomerWorkerParts](routers=[contact_preferences])
