"""The page of the trend: each scenario's throughput from run to run, and where it changed.

`history` says what is shown, `plot` and `model` make the parts of the page, and `rendering`
fills the template.
"""
