"""Checks an answer to an exercise: says that it is right, or names what is wrong with it.

Each checker calls the reader's function on a few small cases, from simple to general, and compares.
Any way to compute the answer is fine: loops or array functions, lists or arrays, single or double precision.
"""

from helpers.check._architectures import parameter_count, receptive_field, separable_cost
from helpers.check._attention import attention, causal_attention
from helpers.check._augmentation import flip_boxes
from helpers.check._core import Wrong
from helpers.check._evaluation import auc, split_by_patient
from helpers.check._genomics import benjamini_hochberg
from helpers.check._images import conv2d, max_pool2d, output_size
from helpers.check._layers import batch_norm, dense_grad, gradient, softmax
from helpers.check._losses import binary_crossentropy, binary_crossentropy_grad, dice
from helpers.check._optimizers import adam, momentum
from helpers.check._overfitting import proximal_step
from helpers.check._padding import masked_mean
from helpers.check._partial_likelihood import partial_likelihood
from helpers.check._pitfalls import corrected_interval
from helpers.check._scans import window
from helpers.check._sequences import gru_step, lstm_step, rnn
from helpers.check._steps import time_distributed
from helpers.check._survival import concordance, ipcw_weights
from helpers.check._transformer import patches

__all__ = [
    "Wrong",
    "adam",
    "attention",
    "auc",
    "batch_norm",
    "benjamini_hochberg",
    "binary_crossentropy",
    "binary_crossentropy_grad",
    "causal_attention",
    "concordance",
    "conv2d",
    "corrected_interval",
    "dense_grad",
    "dice",
    "flip_boxes",
    "gradient",
    "gru_step",
    "ipcw_weights",
    "lstm_step",
    "masked_mean",
    "max_pool2d",
    "momentum",
    "output_size",
    "parameter_count",
    "partial_likelihood",
    "patches",
    "proximal_step",
    "receptive_field",
    "rnn",
    "separable_cost",
    "softmax",
    "split_by_patient",
    "time_distributed",
    "window",
]
