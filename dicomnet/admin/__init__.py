"""Pages of the admin: nodes, printers, the diary, callers, print jobs, steps, routing rules, commitments."""

from dicomnet.admin import callers, commitments, diary, nodes, print_jobs, printers, routing, steps

__all__ = ["callers", "commitments", "diary", "nodes", "print_jobs", "printers", "routing", "steps"]
