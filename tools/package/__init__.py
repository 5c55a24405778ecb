"""Build the package that Azure deploys: the app, its dependencies and their bytecode, the same for the same inputs.

`target` finds the Python it is for, `ignored` reads what stays out, `locked` and `vendored` bring the dependencies,
`bytecode` compiles, `archive` writes the zip and `build` is the way through them.
"""
