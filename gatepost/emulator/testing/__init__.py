"""What the pytest plugin gives to tests: a gateway in this process, its clients, what they saw."""
