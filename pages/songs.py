"""Split a song into stems: choose, watch, listen, judge, take away."""

from studio.songs.page import PAGE
from studio.ui import task_page

task_page.show(PAGE)
