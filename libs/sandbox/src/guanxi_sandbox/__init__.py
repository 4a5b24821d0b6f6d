"""The sandbox: real bank data from files, completed with generated people and staff, loaded through the public HTTP API."""
