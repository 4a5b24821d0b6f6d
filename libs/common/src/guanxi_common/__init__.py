"""What the Guanxi services share: database, bus, HTTP edge, security, telemetry. It knows no service."""
