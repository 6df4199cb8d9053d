"""Work that takes minutes: asked for, done in a process of its own, and watched."""
