package importer

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// coord is one coordinate: degrees, which may have decimals, then maybe minutes and seconds, and the side.
const coord = `([0-9]{1,3}(?:\.[0-9]{1,9})?)°(?:\s*([0-9]{1,2}(?:\.[0-9]{1,9})?)['′])?(?:\s*([0-9]{1,2}(?:\.[0-9]{1,9})?)["″])?\s*`

var coords = regexp.MustCompile(`^\s*` + coord + `([NS])[\s,]+` + coord + `([EW])\s*$`)

// parseCoords reads coordinates such as 49°16'36"N 123°6'43"W or 37.403°N 121.970°W, as openfootball writes them.
func parseCoords(s string) (latitude, longitude float64, err error) {
	m := coords.FindStringSubmatch(s)
	if m == nil {
		return 0, 0, fmt.Errorf("coordinates %.60q: want the form 49°16'36\"N 123°6'43\"W or 37.403°N 121.970°W", s)
	}
	latitude, longitude = side(m[1:5], "S"), side(m[5:9], "W")
	if math.Abs(latitude) > 90 || math.Abs(longitude) > 180 {
		return 0, 0, fmt.Errorf("coordinates %.60q lie beyond the poles or the date line", s)
	}
	return latitude, longitude, nil
}

// side adds up degrees, minutes and seconds, to six decimals: 11 cm.
func side(parts []string, negative string) (degrees float64) {
	for i, part := range parts[:3] {
		n, _ := strconv.ParseFloat(part, 64) // digits by the pattern, or missing
		degrees += n / math.Pow(60, float64(i))
	}
	if parts[3] == negative {
		degrees = -degrees
	}
	return math.Round(degrees*1e6) / 1e6
}
