"""A backend whose jobs are done by workers on a Ray cluster: `python -m backends serve --ray [ADDRESS]`.

The process that answers clients is the same as on one machine: its queue, turns, tokens, events and files. Only the
place is another (`backends.serving.places`): a pool of workers, each a process of the cluster that does one job at a
time (`worker`). The ingress asks a worker for one event after another, so that a worker never runs ahead of whoever
reads, and a job that is not wanted any more ends with the chunk under way.

The workers are plain actors of Ray and no replicas of Ray Serve. Its router hands a job to any free replica, where a
worker is wanted that has the model loaded; it frees a replica whose generator still computes, and unloads models in
use; its streams have no flow control; and it says nothing of a queue. What is left of it, starting workers anew, takes
fewer lines than working round the rest.
"""
