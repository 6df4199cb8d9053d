"""Which candidate to trust: judged out of time, then fitted."""
