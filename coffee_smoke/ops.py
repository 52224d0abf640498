"""One operation per GPU library, each against float64 numpy.

Errors are relative to the largest expected number. The tolerances leave room for TF32, which
Ampere and later GPUs use for float32 products: 10 bits, an error of 5e-4 in each factor.
"""

from __future__ import annotations

from typing import Any, Tuple

from coffee_smoke import network
from coffee_smoke.checks import WrongNumbers, compare, require_device, short_device
from coffee_smoke.ladder import Climb, Note
from coffee_smoke.reference import sigmoid

SEED = 7
PRODUCTS = 5e-3  # matmul, convolution: TF32
RECURRENT = 1e-2  # TF32, over several steps
SINGLE = 1e-4  # float32 throughout
HALF = 2e-2  # float16 has 11 bits
RANDOM_BITS = 1e-6


def numbers(*shape: int) -> Any:
    """The same normal numbers every time, float32."""
    import numpy

    return numpy.random.default_rng([SEED, *shape]).normal(size=shape).astype(numpy.float32)


def wide(array: Any) -> Any:
    import numpy

    return array.astype(numpy.complex128 if numpy.iscomplexobj(array) else numpy.float64)


def judged(climb: Climb, tolerance: float, *results: Tuple[str, Any, Any]) -> Note:
    """Each (name, tensor, reference) has to come from the climb's device and be near enough."""
    worst = 0.0
    for what, tensor, expected in results:
        worst = max(worst, compare(what, tensor.numpy(), expected, tolerance))
    where = ""
    for what, tensor, _ in results:
        where = str(tensor.backing_device)
        require_device(climb.device, where, what)
    return Note("largest error %.0e, %g is allowed" % (worst, tolerance), short_device(where))


def matmul(climb: Climb) -> Note:
    a, b = numbers(96, 128), numbers(128, 64)
    with climb.tf.device(climb.device):
        found = climb.tf.matmul(climb.tf.constant(a), climb.tf.constant(b))
    return judged(climb, PRODUCTS, ("the product", found, wide(a) @ wide(b)))


def conv2d(climb: Climb) -> Note:
    """Forward and the gradient by the filter: cuDNN plans them separately."""
    import numpy

    tf = climb.tf
    image, kernel = numbers(2, 12, 12, 8), numbers(3, 3, 8, 16)
    with tf.device(climb.device):
        filters = tf.constant(kernel)
        with tf.GradientTape() as tape:
            tape.watch(filters)
            found = tf.nn.conv2d(tf.constant(image), filters, strides=1, padding="VALID")
            total = tf.reduce_sum(found)
        gradient = tape.gradient(total, filters)
    windows = numpy.stack(
        [[wide(image)[:, i : i + 10, j : j + 10] for j in range(3)] for i in range(3)]
    )  # (3, 3, 2, 10, 10, 8)
    expected = numpy.einsum("ijnhwc,ijco->nhwo", windows, wide(kernel))
    by_filter = numpy.repeat(windows.sum(axis=(2, 3, 4))[..., None], 16, axis=3)
    return judged(
        climb,
        PRODUCTS,
        ("the convolution", found, expected),
        ("its gradient", gradient, by_filter),
    )


def lstm(climb: Climb) -> Note:
    """Keras' LSTM with its default activations: the form that cuDNN computes."""
    tf, units = climb.tf, 8
    x = numbers(4, 6, 5)
    weights = [numbers(5, 4 * units), numbers(units, 4 * units), numbers(4 * units)]
    with tf.device(climb.device):
        layer = tf.keras.layers.LSTM(units)
        layer.build(x.shape)
        layer.set_weights(weights)
        found = layer(tf.constant(x))
    return judged(climb, RECURRENT, ("the LSTM", found, lstm_reference(x, weights)))


def lstm_reference(x: Any, weights: Any) -> Any:
    """The last state of an LSTM; gates in Keras' order: input, forget, cell, output."""
    import numpy

    kernel, recurrent, bias = (wide(w) for w in weights)
    hidden = cell = numpy.zeros((len(x), recurrent.shape[0]))
    for moment in range(x.shape[1]):
        z = wide(x[:, moment]) @ kernel + hidden @ recurrent + bias
        enter, forget, new, leave = numpy.split(z, 4, axis=1)
        cell = sigmoid(forget) * cell + sigmoid(enter) * numpy.tanh(new)
        hidden = sigmoid(leave) * numpy.tanh(cell)
    return hidden


