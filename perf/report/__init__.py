"""Turns the results of a run into reports: text, Markdown and JSON.

A figure is defined once, in `figures/`; a format is one file in `formats/`. Nothing here
measures or decides.
"""
