"""The atlas of attention: every attention layer of the models at hand, by one measure, over four modalities.

`measures` holds the numbers, `models` runs the models on the tasks' own samples, `files` makes and reads
the files, `heads` keeps single heads for the page “How they work”.
"""
