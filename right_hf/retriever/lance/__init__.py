"""A corpus beyond memory: posts, their terms and vectors in one Lance table, on disk or in object storage.

`table` is what lies there and how it is written, `snapshot` one version of it as it is searched, `corpus` what the
other parts of a model ask of that version, and `retriever` all of it as a component. That takes
`pip install 'right_hf[lance]'`.
"""
