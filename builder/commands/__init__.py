"""One function per command: a typed result for scripts, and `show`, which prints it for people."""
