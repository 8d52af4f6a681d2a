"""Why a model gave a score: attributions of the score to the parts of its input.

A model that wants to be explained describes itself as a `Subject`; each method is one module under `methods` with one
function `attribute(subject)`; `attribute` of the registry picks the first method that fits. No task is imported here.
"""
