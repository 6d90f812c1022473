# Trees to be rewritten, some with tests of their own.
collect_ignore = ["pairs"]
