"""Course code as it was written from 2017 to 2021, in every form that no longer imports."""

from __future__ import annotations

import json
from pathlib import Path

FILES = {
    "recurrent.py": """\
from keras.models import Sequential
from keras.layers.core import Dense, Dropout, Activation
from keras.layers.recurrent import LSTM, GRU  # 2018
from keras.layers.embeddings import Embedding
from keras.layers.convolutional import (
    Conv1D,  # over words
    MaxPooling1D,
)
from keras.layers.normalization import BatchNormalization
from keras.layers.advanced_activations import LeakyReLU
from keras.layers.merge import concatenate, add

model = Sequential([Embedding(20, 4), LSTM(3), Dense(2), LeakyReLU()])
""",
    "np_utils.py": """\
from keras.utils import np_utils
from keras.utils.np_utils import to_categorical

labels = np_utils.to_categorical([0, 1, 2], 3)
assert (to_categorical([0, 1, 2]) == labels).all()
""",
    "wrappers.py": """\
from keras.wrappers.scikit_learn import KerasClassifier, KerasRegressor

model = KerasClassifier(build_fn=lambda: None, epochs=5, batch_size=5, verbose=0)
""",
    "wrappers_of_tf.py": """\
import tensorflow as tf
from tensorflow.keras.wrappers.scikit_learn import KerasRegressor

model = tf.keras.wrappers.scikit_learn.KerasClassifier(build_fn=lambda: None)
""",
    "optimizers.py": """\
from keras.optimizers import Adam, SGD, RMSprop
import tensorflow as tf

adam, sgd = Adam(0.01), SGD(0.1)
other = tf.optimizers.Adam(0.01)
""",
    "contrib_slim.py": """\
import tensorflow as tf
import tensorflow.contrib.slim as slim

x = tf.placeholder(tf.float32, [None, 8])
with slim.arg_scope([slim.fully_connected], weights_regularizer=slim.l2_regularizer(0.1)):
    y = slim.fully_connected(x, 3)
loss = slim.losses.softmax_cross_entropy(y, tf.ones_like(y))
""",
    "contrib_layers.py": """\
import numpy as np, tensorflow as tf
from tensorflow.contrib.layers import flatten, xavier_initializer
from tensorflow.contrib import layers

tf.set_random_seed(1)
x = tf.placeholder(tf.float32, [None, 4, 4])
W = tf.get_variable("W", [16, 2], initializer=xavier_initializer(seed=1))
z = tf.matmul(flatten(x), W) + tf.contrib.layers.fully_connected(flatten(x), 2)
p = layers.dropout(z, 0.5)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    assert sess.run(p, {x: np.zeros([3, 4, 4])}).shape == (3, 2)
""",
    "contrib_layers_module.py": """\
import tensorflow as tf
import tensorflow.contrib.layers as layers
from tensorflow.contrib import layers as also

first, second = layers.xavier_initializer(), also.xavier_initializer()
third, penalty = tf.contrib.layers.xavier_initializer(), tf.contrib.layers.l2_regularizer(0.1)
""",
    "np_utils_forms.py": """\
import keras
import keras.utils.np_utils as first
from keras.utils import np_utils as second
from tensorflow.keras.utils import np_utils as third

labels = [one.to_categorical([0, 1]) for one in (first, second, third)]
first.to_categorical, second.to_categorical, third.to_categorical
""",
    "wrappers_forms.py": """\
import keras.wrappers.scikit_learn as first
from keras.wrappers import scikit_learn

one = first.KerasRegressor(build_fn=lambda: None)
two = scikit_learn.KerasClassifier(build_fn=lambda: None)
""",
    "contrib_rnn.py": """\
import tensorflow as tf
from tensorflow.contrib.rnn import LSTMStateTuple


def cell(size, keep):
    lstm = tf.contrib.rnn.BasicLSTMCell(size)
    return tf.contrib.rnn.DropoutWrapper(lstm, output_keep_prob=keep)


def unroll(x):
    return tf.contrib.rnn.static_rnn(cell(4, 0.5), tf.unstack(x, 3, 1), dtype=tf.float32)


outputs, states = unroll(tf.placeholder(tf.float32, [None, 3, 5]))
""",
    "contrib_rnn_module.py": """\
import tensorflow as tf
from tensorflow.contrib import rnn

x = tf.placeholder(tf.float32, [None, 3, 5])
outputs, states = rnn.static_rnn(rnn.BasicLSTMCell(4), tf.unstack(x, 3, 1), dtype=tf.float32)
""",
    "contrib_moved.py": """\
import tensorflow as tf
import tensorflow.contrib.eager as tfe

tfe.enable_eager_execution()
spectrum = tf.contrib.signal.stft(tf.zeros([64]), 16, 8)
options = tf.contrib.data.AUTOTUNE
""",
    "session.py": """\
import tensorflow as tf

flags = tf.app.flags
X = tf.placeholder(tf.float32, shape=(None, 2), name="X")
Y = tf.placeholder("float", [None, 1])
W = tf.Variable(tf.random_normal([2, 1], stddev=0.1))
cost = tf.reduce_mean(tf.squared_difference(tf.matmul(X, W), Y)) + tf.log(2.0)
step = tf.train.GradientDescentOptimizer(0.1).minimize(cost)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    sess.run(step, feed_dict={X: [[1.0, 2.0]], Y: [[1.0]]})
""",
    "session_config.py": """\
import tensorflow as tf
from keras import backend as K

config = tf.ConfigProto()
config.gpu_options.allow_growth = True
K.set_session(tf.Session(config=config))
""",
    "session_of_keras.py": """\
import numpy as np
import tensorflow as tf
from keras import backend as K
from keras.backend.tensorflow_backend import set_session
from keras.layers import Dense, LocallyConnected1D
from keras.models import Sequential

set_session(tf.Session(config=tf.ConfigProto(log_device_placement=False)))
model = Sequential([LocallyConnected1D(2, 3, input_shape=(5, 1)), Dense(2)])
model.compile("sgd", "mse")
model.fit(np.ones([4, 5, 1]), np.ones([4, 3, 2]), verbose=0)
before = np.asarray(model.predict(np.ones([1, 5, 1])))
after = K.get_session().run(model.output, {model.input: np.ones([1, 5, 1])})
assert np.allclose(before, after)
""",
    "layers_of_tf.py": """\
import numpy as np
import tensorflow as tf

x = tf.placeholder(tf.float32, [None, 4])
hidden = tf.layers.dropout(tf.layers.dense(x, 3, activation=tf.nn.relu), 0.5, training=True)
step = tf.train.AdamOptimizer().minimize(tf.reduce_mean(tf.layers.dense(hidden, 1)))
cell = tf.nn.rnn_cell.GRUCell(2)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    sess.run(step, {x: np.zeros([2, 4])})
""",
    "preprocessing.py": """\
from keras.preprocessing.text import Tokenizer, text_to_word_sequence
from keras.preprocessing.sequence import pad_sequences
from keras.preprocessing.image import ImageDataGenerator, img_to_array, load_img
from keras.preprocessing import image
from keras.preprocessing import text, sequence

words = Tokenizer(num_words=10)
words.fit_on_texts(["a cup of coffee"])
padded = sequence.pad_sequences(words.texts_to_sequences(["a cup"]), maxlen=4)
flows = image.ImageDataGenerator(rescale=1.0 / 255)
""",
    "preprocessing_chain.py": """\
import keras

words = keras.preprocessing.text.Tokenizer(num_words=10)
flows = keras.preprocessing.image.ImageDataGenerator(rescale=1.0 / 255)
assert flows.flow(keras.backend.get_value(keras.backend.zeros([2, 4, 4, 1]))).n == 2
""",
    "preprocessing_of_tf.py": """\
import tensorflow as tf
from tensorflow.keras.preprocessing.text import Tokenizer
from tensorflow.keras.preprocessing.image import ImageDataGenerator
from tensorflow.keras.preprocessing import image_dataset_from_directory
from tensorflow.keras.layers.experimental.preprocessing import Rescaling, RandomFlip
from tensorflow.keras.layers.experimental import preprocessing

scale = preprocessing.Rescaling(1.0 / 255)
flip = tf.keras.layers.experimental.preprocessing.RandomFlip("horizontal")
""",
    "private.py": """\
from tensorflow.python.keras.layers import Dense, Input
from tensorflow.python.keras.models import Sequential
from tensorflow.python.keras import backend as K
from tensorflow.python.keras.utils.np_utils import to_categorical

model = Sequential([Dense(2)])
K.clear_session()
""",
    "mixed.py": """\
import keras
import tensorflow as tf
from keras.layers import Dense
from tensorflow.keras.models import Sequential

model = Sequential([Dense(1), tf.keras.layers.Dense(2), keras.layers.Dense(3)])
""",
    "engine.py": """\
from keras import backend as K
from keras import initializers, regularizers
from keras.engine.topology import Layer, InputSpec
from keras.engine import Input, Model
from keras.objectives import mse
from keras.utils.generic_utils import get_custom_objects
from keras.utils.vis_utils import plot_model


class Attention(Layer):
    def call(self, x):
        return K.sum(x * K.softmax(x), axis=1)
""",
    "cudnn.py": """\
from keras.layers import CuDNNLSTM, CuDNNGRU, Bidirectional

layer = Bidirectional(CuDNNLSTM(8, return_sequences=True))
""",
    "mnist.py": """\
from tensorflow.examples.tutorials.mnist import input_data
""",
    "learn.py": """\
import tensorflow as tf
from tensorflow.contrib.learn.python.learn.datasets.mnist import read_data_sets
""",
    "crf.py": """\
from tensorflow.contrib import crf

log_likelihood = crf.crf_log_likelihood
""",
    "multi_gpu.py": """\
from keras.utils import multi_gpu_model
""",
}
CELLS = (
    "%matplotlib inline\nimport numpy as np\nimport tensorflow as tf",
    "from keras.utils import np_utils\nfrom keras.layers.core import Dense\n"
    "from tensorflow.python.keras.models import Sequential",
    "x = tf.placeholder(tf.float32, [None, 2])\nlogits = tf.contrib.layers.fully_connected(x, 2)",
    "with tf.Session() as sess:\n    sess.run(tf.global_variables_initializer())\n"
    "    out = sess.run(tf.log(tf.exp(logits)), {x: np.ones([3, 2])})",
    "labels = np_utils.to_categorical(out.argmax(1), 2)",
)
RUN = """\
import json, os, sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, "")
if not any("TF_USE_LEGACY_KERAS" in open(name).read() for name in sys.argv[1:]):
    import tensorflow

def load(name):
    if name.endswith(".py"):
        __import__(name[:-3])
        return
    for cell in json.load(open(name))["cells"]:
        lines = "".join(cell["source"]).splitlines()
        exec("\\n".join("" if line.startswith("%") else line for line in lines), globals())

for name in sys.argv[1:]:
    if os.fork() == 0:
        try:
            load(name)
            said = "ok"
        except Exception as error:
            said = type(error).__name__ + ": " + str(error).splitlines()[0]
        os.write(1, json.dumps([name, said]).encode() + b"\\n")
        os._exit(0)
    os.wait()
"""
"""Imports files and runs the cells of notebooks, each in a process of its own, and says what
came of it. TensorFlow is loaded once for all of them, which takes most of the time, but where a
file sets what it reads when it is loaded."""


def write(folder: Path) -> list[str]:
    """The files' names."""
    for name, text in FILES.items():
        (folder / name).write_text(text)
    cells = [
        {
            "cell_type": "code",
            "execution_count": None,
            "metadata": {},
            "outputs": [],
            "source": text.splitlines(keepends=True),
        }
        for text in CELLS
    ]
    document = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 2}
    (folder / "lecture.ipynb").write_text(json.dumps(document, indent=1) + "\n")
    return [*sorted(FILES), "lecture.ipynb"]
