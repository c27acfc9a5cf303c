"""CONFORMANCE.md: a formal statement in the form of PS3.2, generated from what the code offers."""