def fft(climb: Climb) -> Note:
    import numpy

    signal = numbers(4, 256) + 1j * numbers(4, 257)[:, :256]
    with climb.tf.device(climb.device):
        found = climb.tf.signal.fft(climb.tf.constant(signal, dtype=climb.tf.complex64))
    return judged(climb, SINGLE, ("the Fourier transform", found, numpy.fft.fft(signal)))


def solver(climb: Climb) -> Note:
    import numpy

    tf, a = climb.tf, numbers(24, 16)
    square = a.T @ a + 16 * numpy.eye(16, dtype=a.dtype)
    with tf.device(climb.device):
        values = tf.linalg.svd(tf.constant(a), compute_uv=False)
        factor = tf.linalg.cholesky(tf.constant(square))
    return judged(
        climb,
        SINGLE,
        ("the singular values", values, numpy.linalg.svd(wide(a), compute_uv=False)),
        ("the Cholesky factor", factor, numpy.linalg.cholesky(wide(square))),
    )


def sparse(climb: Climb) -> Note:
    """The CSR product: `tf.sparse` has kernels of its own, this one is cuSPARSE's."""
    import numpy

    raw, tf = climb.tf.raw_ops, climb.tf
    a = numbers(32, 24) * (numbers(32, 24) > 0.8)
    b = numbers(24, 8)
    where = numpy.argwhere(a)
    with tf.device(climb.device):
        matrix = raw.SparseTensorToCSRSparseMatrix(
            indices=tf.constant(where),
            values=tf.constant(a[a != 0]),
            dense_shape=tf.constant(a.shape, dtype=tf.int64),
        )
        found = raw.SparseMatrixMatMul(a=matrix, b=tf.constant(b))
    return judged(climb, PRODUCTS, ("the sparse product", found, wide(a) @ wide(b)))


def random_numbers(climb: Climb) -> Note:
    """The counter-based generator gives the same bits on every device."""
    tf = climb.tf
    drawn = []
    for device in (climb.device, "/CPU:0"):
        with tf.device(device):
            drawn.append(tf.random.stateless_uniform((4096,), seed=(SEED, 1)))
    mean, spread = float(drawn[0].numpy().mean()), float(drawn[0].numpy().std())
    # Of 4096 uniform numbers the mean varies by 0.0045, so these are ten times its deviation.
    if not (abs(mean - 0.5) < 0.045 and abs(spread - 0.2887) < 0.03):
        raise WrongNumbers("uniform numbers have mean %g and deviation %g" % (mean, spread))
    return judged(climb, RANDOM_BITS, ("the sequence", drawn[0], drawn[1].numpy()))


def xla(climb: Climb) -> Note:
    """exp, tanh and erf come from libdevice when XLA compiles for a GPU; ptxas assembles it."""
    import math

    import numpy

    tf, x = climb.tf, numbers(8, 64)

    def curve(v: Any) -> Any:
        return tf.exp(tf.tanh(v)) + tf.math.erf(v) * tf.math.log1p(v * v)

    with tf.device(climb.device):
        found = network.compiled(tf, curve)(tf.constant(x))
    v = wide(x)
    expected = numpy.exp(numpy.tanh(v)) + numpy.vectorize(math.erf)(v) * numpy.log1p(v * v)
    return judged(climb, SINGLE, ("the compiled function", found, expected))


def mixed_precision(climb: Climb) -> Note:
    """One gradient step's arithmetic with float16 products and float32 weights."""
    tf = climb.tf
    x, y, w = numbers(64, 32), numbers(64, 16), numbers(32, 16) / 8
    with tf.device(climb.device):
        layer = tf.keras.layers.Dense(
            16, use_bias=False, dtype=tf.keras.mixed_precision.Policy("mixed_float16")
        )
        layer.build(x.shape)
        layer.set_weights([w])
        with tf.GradientTape() as tape:
            answer = tf.cast(layer(tf.constant(x)), tf.float32)
            loss = tf.reduce_mean(tf.square(answer - tf.constant(y)))
        (gradient,) = tape.gradient(loss, layer.trainable_variables)
    difference = wide(x) @ wide(w) - wide(y)
    expected = 2 * wide(x).T @ difference / difference.size
    return judged(
        climb,
        HALF,
        ("the half-precision product", answer, wide(x) @ wide(w)),
        ("its gradient", gradient, expected),
    )
