"""Making a project of this template: `gatepost new`.

The template is the repository itself: no second copy of it exists. A wheel carries its files
(hatch_build.py); an editable installation reads the checkout. Nothing here runs a project.
"""
