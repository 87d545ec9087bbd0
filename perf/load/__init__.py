"""The load: when jobs begin (arrivals), which processes run them (pools), what one does."""
