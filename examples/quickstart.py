"""The Python interface from end to end: read, train, judge, predict, look at the arithmetic, build.

Takes the digits that ship with scikit-learn, works in a temporary folder and fetches nothing:

    python examples/quickstart.py
"""

from contextlib import chdir
from tempfile import TemporaryDirectory

import torch
from PIL import Image

import convscope as cs


def quickstart():
    images = cs.read("digits")
    print(f"{len(images):,} pictures of {len(images.classes)} classes, {len(images.test)} of them for the test")

    run = cs.train(images, cs.Recipe(model="lenet5_modern", epochs=5, batch=32))
    low, high = run.report.top1_interval
    print(f"test top-1 {run.report.top1:.3f}, 95 % interval {low:.3f} to {high:.3f}")
    print(f"model file: {run.model}")

    report = cs.evaluate(run.model, images, split="val")
    print(f"validation top-1 {report.top1:.3f} on {report.n} pictures")
    for true, predicted, count in report.worst_confusions(most=2):
        print(f"  {true} taken for {predicted}: {count}")

    Image.fromarray(images.test.picture(0)[0].numpy()).save("digit.png")
    answer = cs.predict(run.model, "digit.png")[0]
    print(f"digit.png shows {answer['label']} (probability {answer['probability']:.2f})")

    lenet = cs.describe("lenet5")
    print(f"LeNet-5 of 1998: {lenet.parameters:,} parameters, {lenet.macs:,} multiply-accumulates")
    print(f"its first layer: {lenet.layers[0].formula}")

    network = cs.build("course_cnn", classes=3, channels=3, size=64)
    print(f"scores of two colour pictures: {tuple(network(torch.zeros(2, 3, 64, 64)).shape)}")


if __name__ == "__main__":
    with TemporaryDirectory() as folder, chdir(folder):
        quickstart()
