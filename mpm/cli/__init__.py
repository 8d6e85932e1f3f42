"""`python -m mpm COMMAND`: one module a command."""
