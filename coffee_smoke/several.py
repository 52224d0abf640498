"""What needs a GPU, or several: how they reduce, train together, and compare with the CPU."""

from __future__ import annotations

import math
import time
from typing import Any, Callable, Dict, Sequence, Union

from coffee_smoke import data, network
from coffee_smoke.checks import WrongNumbers, require_device
from coffee_smoke.ladder import Climb, Note, Skipped, Wrong

PRODUCT = 2048  # rows and columns of the product that is timed: 17 GFLOP
REPEATS = 3
BATCHES_TOGETHER = 500

Outcome = Union[Note, Skipped]


def not_several(climb: Climb) -> str:
    if not climb.gpus:
        return "there is no GPU"
    return "there is one GPU" if len(climb.gpus) < 2 else ""


def all_reduce(climb: Climb) -> Outcome:
    reason = not_several(climb)
    if reason:
        return Skipped(reason)
    reduce_sum(climb.tf, climb.gpus, climb.tf.distribute.NcclAllReduce())
    return Note("the sum over %d GPUs is right on each of them" % len(climb.gpus))


def reduce_sum(tf: Any, devices: Sequence[str], how: Any) -> None:
    """Each device gives its number + 1, and gets the sum; WrongNumbers where it does not."""
    strategy = tf.distribute.MirroredStrategy(list(devices), cross_device_ops=how)

    def replica() -> Any:
        here = tf.distribute.get_replica_context()
        mine = tf.cast(here.replica_id_in_sync_group, tf.float32) + tf.ones(4096)
        return here.all_reduce(tf.distribute.ReduceOp.SUM, mine)

    per_device = strategy.run(tf.function(replica, autograph=False))
    expected = len(devices) * (len(devices) + 1) / 2
    for device, values in zip(devices, strategy.experimental_local_results(per_device)):
        if not bool((values.numpy() == expected).all()):
            raise WrongNumbers(
                "%s got %g from the all-reduce, not %g" % (device, values.numpy()[0], expected)
            )


def mirrored(climb: Climb) -> Outcome:
    reason = not_several(climb)
    if reason:
        return Skipped(reason)
    before, after = train_together(climb, climb.gpus)
    return Note("%d GPUs together: loss %.3f -> %.3f" % (len(climb.gpus), before, after))


def train_together(climb: Climb, devices: Sequence[str]) -> Sequence[float]:
    """(loss before, loss after) of the coffee network under MirroredStrategy."""
    tf, batch = climb.tf, data.BATCH * len(devices)
    rows = data.BATCH * BATCHES_TOGETHER
    x, y = data.tile(climb.beans)[:rows], data.tile(climb.labels)[:rows]
    strategy = tf.distribute.MirroredStrategy(list(devices))
    network.seed_everything(tf, climb.options.seed)
    with strategy.scope():
        model = network.build(tf)
        optimizer = tf.keras.optimizers.Adam(learning_rate=network.LEARNING_RATE)
        model.compile(loss=tf.keras.losses.BinaryCrossentropy(), optimizer=optimizer)
    before = float(model.evaluate(x, y, batch_size=batch, verbose=0))
    model.fit(x, y, batch_size=batch, epochs=1, verbose=0)
    after = float(model.evaluate(x, y, batch_size=batch, verbose=0))
    if not after < before:  # also true of NaN
        raise WrongNumbers("the loss did not fall: %.4f before, %.4f after" % (before, after))
    return before, after


def speed(climb: Climb) -> Outcome:
    """The same work on the GPU and the CPU. That one is slower fails nothing: it is a finding.

    What fails is a time that says nothing: the work raises, ran elsewhere, or gave no number.
    """
    if not climb.gpus:
        return Skipped("there is no GPU to compare with the CPU")
    devices = (climb.device, "/CPU:0")
    product = {device[1:]: time_product(climb.tf, device) for device in devices}
    epoch = {climb.device[1:]: min(climb.trained.epoch_seconds), "CPU:0": epoch_on_cpu(climb)}
    for device, seconds in (*product.items(), *epoch.items()):
        if not 0 < seconds < math.inf:  # also true of NaN
            raise Wrong("the time on %s is %r s: the clock cannot be trusted" % (device, seconds))
    climb.document["speed"] = {"product_size": PRODUCT, "product": product, "epoch": epoch}
    return Note(compared(climb.device[1:], product, epoch))


def compared(gpu: str, product: Dict[str, float], epoch: Dict[str, float]) -> str:
    slower = epoch[gpu] > epoch["CPU:0"]
    expected = ", as expected: a step has 13 parameters" if slower else ""
    return "a product of %d x %d: %.1f ms, on the CPU %.1f ms; an epoch: %.2f s, %.2f s%s" % (
        PRODUCT,
        PRODUCT,
        1e3 * product[gpu],
        1e3 * product["CPU:0"],
        epoch[gpu],
        epoch["CPU:0"],
        expected,
    )


def time_product(tf: Any, device: str) -> float:
    """Seconds of one large product, the fastest of some; reading a number ends the waiting."""
    what = "the large product"

    def work() -> None:
        product = tf.matmul(a, a)
        number = float(product[0, 0])
        require_device(device, str(product.backing_device), what)
        if not math.isfinite(number):
            raise WrongNumbers("%s on %s is %r" % (what, device[1:], number))

    with tf.device(device):
        a = tf.random.stateless_uniform((PRODUCT, PRODUCT), seed=(1, 2))
        return fastest(work)


def fastest(work: Callable[[], Any]) -> float:
    work()  # the first also loads and plans
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def epoch_on_cpu(climb: Climb) -> float:
    x, y = data.tile(climb.beans), data.tile(climb.labels)
    way = climb.document["way"]["used"]
    trained = network.train(
        climb.tf, way, "/CPU:0", x, y, 2, climb.options.seed, lambda epoch, loss: None
    )
    require_device("/CPU:0", trained.step_device, "the epoch")
    return min(trained.epoch_seconds)
