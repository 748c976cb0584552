package search

import (
	"fmt"
	"math"
	"sync"
	"time"
)

// Place fills in what follows from where the venue lies: the date there, and how far it is from the query's point.
func (h *Hit) Place(q Query) error {
	if v := h.Venue; q.HasPoint && v.Latitude != nil && v.Longitude != nil {
		km := distance(q.Latitude, q.Longitude, *v.Latitude, *v.Longitude)
		h.DistanceKM = &km
	}
	zone, err := zone(h.Venue.TimeZone)
	if err != nil {
		return fmt.Errorf("zone of %s: %w", h.Venue.ID, err)
	}
	h.Date = h.Start.In(zone)
	return nil
}

// zones are those that were asked for: name → *time.Location, since loading one reads a file.
var zones sync.Map

func zone(name string) (*time.Location, error) {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), nil
	}
	z, err := time.LoadLocation(name)
	if err == nil {
		zones.Store(name, z)
	}
	return z, err
}

// EarthKM is the radius of the sphere that distances are told on: the earth's mean.
const EarthKM = 6371.0

// distance is the great-circle distance in km by the haversine formula.
func distance(lat1, lon1, lat2, lon2 float64) float64 {
	const degree = math.Pi / 180
	dLat, dLon := math.Sin((lat2-lat1)*degree/2), math.Sin((lon2-lon1)*degree/2)
	h := dLat*dLat + math.Cos(lat1*degree)*math.Cos(lat2*degree)*dLon*dLon
	return 2 * EarthKM * math.Asin(math.Min(1, math.Sqrt(h)))
}
