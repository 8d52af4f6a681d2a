"""How they work: attention, VAE, GAN and diffusion, as small networks that are trained and turned before your eyes."""

from studio.how import page

page.show()
