"""The Kafka back end, by aiokafka. What that library gets wrong, or leaves to its user, is dealt with here."""

from guanxi_common.messaging.kafka.bus import KafkaBus
from guanxi_common.messaging.kafka.security import KafkaSecurity
from guanxi_common.messaging.kafka.settings import KafkaTimes

__all__ = ["KafkaBus", "KafkaSecurity", "KafkaTimes"]
