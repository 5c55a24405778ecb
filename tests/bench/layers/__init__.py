"""An app that stops a plain chat at a layer, so that what each layer costs is the difference of two figures."""
