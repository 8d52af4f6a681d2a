"""Size and sha256 of the shipped networks; `python -m training.generative export` writes this file."""

DIGESTS: dict[str, tuple[int, str]] = {
    "pictures-judge": (23_156, "edf8028cc5e9c4668ce1ce725ebb3b175a173232fc5ce4cc924617d315e2d590"),
    "sounds-judge": (23_310, "bea03c4fd097aa19f3b43b6626bc8fd8b2edf5fa60dd4bb611bdaebba8614a68"),
    "attention": (46_280, "8de4994d539e3537a2e6dbf5b17746be37caa9d61547f09106a04a0ea25ef7db"),
    "pictures-vae-2": (115_926, "b3a576dc2860223af48696114edcda0a2078e3b341cd18061ae9a7659963f559"),
    "pictures-vae-8": (117_406, "33c1b9bd3f064f543c3a11c71659fc6cbc7ab4dff7d14bcb5d602499ab989917"),
    "sounds-vae-8": (120_288, "bc0e5948d165d19ad012d455ead43eb15a52cdb79e851136cbf4e4fb3c2deae1"),
    "pictures-gan": (50_422, "2d50dcdd83405d80aa7370f0eef455980735010d9c2b9aa298a464037cce5109"),
    "pictures-gan-collapsing": (50_430, "9078d9bb41114b9bad60d0c08eddcee6ab27a92c4b8e643a68f4a162f4aceb18"),
    "sounds-gan": (51_872, "777c724898a28d8ee5e67193ab24dbedc6096a185b25a4845255aa2b739cf72c"),
    "pictures-diffusion": (191_158, "4c97091a7a8851d28d187645a98fafcd74bec45725ce5d916bec6a2692fbcfd2"),
    "sounds-diffusion": (193_712, "22b747060aa54dd572f5e5af4d08bdc079e133f6503d520e7ebb22143f452c74"),
}
