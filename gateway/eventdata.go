package gateway

import "time"

// eventData is the event for machines that read pages: schema.org Event as JSON-LD, with the members that search engines ask for.
// https://schema.org/Event
type eventData struct {
	Context     string      `json:"@context"`
	Type        string      `json:"@type"`
	Name        string      `json:"name"`
	Description string      `json:"description,omitempty"`
	URL         string      `json:"url"`
	Image       string      `json:"image,omitempty"`
	StartDate   string      `json:"startDate"`
	EndDate     string      `json:"endDate"`
	Status      string      `json:"eventStatus"`
	Attendance  string      `json:"eventAttendanceMode"`
	Location    placeData   `json:"location"`
	Performers  []namedData `json:"performer,omitempty"`
	Offers      *offersData `json:"offers,omitempty"`
}

// placeData is a schema.org Place.
type placeData struct {
	Type    string      `json:"@type"`
	Name    string      `json:"name"`
	Address addressData `json:"address"`
	Geo     *geoData    `json:"geo,omitempty"`
}

type addressData struct {
	Type     string `json:"@type"`
	Locality string `json:"addressLocality"`
	Country  string `json:"addressCountry"` // ISO 3166-1 alpha-2
}

type geoData struct {
	Type      string  `json:"@type"`
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

type namedData struct {
	Type string `json:"@type"`
	Name string `json:"name"`
}

// offersData is a schema.org AggregateOffer; prices are in whole units with a point.
type offersData struct {
	Type         string `json:"@type"`
	LowPrice     string `json:"lowPrice"`
	HighPrice    string `json:"highPrice"`
	Currency     string `json:"priceCurrency"`
	OfferCount   int    `json:"offerCount"` // tickets for sale
	Availability string `json:"availability"`
	URL          string `json:"url"`
}

const schema = "https://schema.org/"

// structured is the event as machines read it. Times are the venue's, with their offset, as search engines want them.
func (p *eventPage) structured(publicURL string) eventData {
	d := eventData{
		Context: "https://schema.org", Type: "Event", Name: p.Name, Description: p.Details, URL: publicURL + "/events/" + p.Event.String(), Image: p.Preview,
		StartDate: p.Start.Format(time.RFC3339), EndDate: p.End.Format(time.RFC3339), Status: schema + "EventScheduled",
		Attendance: schema + "OfflineEventAttendanceMode",
		Location:   placeData{Type: "Place", Name: p.Venue.Name, Address: addressData{"PostalAddress", p.Venue.City, p.Venue.Country}},
	}
	if lat, lon := p.Venue.Latitude, p.Venue.Longitude; lat != nil && lon != nil {
		d.Location.Geo = &geoData{"GeoCoordinates", *lat, *lon}
	}
	for _, performer := range p.Performers {
		d.Performers = append(d.Performers, namedData{"PerformingGroup", performer.Name})
	}
	from, to := priceRange(p.Levels)
	if to > 0 && p.State != "over" {
		digits := digitsOf(p.Currency)
		d.Offers = &offersData{
			Type: "AggregateOffer", LowPrice: formatAmount(from, digits), HighPrice: formatAmount(to, digits), Currency: p.Currency, OfferCount: p.Free(),
			Availability: p.offered(), URL: d.URL,
		}
	}
	return d
}

// offered is how much there is, as schema.org says it.
func (p *eventPage) offered() string {
	switch {
	case p.State == "soon":
		return schema + "PreOrder"
	case p.Stock() == stockNone:
		return schema + "SoldOut"
	case p.Stock() == stockFew:
		return schema + "LimitedAvailability"
	}
	return schema + "InStock"
}
