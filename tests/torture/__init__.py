"""Real programs, killed with SIGKILL at random moments: `python -m tests.torture --help`."""
