"""How a client speaks to the brokers: in plain, over TLS, with a certificate or a password of its own."""

import asyncio
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import aiokafka.conn
from aiokafka.errors import KafkaConnectionError, KafkaError

_ALERT_SECONDS = 3.0

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]


@dataclass(frozen=True, slots=True)
class KafkaSecurity:
    """Kafka's `security.protocol`, and what it needs.

    Over TLS the broker's certificate must be valid for the name that was dialled and come from `ca_file` (PEM), or without one from an
    authority that the system trusts. `certificate` and `private_key` (PEM) are the client's own.
    """

    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None

    @property
    def encrypts(self) -> bool:
        return self.protocol in ("SSL", "SASL_SSL")

    def client_options(self) -> dict[str, Any]:
        """aiokafka's keywords. Reads the files anew, so that a renewed certificate is taken up. Raises OSError (`ssl.SSLError` is one)."""
        options: dict[str, Any] = {"security_protocol": self.protocol}
        if self.encrypts:
            options["ssl_context"] = self._context()
        if self.mechanism is not None:
            options["sasl_mechanism"] = self.mechanism
            options["sasl_plain_username"], options["sasl_plain_password"] = self.username, self.password
        return options

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.private_key)
        return context


async def refusal_of(bootstrap_servers: str, security: KafkaSecurity, seconds: float) -> str:
    """Why no broker can be spoken to: aiokafka says that it could not be done, and logs the reason at most once a minute."""
    reasons = []
    for server in bootstrap_servers.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            connection = await aiokafka.conn.create_conn(
                host, int(port), request_timeout_ms=int(seconds * 1000), **security.client_options()
            )
        except KafkaConnectionError:
            reasons.append(f"{server}: {await _last_word(host, int(port), security)}")
        except (KafkaError, OSError, TimeoutError, ValueError) as error:
            reasons.append(f"{server}: {type(error).__name__}: {error}")
        else:
            connection.close()
            return "a broker answers now"
    return "; ".join(reasons)


async def _last_word(host: str, port: int, security: KafkaSecurity) -> str:
    """What a broker says that closes the connection: over TLS it tells by an alert what it thinks of the client's certificate."""
    if not security.encrypts:
        return "it closes the connection: does it speak TLS?"
    try:
        async with asyncio.timeout(_ALERT_SECONDS):
            reader, writer = await asyncio.open_connection(host, port, ssl=security.client_options()["ssl_context"])
            try:
                await reader.read(1)
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError) as error:
        return f"{type(error).__name__}: {error}"
    return "it closes the connection"
