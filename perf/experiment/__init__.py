"""How the experiment is run: the arms, their blocks in pairs, the answers, the result."""
