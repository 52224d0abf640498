"""The planner: which TensorFlow, Keras, Python, CUDA and cuDNN to install on a machine.

Pure functions of demands and the matrix. It tries candidates and lets the judge say which of
them hold together; it decides no compatibility of its own.
"""

from envcheck.plan.model import Answer, Choice, Conflict, Demands, Nearest, Plan
from envcheck.plan.search import answer

__all__ = ["Answer", "Choice", "Conflict", "Demands", "Nearest", "Plan", "answer"]
