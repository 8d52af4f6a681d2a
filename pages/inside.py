"""Inside the models: ask why a model answered so, see and hear it, and test whether the answer can be believed."""

from studio.inside import page

page.show()
