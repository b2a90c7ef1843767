"""Trains a model in one job, then reads a digit that it has not seen in another: `python read.py`."""

from sklearn.datasets import load_digits

from jobsapi import Client

client = Client()
training = client.wait_for_job(client.add_job("train", {"epochs": 10}).id)
print("trained:", training.status)

pictures, digits = load_digits(return_X_y=True)
job = client.add_job("read", {"model": training.id, "digit": pictures[7].tolist()})
client.wait_for_job(job.id)
print("it is a", digits[7], "and was read as", client.get_results(job.id)["digit"])
