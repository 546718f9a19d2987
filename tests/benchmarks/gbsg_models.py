"""Scores every survival model of the book on the same 20 test folds of the GBSG study.

Too long for a notebook (a few minutes), which therefore reads what this wrote and computes a part anew::

    python tests/benchmarks/gbsg_models.py

writes ``helpers/gbsg_models.csv``: one line for each model and fold, with its scores and CPU seconds.
"""

import pathlib
import time as clock

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from sklearn.model_selection import GridSearchCV
from sksurv.ensemble import GradientBoostingSurvivalAnalysis, RandomSurvivalForest
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.nonparametric import kaplan_meier_estimator
from sksurv.util import Surv

from helpers import data, survival, training

OUTPUT = pathlib.Path(__file__).parents[2] / "helpers" / "gbsg_models.csv"
TIMES = 365.25 * np.arange(1, 6)
EDGES = 365.25 / 2 * np.arange(11)  # ten half-years


# ---------------------------------------------------------------- the women

women = data.gbsg()
TIME, EVENT = women["rfstime"].to_numpy(float), women["status"].to_numpy()


def covariates(scale):
    """Nine columns, grade as two of 0 and 1, and counts and receptors as they are ("raw") or their log1p."""
    x = women.drop(columns=["rfstime", "status", "grade"]).astype(float)
    if scale == "log":
        skewed = ["size", "nodes", "pgr", "er"]
        x[skewed] = np.log1p(x[skewed])
    for grade in (2, 3):
        x[f"grade {grade}"] = (women["grade"] == grade).astype(float)
    return x.to_numpy()


RAW, LOG = covariates("raw"), covariates("log")
NUMBERS = women.drop(columns=["rfstime", "status"]).to_numpy(float)  # grade as 1 to 3, as in document 003


def scaled(x, train):
    """Mean 0 and standard deviation 1 in the training fold."""
    return (x - x[train].mean(axis=0)) / x[train].std(axis=0)


def curves_of(log_risk, train, test):
    """Survival of the test fold from Breslow's baseline of the training fold."""
    baseline = survival.breslow_baseline(TIME[train], EVENT[train], log_risk[train])
    return survival.survival_curves(baseline, log_risk[test], TIMES)


# ---------------------------------------------------------------- without a network
# A model takes the rows to train and to test on, and a seed; it returns the test rows' log-risks and curves.


def kaplan_meier(train, test, seed):
    """Nothing is known about a woman: everybody has the curve of the training fold."""
    steps, curve = kaplan_meier_estimator(EVENT[train], TIME[train])
    at = np.append(1.0, curve)[np.searchsorted(steps, TIMES, side="right")]
    return np.zeros(len(test)), np.tile(at, (len(test), 1))


def cox(x):
    """Cox's model, Efron's ties."""

    def model(train, test, seed):
        log_risk = scaled(x, train)
        log_risk = log_risk @ survival.cox_fit(log_risk[train], TIME[train], EVENT[train]).coefficients
        return log_risk[test], curves_of(log_risk, train, test)

    return model


def ridge(train, test, seed):
    """Cox's model with a penalty on the squared coefficients, chosen inside the training fold."""
    x = scaled(LOG, train)
    y = Surv.from_arrays(EVENT, TIME)
    search = GridSearchCV(CoxPHSurvivalAnalysis(), {"alpha": [0.1, 1, 10, 30, 100, 300]})
    log_risk = search.fit(x[train], y[train]).predict(x)
    return log_risk[test], curves_of(log_risk, train, test)


def trees(make):
    """Forest or boosting of scikit-survival; trees need no logarithms."""

    def model(train, test, seed):
        fitted = make().fit(NUMBERS[train], Surv.from_arrays(EVENT[train], TIME[train]))
        steps = fitted.predict_survival_function(NUMBERS[test])
        return fitted.predict(NUMBERS[test]), np.array([step(TIMES) for step in steps])

    return model


# ---------------------------------------------------------------- networks


def mlp(inputs, outputs, hidden=32, penalty=0.0):
    """Dense network, linear at the end. A layer of outputs with a bias starts at hazards of 8 %."""
    l2 = keras.regularizers.L2(penalty)
    layers = [keras.Input((inputs,))]
    if hidden:
        layers.append(keras.layers.Dense(hidden, activation="relu", kernel_regularizer=l2))
    low = keras.initializers.Constant(-2.5)
    layers.append(
        keras.layers.Dense(outputs, use_bias=outputs > 1, bias_initializer=low, kernel_regularizer=l2)
    )
    return keras.Sequential(layers)


def trainer(network, loss, optimizer, steps):
    """Compile `steps` steps on the whole training fold, to run them many times from new weights."""
    optimizer.build(network.trainable_variables)
    untouched = [variable.numpy() for variable in optimizer.variables]

    @tf.function(input_signature=[tf.TensorSpec((None, None))] * 2)
    def descend(x, y):
        for _ in tf.range(steps):
            with tf.GradientTape() as tape:
                value = loss(y, network(x)) + sum(network.losses)
            gradients = tape.gradient(value, network.trainable_variables)
            optimizer.apply(gradients, network.trainable_variables)

    def train(x, y, seed):
        keras.utils.set_random_seed(seed)
        network.set_weights(keras.models.clone_model(network).get_weights())
        for variable, value in zip(optimizer.variables, untouched, strict=True):
            variable.assign(value)
        descend(tf.constant(x, "float32"), tf.constant(y, "float32"))

    return train


