"""The Keras model of the course and three ways to train it, all the same training.

`tf` is handed in: importing TensorFlow is a rung of the ladder, not an import of ours.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence, Tuple

from coffee_smoke import data

LEARNING_RATE = 0.01
EPOCHS = 10
# Fastest first; each next one needs less of TensorFlow than the one before.
WAYS = ("xla-loop", "graph-loop", "fit")

OnEpoch = Callable[[int, float], None]


class Keras(NamedTuple):
    """What `tf.keras` really is in this environment."""

    version: str
    file: str
    flavour: str  # keras2 | keras3 | tf-keras
    backend: str


class Trained(NamedTuple):
    model: Any
    losses: Tuple[float, ...]
    seconds: float  # the whole call: compilation, the epochs, and what a trainer does after them
    epoch_seconds: Tuple[float, ...]
    initial_weights: Tuple[Any, ...]
    variable_devices: Tuple[str, ...]
    step_device: str


def keras_of(tf: Any) -> Keras:
    """Touches `tf.keras`, which imports Keras; raises what that import raises."""
    import sys

    root = tf.keras.Model.__module__.split(".")[0]
    # Up to TF 2.5 Keras is a folder of TensorFlow itself and has no module of its own name.
    module = tf.keras if root == "tensorflow" else sys.modules[root]
    version = str(getattr(module, "__version__", ""))
    flavour = "tf-keras" if root == "tf_keras" else "keras3" if version[:1] >= "3" else "keras2"
    return Keras(version, str(module.__file__), flavour, str(tf.keras.backend.backend()))


def is_tf_keras(tf: Any) -> bool:
    return bool(tf.keras.Model.__module__.startswith("tf_keras"))


def seed_everything(tf: Any, seed: int) -> None:
    import random

    # Keras 3 draws initial weights from its own generator, which tf.random does not seed;
    # set_random_seed seeds all of them, and came with TF 2.7. After it tf-keras draws from
    # random.randint(1, 1e9), which Python 3.12 refuses.
    if hasattr(tf.keras.utils, "set_random_seed") and not is_tf_keras(tf):
        tf.keras.utils.set_random_seed(seed)
    else:
        random.seed(seed)  # where tf-keras otherwise takes the seeds of its initial weights from
        tf.random.set_seed(seed)


def normaliser(tf: Any, keras: Keras, rows: Any) -> Any:
    """The course's Normalization layer, adapted to `rows` (n, 2)."""
    layers = tf.keras.layers
    if not hasattr(layers, "Normalization"):  # before TF 2.6
        layers = layers.experimental.preprocessing
    layer = layers.Normalization(axis=-1)
    if keras.flavour == "tf-keras":
        # AutoGraph exempts `keras` from conversion but not `tf_keras`: 3 s for 200 rows.
        layer.compile(run_eagerly=True)
    layer.adapt(rows)
    return layer


def normalised(layer: Any, rows: Any) -> Any:
    import numpy

    return numpy.asarray(layer(rows)).astype(numpy.float32)


def build(tf: Any) -> Any:
    return tf.keras.Sequential(
        [
            tf.keras.Input(shape=(2,)),
            tf.keras.layers.Dense(3, activation="sigmoid", name="layer1"),
            tf.keras.layers.Dense(1, activation="sigmoid", name="layer2"),
        ]
    )


def build_seeded(tf: Any, device: str, seed: int) -> Any:
    """The model on `device`, with initial weights drawn on the CPU.

    Some generators of older TensorFlow draw other numbers on a GPU for the same seed; the
    network has starting points from which it does not learn, so the start is kept the same.
    """
    seed_everything(tf, seed)
    with tf.device("/CPU:0"):
        start = build(tf).get_weights()
    with tf.device(device):
        model = build(tf)
    model.set_weights(start)
    return model


def put_weights(model: Any, weights: Sequence[Any]) -> None:
    """Layer by layer, as the learner does: (W1, b1) into layer1, (W2, b2) into layer2."""
    model.get_layer("layer1").set_weights(list(weights[:2]))
    model.get_layer("layer2").set_weights(list(weights[2:]))


def predict(tf: Any, model: Any, device: str, x: Any) -> Tuple[Any, str]:
    """Probabilities (n, 1) as numpy, and the device that they were computed on."""
    with tf.device(device):
        out = model(tf.convert_to_tensor(x), training=False)
    return out.numpy(), str(out.backing_device)


def summary_of(model: Any) -> str:
    lines: List[str] = []
    model.summary(print_fn=lambda line, **_: lines.append(line))
    return "\n".join(lines)


def compiled(tf: Any, function: Callable[..., Any]) -> Any:
    """The function as one XLA program."""
    version = tuple(int(part) for part in tf.__version__.split(".")[:2])
    if version < (2, 5):
        return tf.function(function, autograph=False, experimental_compile=True)
    return tf.function(function, autograph=False, jit_compile=True)


def gradients_of(tf: Any, model: Any, device: str, x: Any, y: Any) -> Tuple[Any, ...]:
    """d loss / d (W1, b1, W2, b2) as TensorFlow computes it, numpy."""
    with tf.device(device):
        with tf.GradientTape() as tape:
            answer = model(tf.convert_to_tensor(x), training=True)
            loss = tf.keras.losses.BinaryCrossentropy()(tf.convert_to_tensor(y), answer)
        found = tape.gradient(loss, model.trainable_variables)
    return tuple(gradient.numpy() for gradient in found)


