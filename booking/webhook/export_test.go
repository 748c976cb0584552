package webhook

// ForTests gives tests of the whole what only this package makes.
var ForTests = newClient
