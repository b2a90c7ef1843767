"""Training of a scikit-learn model as a task: progress by epoch, the model as a result, predictions by another task."""

import io
from typing import Annotated

import joblib
import numpy as np
from pydantic import Field
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from jobsapi import current_job, jobs, task

Epochs = Annotated[int, Field(ge=1, le=1000, description="How often all pictures are seen.")]
Alpha = Annotated[float, Field(gt=0, le=1, description="How strongly large weights are held down.")]
Digit = Annotated[list[float], Field(min_length=64, max_length=64, description="8 × 8 shades from 0 to 16.")]


@task(default=True, timeout=3600)
def train(epochs: Epochs = 20, alpha: Alpha = 1e-4, seed: int = 0) -> dict:
    """Train a linear model to read handwritten digits; the best epoch is kept."""
    job = current_job()
    pictures, digits = load_digits(return_X_y=True)
    seen, unseen, seen_digits, unseen_digits = train_test_split(pictures, digits, random_state=seed, stratify=digits)
    scaler = StandardScaler().fit(seen)
    model = SGDClassifier(loss="log_loss", alpha=alpha, random_state=seed)
    order, scores = np.random.default_rng(seed), []
    for epoch in range(1, epochs + 1):
        shuffled = order.permutation(len(seen))
        model.partial_fit(scaler.transform(seen[shuffled]), seen_digits[shuffled], classes=np.unique(digits))
        scores.append(model.score(scaler.transform(unseen), unseen_digits))
        print(f"epoch {epoch}: {scores[-1]:.3f} of the unseen digits read")
        job.progress(epoch / epochs, f"epoch {epoch} of {epochs}, {scores[-1]:.1%}")
        if scores[-1] == max(scores):  # saved at once: what is saved last counts
            job.save("model", as_bytes(Pipeline([("scale", scaler), ("read", model)])))
    return {"best": max(scores), "epoch": scores.index(max(scores)) + 1, "scores": scores}


@task
def read(model: str, digit: Digit) -> dict:
    """Read one digit with the model that a training job, named by its id, has made."""
    trained = joblib.load(io.BytesIO(jobs.get_results(model)["model"]))
    chances = trained.predict_proba([digit])[0]
    return {"digit": int(chances.argmax()), "chance": float(chances.max())}


def as_bytes(model: Pipeline) -> bytes:
    """The model as joblib writes it."""
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    return buffer.getvalue()
