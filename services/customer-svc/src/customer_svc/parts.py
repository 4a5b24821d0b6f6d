"""What customer-svc is built from: made in `main.py` and `worker.py`, read by routes from the call."""

from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from guanxi_common.erasure.records import ErasureList
from guanxi_common.http.call import Call
from guanxi_common.keys.store import KeyStore
from guanxi_common.security.blind_index import BlindIndex
from guanxi_common.standards.parts import StandardParts, StandardWorkerParts


@dataclass(frozen=True, slots=True)
class ContactIndexes:
    """The blind indexes by which sealed fields are searched."""

    identity: BlindIndex
    phone: BlindIndex
    email: BlindIndex


@dataclass(frozen=True, kw_only=True)
class CustomerParts(StandardParts):
    """`issuer` is the issuer under which staff are entered in the directory, `notice` how long before it counts a standard is approved."""

    keys: KeyStore
    erasures: ErasureList
    indexes: ContactIndexes
    issuer: str
    notice: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class CustomerWorkerParts(StandardWorkerParts):
    """What consumers and jobs of customer-svc are built from."""

    keys: KeyStore


def parts_of(call: Call) -> CustomerParts:
    return cast("CustomerParts", call.parts)
