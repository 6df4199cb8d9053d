"""One person: everything that is stored of them, what it amounts to, and its erasure."""
