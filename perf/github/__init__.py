"""What CI tells GitHub of a result: comments, issues, and pull requests with baselines.

Nothing here measures or starts a process. What another job left is checked before it is
used, because the job of a pull request runs that pull request's own code.
"""
