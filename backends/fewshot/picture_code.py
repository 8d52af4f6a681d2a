"""The stand-alone script that takes pictures: beside `image.onnx`, `head.npz` and `classify.py`."""

from __future__ import annotations


def picture_code() -> str:
    """Source text of the script."""
    return SCRIPT


SCRIPT = '''"""Say what is in pictures, by the network and the classifier beside this file.

    pip install numpy pillow onnxruntime
    python picture.py PICTURE... > answers.csv

From your own code: `answer(["one.jpg", "two.jpg"])` gives probabilities, the best class and whether it is none of them.
"""

import csv
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

from classify import Classifier

HERE = Path(__file__).resolve().parent
NETWORK = onnxruntime.InferenceSession(str(HERE / "image.onnx"), providers=["CPUExecutionProvider"])
CLASSIFIER = Classifier(HERE / "head.npz")
KNOWN = NETWORK.get_modelmeta().custom_metadata_map
SIDE, MODE, FILL = int(KNOWN["side"]), KNOWN["mode"], int(KNOWN["fill"])
KERNEL = Image.Resampling.BILINEAR if KNOWN["interpolation"] == "bilinear" else Image.Resampling.BICUBIC
if CLASSIFIER.space and CLASSIFIER.space.removesuffix("-half") != KNOWN["space"].removesuffix("-half"):
    raise SystemExit("head.npz was taught with another network than image.onnx.")


def prepared(path):
    """The square that the network sees, (side, side, 3)."""
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    if MODE == "squash":
        return np.asarray(image.resize((SIDE, SIDE), KERNEL))
    if MODE == "longest":
        size = [max(1, round(n * SIDE / max(image.size))) for n in image.size]
        square = Image.new("RGB", (SIDE, SIDE), (FILL,) * 3)
        square.paste(image.resize(size, KERNEL), [(SIDE - n) // 2 for n in size])
        return np.asarray(square)
    short = min(image.size)
    size = [SIDE if n == short else SIDE * n // short for n in image.size]
    left, top = (round((n - SIDE) / 2) for n in size)
    return np.asarray(image.resize(size, KERNEL).crop((left, top, left + SIDE, top + SIDE)))


def answer(paths):
    features = [NETWORK.run(None, {"pictures": prepared(path)[None]})[0][0] for path in paths]
    return CLASSIFIER.predict(np.stack(features))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    sys.stdout.reconfigure(encoding="utf-8", newline="")
    writer = csv.writer(sys.stdout)
    writer.writerow(["file", "class", "probability", "abstained"])
    for path, row, best, none in zip(sys.argv[1:], *answer(sys.argv[1:])):
        writer.writerow([path, CLASSIFIER.classes[best], f"{row[best]:.6f}", "yes" if none else "no"])
'''
