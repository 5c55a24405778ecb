"""Builds the ARM template from the Bicep in infra/, and compares the meaning of two templates.

source and expressions read Bicep into the values of syntax; symbols, values and template say them as a template, with
the expressions of arm; canonical and compare hold a template of Bicep's own compiler against it; release names a
release in all places.
"""
