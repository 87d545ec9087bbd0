"""The servers, one file each, behind the same small protocols."""
