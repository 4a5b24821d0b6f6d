"""The key pair with which tests stand in for customer-svc on signed topics."""

from typing import Final

from guanxi_common.messaging.signing import EventSigner, EventVerifier

SIGNER: Final = EventSigner("customer-svc/test", bytes(range(32)))
VERIFIER: Final = EventVerifier({SIGNER.key_id: SIGNER.public_key})
