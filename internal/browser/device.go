package browser

// Device is what a fan holds in his hands, and how he has set it up. Its methods return a changed copy.
type Device struct {
	Width, Height int64   // of the window, in CSS pixels
	Scale         float64 // device pixels per CSS pixel
	Touch         bool
	language      string // for Accept-Language and navigator.languages
	zone          string // IANA name
	noScript      bool
	calm          bool
	dark          bool
}

// The two devices that every page is looked at with.
var (
	Phone   = Device{Width: 360, Height: 740, Scale: 2, Touch: true, language: "en", zone: "UTC"}
	Desktop = Device{Width: 1280, Height: 800, Scale: 1, language: "en", zone: "UTC"}
)

// NoScript is the device with JavaScript off.
func (d Device) NoScript() Device { d.noScript = true; return d }

// Speaking is the device of somebody who reads the language: an Accept-Language value such as "de" or "fr-CA,fr;q=0.8".
func (d Device) Speaking(language string) Device { d.language = language; return d }

// In is the device in a time zone, as "Asia/Tokyo".
func (d Device) In(zone string) Device { d.zone = zone; return d }

// Calm is the device of somebody who has asked for reduced motion.
func (d Device) Calm() Device { d.calm = true; return d }

// Dark is the device set to a dark colour scheme.
func (d Device) Dark() Device { d.dark = true; return d }
