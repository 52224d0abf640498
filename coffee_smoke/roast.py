"""The coffee network's own rungs, from the beans to a network that has learned."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Dict, List, Optional

from coffee_smoke import data, network, nvml, picture, reference
from coffee_smoke.checks import WrongNumbers, compare, require_device, short_device
from coffee_smoke.ladder import Climb, Note, Wrong, attempt, error_field

# What a sound machine reaches. With seed 1234 it reaches 0.98, 5e-7 and 0.003 (Keras 3) or
# 0.985, 8e-8 and 0.002 (Keras 2); the limits leave room for another order of additions only.
GOOD_BEAN_ABOVE = 0.9
BURNT_BEAN_BELOW = 1e-3
FINAL_LOSS_BELOW = 0.005
# Probabilities against the float64 reference. TF32, which Ampere and later GPUs use for
# float32 products, keeps 10 bits: 0.001 relative in a logit that reaches 20.
TOLERANCE = 0.02


def normalise_beans(climb: Climb) -> Note:
    tf, device = climb.tf, climb.device
    if climb.keras.backend != "tensorflow":
        raise Wrong(
            "Keras computes on %s, not on TensorFlow (KERAS_BACKEND or keras.json)"
            % climb.keras.backend
        )
    rows, climb.labels = data.beans()
    with tf.device(device):
        layer = network.normaliser(tf, climb.keras, rows)
        climb.beans = network.normalised(layer, rows)
        climb.test_beans = network.normalised(layer, data.asked_beans())
    climb.document["normalisation"] = {
        "mean": [float(v) for v in rows.mean(axis=0)],
        "deviation": [float(v) for v in rows.std(axis=0)],
    }
    compare("the normalised beans", climb.beans, reference.normalise(rows, rows), TOLERANCE)
    return Note("%d beans, %d of them good" % (data.BEANS, int(climb.labels.sum())))


def forward_pass(climb: Climb) -> Note:
    tf, device = climb.tf, climb.device
    model = network.build_seeded(tf, device, climb.options.seed)
    weights = reference.shipped_weights()
    network.put_weights(model, weights)
    stored = model.get_weights()
    climb.document["shapes"] = [list(w.shape) for w in stored]
    climb.document["parameters"] = sum(int(w.size) for w in stored)
    climb.document["summary"] = network.summary_of(model)
    found, where = network.predict(tf, model, device, climb.beans)
    compare("the forward pass", found, reference.forward(weights, climb.beans), TOLERANCE)
    correct = int((data.decide(found) == climb.labels).sum())
    decisions = decisions_of(network.predict(tf, model, device, climb.test_beans)[0])
    if decisions != list(data.TEST_DECISIONS) or correct != data.BEANS:
        raise Wrong(
            "the shipped weights decide %s and get %d of %d beans right"
            % (decisions, correct, data.BEANS)
        )
    require_device(device, where, "the forward pass")
    return Note(
        "the shipped weights decide %s, %d of %d beans" % (decisions, correct, data.BEANS),
        short_device(where),
    )


def gradients(climb: Climb) -> Note:
    """From where training starts: the shipped weights have learned, and have none to speak of."""
    model = network.build_seeded(climb.tf, climb.device, climb.options.seed)
    start = tuple(w.astype(float) for w in model.get_weights())
    found = network.gradients_of(climb.tf, model, climb.device, climb.beans, climb.labels)
    expected = reference.gradients(start, climb.beans, climb.labels)
    worst = max(
        compare("the gradient by " + name, one, other, TOLERANCE)
        for name, one, other in zip(("W1", "b1", "W2", "b2"), found, expected)
    )
    return Note("by W1, b1, W2, b2: largest error %.0e, %g is allowed" % (worst, TOLERANCE))


def keras_fit(climb: Climb) -> Note:
    """Keras' own trainer, which the fast loop goes around, on the 200 beans once."""
    found = network.fit_briefly(
        climb.tf, climb.device, climb.beans, climb.labels, climb.options.seed
    )
    if found.shape != (data.BEANS, 1) or not all(math.isfinite(p) for p in found.ravel()):
        raise WrongNumbers("model.fit and predict ran, and gave no probabilities")
    return Note("compile, fit and predict ran")


def train(climb: Climb) -> Note:
    options = climb.options
    epochs = 1 if options.quick else network.EPOCHS
    asked = network.WAYS if options.way == "auto" else (options.way,)
    ways = [way for way in asked if way not in options.without]
    x, y = data.tile(climb.beans), data.tile(climb.labels)
    way: Dict[str, Any] = {"used": None, "tried": []}
    climb.document["way"] = way

    def on_epoch(epoch: int, loss: float) -> None:
        climb.say("epoch %d/%d loss %.4f" % (epoch + 1, epochs, loss))
        if climb.gpus and epoch == epochs - 1:
            climb.document["gpu_memory"] = nvml.sample()

    for name in ways:
        climb.say("train: trying " + name)
        result = attempt(
            partial(
                network.train, climb.tf, name, climb.device, x, y, epochs, options.seed, on_epoch
            )
        )
        error = error_field(result.failure) if result.failure else None
        way["tried"].append(
            {"way": name, "ok": error is None, "seconds": result.seconds, "error": error}
        )
        if result.failure and result.failure.interrupted:
            raise KeyboardInterrupt
        if error is None:
            way["used"] = name
            return judge_training(climb, result.value, epochs)
    raise Wrong(
        "no way of training works: "
        + "; ".join("%s: %s" % (t["way"], t["error"]["type"]) for t in way["tried"])
    )


