// Package generate makes a large catalog that could be true: venues in real cities, acts in the languages of the world, tours, runs and
// matinées. It has no I/O and reads no clock: equal options give equal records, on every machine, and nothing depends on the order of a map.
//
// A catalog holds its venues and acts (a few hundred bytes each); events are made one by one, a day at a time, so a year of 3.65 million
// events takes no more memory than a week.
//
// # What is promised
//
// No venue plays two events at once: an evening begins at 18:30 or later and ends by 02:00, a matinée lies between 11:00 and 17:30. No act
// plays two cities on one day. Names of acts are distinct, as are those of a city's venues. Events are skewed as in life: cities by their
// people and the habits of their country, days by weekday and season, acts by a power law of their rank.
package generate
