"""What the tests of every package share: databases, brokers, deployments, good and bad requests, and the simulator of the event fabric."""