def judge_training(climb: Climb, trained: network.Trained, epochs: int) -> Note:
    climb.trained = trained
    climb.document.update(
        steps=epochs * data.BATCHES,
        training_seconds=round(trained.seconds, 4),
        epoch_seconds=[round(s, 4) for s in trained.epoch_seconds],
        losses=[finite_or_none(loss) for loss in trained.losses],
        device=short_device(trained.step_device),
        placement={
            "requested": climb.options.device,
            "chosen": climb.device[1:],
            "variables": list(trained.variable_devices),
            "step": trained.step_device,
        },
    )
    if not all(math.isfinite(loss) for loss in trained.losses):
        raise WrongNumbers("the loss is not a number: " + repr(trained.losses))
    for where in (trained.step_device, *trained.variable_devices):
        require_device(climb.device, where, "the training")
    return Note(
        "%d steps by %s in %.1f s, loss %.4f -> %.4f"
        % (
            epochs * data.BATCHES,
            climb.document["way"]["used"],
            trained.seconds,
            trained.losses[0],
            trained.losses[-1],
        ),
        climb.document["device"],
    )


def decide(climb: Climb) -> Note:
    trained, document = climb.trained, climb.document
    weights = tuple(w.astype(float) for w in trained.model.get_weights())
    start = tuple(w.astype(float) for w in trained.initial_weights)
    before = reference.loss(start, climb.beans, climb.labels)
    after = reference.loss(weights, climb.beans, climb.labels)
    found, where = network.predict(climb.tf, trained.model, climb.device, climb.beans)
    asked = network.predict(climb.tf, trained.model, climb.device, climb.test_beans)[0]
    correct = int((data.decide(found) == climb.labels).sum())
    names = ("W1", "b1", "W2", "b2")
    document.update(
        weights={name: finite_lists(w) for name, w in zip(names, weights)},
        field=picture.field(weights, document["normalisation"], found, climb.labels),
        loss_untrained=finite_or_none(before),
        loss_trained=finite_or_none(after),
        probabilities=[finite_or_none(float(p)) for p in asked.ravel()],
        decisions=decisions_of(asked),
        accuracy={"correct": correct, "total": data.BEANS},
    )
    expected = reference.forward(weights, climb.beans)
    compare("the trained network's answers", found, expected, TOLERANCE)
    if climb.options.quick:
        if not after < before:
            raise Wrong("the loss did not fall: %.4f before, %.4f after" % (before, after))
        said = "the loss fell from %.4f to %.4f; one epoch, so decisions are not judged"
        return Note(said % (before, after), short_device(where))
    judge_decisions(asked.ravel(), correct, trained.losses[-1])
    return Note(
        "decides %s, %d of %d beans" % (document["decisions"], correct, data.BEANS),
        short_device(where),
    )


def judge_decisions(asked: Any, correct: int, final_loss: float) -> None:
    good, burnt = (float(p) for p in asked)
    reached = (
        (good > GOOD_BEAN_ABOVE, "the good bean gets %.3g" % good),
        (burnt < BURNT_BEAN_BELOW, "the burnt bean gets %.3g" % burnt),
        (correct == data.BEANS, "%d of %d beans are right" % (correct, data.BEANS)),
        (final_loss < FINAL_LOSS_BELOW, "the final loss is %.4f" % final_loss),
    )
    missed = [text for ok, text in reached if not ok]
    if missed:
        raise Wrong("; ".join(missed))


def acceptance(quick: bool) -> Dict[str, Any]:
    """What `decide` demands, for the reader of the document."""
    always = {"tolerance": TOLERANCE, "loss_falls": True}
    if quick:
        return always
    return dict(
        always,
        good_bean_above=GOOD_BEAN_ABOVE,
        burnt_bean_below=BURNT_BEAN_BELOW,
        final_loss_below=FINAL_LOSS_BELOW,
        correct=data.BEANS,
    )


def decisions_of(probabilities: Any) -> List[int]:
    return [int(d) for d in data.decide(probabilities).ravel()]


def finite_lists(weights: Any) -> Any:
    """Nested lists of numbers, None where one is not finite."""
    if weights.ndim == 0:
        return finite_or_none(float(weights))
    return [finite_lists(row) for row in weights]


def finite_or_none(value: float) -> Optional[float]:
    return value if math.isfinite(value) else None
