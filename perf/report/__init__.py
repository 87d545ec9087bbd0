"""Results in; text, Markdown and JSON-able dicts out. Nothing here measures or writes."""
