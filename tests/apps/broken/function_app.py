"""An app whose import fails, as with a setting that is missing."""

raise ValueError("COLOUR is not set: expected the name of a colour")
