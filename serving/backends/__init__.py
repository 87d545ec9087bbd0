"""The programs that serve, one file each, behind one small Protocol."""
