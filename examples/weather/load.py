"""Loads Seattle's weather of 2012 to 2015, which vega_datasets has, into the API's data."""

from vega_datasets import data

from jobsapi import Client

print(Client().load_data(data.seattle_weather.filepath, id="date"))
