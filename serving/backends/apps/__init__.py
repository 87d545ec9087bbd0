"""The programs that are copied to where a server runs, one for each backend.

Each file stands alone: it imports nothing of this project, because only the file itself
and what `Program.files` names beside it are there.
"""
