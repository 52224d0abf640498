"""The programs whose output became the cases: healthy ones, and one slip or break each."""

from __future__ import annotations

HEAD = "import numpy as np\nimport tensorflow as tf\n"
FIT = (
    HEAD
    + """
rng = np.random.default_rng(0) if hasattr(np.random, "default_rng") else np.random.RandomState(0)
x = np.array(rng.normal(size=(640, 8))).astype("float32")
y = (x.sum(axis=1) > 0).astype("float32")
model = tf.keras.Sequential(
    [tf.keras.layers.Dense(8, activation="relu", input_shape=(8,)),
     tf.keras.layers.Dense(1, activation="sigmoid")]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=3, batch_size=32, validation_split=0.2)
print(model.predict(x[:2]))
"""
)
DATASET = (
    HEAD
    + """
data = tf.data.Dataset.range(64).map(lambda i: (tf.ones((4,)) * tf.cast(i, tf.float32), 1.0))
model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mae", metrics=["mean_absolute_error"])
model.fit(data.batch(8), epochs=2)
for batch in data.batch(32):
    pass
"""
)
LOOP = (
    HEAD
    + """
w = tf.Variable(tf.zeros((3, 1)))
@tf.function
def step(x):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((tf.matmul(x, w) - 1.0) ** 2)
    w.assign_sub(0.1 * tape.gradient(loss, w))
    return loss
for i in range(5):
    print("step", i, "loss", float(step(tf.ones((i + 1, 3)))))
print("done")
"""
)
SAVE = (
    FIT
    + """
model.save("model.h5")
print(tf.keras.models.load_model("model.h5").count_params())
"""
)
MIRRORED = (
    HEAD
    + """
with tf.distribute.MirroredStrategy().scope():
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(4,))])
    model.compile(optimizer="sgd", loss="mse")
model.fit(np.ones((64, 4), "float32"), np.ones((64, 1), "float32"), epochs=2)
"""
)
PREDICT = (
    HEAD
    + """
model = tf.keras.Sequential([tf.keras.layers.Conv2D(4, 3, input_shape=(28, 28, 1)),
                             tf.keras.layers.Flatten(), tf.keras.layers.Dense(10)])
print(model.predict(np.zeros((8, 28, 28, 1), "float32")).shape)
"""
)
TF1 = """
import tensorflow as tf
tf.compat.v1.disable_eager_execution()
x = tf.compat.v1.placeholder(tf.float32, (None, 2))
w = tf.compat.v1.get_variable("w", (2, 1))
loss = tf.reduce_mean(tf.matmul(x, w) ** 2)
train = tf.compat.v1.train.GradientDescentOptimizer(0.1).minimize(loss)
with tf.compat.v1.Session() as session:
    session.run(tf.compat.v1.global_variables_initializer())
    for step in range(3):
        print("step", step, "loss", session.run([loss, train], {x: [[1.0, 2.0]]})[0])
"""
IMPORT = "import tensorflow as tf\nprint(tf.__version__, tf.config.list_physical_devices('GPU'))\n"
MATMUL = HEAD + "print(tf.reduce_sum(tf.matmul(tf.ones((4, 4)), tf.ones((4, 4)))))\n"
TYPE_ERROR = FIT + "\nprint('Accuracy is valid.' % (model.count_params()))\n"
KEY_ERROR = FIT + "\nprint(model.history.history['val_acuracy'])\n"
SHAPE = (
    HEAD
    + """
model = tf.keras.Sequential([tf.keras.layers.Conv2D(4, 3, input_shape=(28, 28, 1)),
                             tf.keras.layers.Flatten(), tf.keras.layers.Dense(10)])
model.compile(optimizer="adam", loss="mse")
model.fit(np.zeros((8, 28, 28), "float32")[:, :5], np.zeros((8, 10), "float32"))
"""
)
LABELS = (
    HEAD
    + """
model = tf.keras.Sequential([tf.keras.layers.Dense(3, input_shape=(4,))])
model.compile("sgd", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(np.ones((32, 4), "float32"), np.full((32,), 7))
"""
)
NO_FILE = HEAD + "\nprint(tf.config.list_physical_devices())\nnp.load('features.npy')\n"
NAME_ERROR = FIT + "\nprint(modle.summary())\n"
SEGFAULT = HEAD + "\nimport ctypes\nprint('loading data', flush=True)\nctypes.string_at(0)\n"
KILLED = (
    HEAD
    + "\nimport os, signal\nprint('Epoch 1/10', flush=True)\nos.kill(os.getpid(), signal.SIGKILL)\n"
)
CPU_OOM = HEAD + "\nx = tf.zeros((400000, 400000))\nprint(tf.reduce_sum(x))\n"
DISK_FULL = (
    HEAD + "\nwith open('/dev/full', 'wb') as f:\n    f.write(np.zeros(1 << 20).tobytes())\n"
)
COMPILED = HEAD + "\nprint(tf.function(lambda x: x + 1, jit_compile=True)(tf.constant([1.0])))\n"
