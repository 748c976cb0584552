package booking

// BestAvailable asks for adjacent seats without naming them.
type BestAvailable struct {
	Quantity   int
	Section    string // empty: any
	MaxPrice   int    // minor units a seat; 0: any
	Accessible bool
}

// StoredAnswer is an HTTP answer kept under an idempotency key, replayed as it was.
type StoredAnswer struct {
	Status  int
	Headers map[string]string
	Body    []byte
}