def cox_network(x, network, optimizer, steps):
    """DeepSurv: Cox's likelihood as the loss, Breslow's ties."""
    train_network = trainer(network, survival.keras_cox_loss, optimizer, steps)
    y = survival.outcome_table(TIME, EVENT)

    def model(train, test, seed):
        inputs = scaled(x, train)
        train_network(inputs[train], y[train], seed)
        log_risk = network(inputs).numpy()[:, 0].astype(float)
        return log_risk[test], curves_of(log_risk, train, test)

    return model


def linear(x):
    """DeepSurv without a hidden layer: 150 steps of momentum are Cox's model."""
    return cox_network(x, mlp(x.shape[1], 1, hidden=0), keras.optimizers.SGD(0.3, momentum=0.9), 150)


def deepsurv(x, penalty=0.03):
    """Katzman's network with one hidden layer."""
    return cox_network(x, mlp(x.shape[1], 1, penalty=penalty), keras.optimizers.Adam(0.01), 120)


def discrete(x):
    """Gensheimer and Narasimhan's network: the hazard of each half-year."""
    network = mlp(x.shape[1], len(EDGES) - 1, penalty=0.01)
    loss = survival.keras_discrete_hazard_loss
    train_network = trainer(network, loss, keras.optimizers.Adam(0.01), 120)
    y = survival.discrete_targets(TIME, EVENT, EDGES)

    def model(train, test, seed):
        inputs = scaled(x, train)
        train_network(inputs[train], y[train], seed)
        curves = survival.discrete_survival(network(inputs[test]).numpy().astype(float))
        return 1 - curves[:, -1], curves[:, 1::2]

    return model


def document(train, test, seed):
    """Document 003's network, its label `status`, its ten epochs: a score, and no curves."""
    inputs = scaled(NUMBERS, train)[:, :, None]
    keras.utils.set_random_seed(seed)
    fresh = keras.models.clone_model(DOCUMENT).get_weights()
    batches = training.shuffled_batches(train, 32, 10, np.random.default_rng(seed))
    DOCUMENT_TRAINER(inputs, EVENT[:, None], batches, fresh)
    return DOCUMENT(inputs[test]).numpy()[:, 0].astype(float), None


DOCUMENT = keras.Sequential(
    [
        keras.Input((8, 1)),
        keras.layers.Conv1D(32, 3, activation="relu"),
        keras.layers.MaxPooling1D(2),
        keras.layers.Flatten(),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
DOCUMENT_TRAINER = training.compiled_trainer(DOCUMENT, "binary_crossentropy")


# ---------------------------------------------------------------- the table

MODELS = {
    "Kaplan–Meier": kaplan_meier,
    "Cox raw": cox(RAW),
    "Cox log": cox(LOG),
    "Cox log, ridge": ridge,
    "random survival forest": trees(
        lambda: RandomSurvivalForest(200, min_samples_split=10, min_samples_leaf=15, random_state=0, n_jobs=2)
    ),
    "gradient boosting": trees(
        lambda: GradientBoostingSurvivalAnalysis(
            n_estimators=100, learning_rate=0.1, max_depth=2, subsample=0.5, random_state=0
        )
    ),
    "linear DeepSurv log": linear(LOG),
    "DeepSurv raw": deepsurv(RAW),
    "DeepSurv log": deepsurv(LOG),
    "DeepSurv log, no penalty": deepsurv(LOG, penalty=0.0),
    "discrete-time log": discrete(LOG),
    "document 003, status": document,
}


def scores(model, train, test, seed):
    """Return what the table holds of one model on one fold."""
    began = clock.process_time()
    log_risk, curves = model(train, test, seed)
    seconds = clock.process_time() - began
    outcomes = [(TIME[rows], EVENT[rows]) for rows in (train, test)]
    found = survival.evaluate(*outcomes, TIMES, log_risk, curves)
    return {
        "harrell": found.harrell,
        "uno": found.uno,
        "mean_auc": found.mean_auc,
        "integrated_brier": found.integrated_brier,
        "seconds": seconds,
    }


def main(names=tuple(MODELS), folds=20):
    """Return one line for each model and fold."""
    pairs = survival.repeated_folds(EVENT, 5, 4, np.random.default_rng(0))[:folds]
    lines = []
    for name in names:
        MODELS[name](*pairs[0], 0)  # what is compiled in the first call does not count
        for number, pair in enumerate(pairs):
            lines.append({"model": name, "fold": number} | scores(MODELS[name], *pair, number))
    return pd.DataFrame(lines)


if __name__ == "__main__":
    main().round(5).to_csv(OUTPUT, index=False)
