"""A package: one of the libraries installs another of that name, which Python would find in place of a bare folder.

`make test` runs two tests side by side: libraries with threads of their own would wait for each other, busily. They
read how many they may have when they are loaded, which is why it is said here: before any other import of the tests,
and also for the programs that tests start.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
    os.environ.setdefault(_name, "1")