def variable_devices(model: Any) -> Tuple[str, ...]:
    """Where each weight lives. Keras 3 wraps the tf.Variable, which older ones hand out."""
    inner = [v.value if not callable(v.value) else v for v in model.trainable_variables]
    return tuple(str(v.device) for v in inner)


def fit_briefly(tf: Any, device: str, x: Any, y: Any, seed: int) -> Any:
    """One short epoch through Keras' own trainer; returns what `predict` then says of x."""
    model = build_seeded(tf, device, seed)
    # AutoGraph exempts `keras` from conversion but not `tf_keras`: seconds, a minute when busy.
    eagerly = is_tf_keras(tf)
    with tf.device(device):
        loss = tf.keras.losses.BinaryCrossentropy()
        model.compile(loss=loss, optimizer=_adam(tf), run_eagerly=eagerly)
        model.fit(x, y, batch_size=data.BATCH, epochs=1, verbose=0)
        return model.predict(x, verbose=0)


def train(
    tf: Any,
    way: str,
    device: str,
    x: Any,
    y: Any,
    epochs: int,
    seed: int,
    on_epoch: OnEpoch,
) -> Trained:
    """Trains on x, y (200000 rows) with `way`; raises whatever TensorFlow raises."""
    model = build_seeded(tf, device, seed)
    initial = tuple(model.get_weights())
    run = _fit if way == "fit" else _loop
    start = time.perf_counter()
    with tf.device(device):
        losses, epoch_seconds, where = run(tf, model, way, x, y, epochs, on_epoch)
    seconds = time.perf_counter() - start
    return Trained(
        model,
        tuple(losses),
        seconds,
        tuple(epoch_seconds),
        initial,
        variable_devices(model),
        where,
    )


Record = Tuple[List[float], List[float], str]


def _adam(tf: Any) -> Any:
    return tf.keras.optimizers.Adam(learning_rate=LEARNING_RATE)


def _fit(
    tf: Any,
    model: Any,
    way: str,
    x: Any,
    y: Any,
    epochs: int,
    on_epoch: OnEpoch,
) -> Record:
    losses: List[float] = []
    seconds: List[float] = []
    start = time.perf_counter()

    def end(epoch: int, logs: Dict[str, Any]) -> None:
        losses.append(float(logs["loss"]))
        seconds.append(time.perf_counter() - start - sum(seconds))
        on_epoch(epoch, losses[-1])

    model.compile(loss=tf.keras.losses.BinaryCrossentropy(), optimizer=_adam(tf))
    model.fit(
        x,
        y,
        batch_size=data.BATCH,
        epochs=epochs,
        verbose=0,
        callbacks=[tf.keras.callbacks.LambdaCallback(on_epoch_end=end)],
    )
    # The trainer's tensors are its own; the model's answer shows where its kernels run.
    where = str(model(x[: data.BATCH], training=False).backing_device)
    return losses, seconds, where


def _loop(
    tf: Any,
    model: Any,
    way: str,
    x: Any,
    y: Any,
    epochs: int,
    on_epoch: OnEpoch,
) -> Record:
    run_epoch = _epoch_function(tf, model, way == "xla-loop")
    x_all, y_all = tf.constant(x), tf.constant(y)
    losses, seconds, where = [], [], ""
    orders = _orders(tf, len(x))
    for epoch in range(epochs):
        start = time.perf_counter()
        mean = run_epoch(x_all, y_all, next(orders))
        losses.append(float(mean))
        seconds.append(time.perf_counter() - start)
        where = str(mean.backing_device)
        on_epoch(epoch, losses[-1])
    return losses, seconds, where


def _orders(tf: Any, rows: int) -> Iterator[Any]:
    """The very permutations that `model.fit` draws after `seed_everything`, one per epoch.

    In a dataset's function the operation's own seed is its place in that function, so the same
    function draws the same numbers. Keras 2 draws on from epoch to epoch; Keras 3 makes a new
    iterator for each, which starts anew: every epoch has the same order.
    """
    with tf.device("/CPU:0"):
        once = tf.data.Dataset.range(1)
        if not keras_of(tf).version.startswith("3"):
            once = once.repeat()
        orders = once.map(lambda _: tf.random.shuffle(tf.range(rows, dtype=tf.int64)))
    while True:
        for order in orders:
            yield order


def _epoch_function(tf: Any, model: Any, xla: bool) -> Any:
    """(x, y, order) -> mean loss: one epoch as a single loop inside TensorFlow.

    Keras' own loss and Adam do each step, so this is `model.fit` without the Python between
    the batches. Python-side conversion (AutoGraph) is off: the loop is spelled out instead.
    """
    variables = model.trainable_variables
    loss_of = tf.keras.losses.BinaryCrossentropy()
    optimizer = _adam(tf)
    # Slots cannot be created inside the loop.
    if hasattr(optimizer, "build"):
        optimizer.build(variables)
    else:
        optimizer._create_all_weights(variables)

    def epoch(x: Any, y: Any, order: Any) -> Any:
        xs = tf.reshape(tf.gather(x, order), (data.BATCHES, data.BATCH, 2))
        ys = tf.reshape(tf.gather(y, order), (data.BATCHES, data.BATCH, 1))

        def step(i: Any, total: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = loss_of(ys[i], model(xs[i], training=True))
            found = tape.gradient(loss, variables)
            optimizer.apply_gradients(zip(found, variables))
            return i + 1, total + loss

        _, total = tf.while_loop(
            lambda i, _: i < data.BATCHES,
            step,
            (tf.constant(0), tf.constant(0.0)),
            parallel_iterations=1,
        )
        return total / data.BATCHES

    return compiled(tf, epoch) if xla else tf.function(epoch, autograph=False)
