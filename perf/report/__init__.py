"""Results in; text, Markdown and JSON out. Nothing here measures."""
