"""Cut people out of a video or picture: choose, try, watch, judge, take away."""

from studio.ui import task_page
from studio.videos.page import PAGE

task_page.show(PAGE)
