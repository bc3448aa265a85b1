"""The script that makes reference data needs mpmath; it is no test and has no doctests."""

collect_ignore = ["make_ops_reference.py"]
