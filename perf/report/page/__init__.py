"""The report as one page of HTML that needs no other file.

`model` says what the page shows, the templates say how, and `rendering` joins the two. The
plots are SVG, made by `svg` alone: no other module makes markup.
"""
