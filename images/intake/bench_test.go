package intake

import (
	"testing"
)

// BenchmarkAdd takes in a photograph of 12 million pixels, or what looks like one to a decoder.
func BenchmarkAdd(b *testing.B) {
	m := flag(4000, 3000)
	for i := range m.Pix {
		m.Pix[i] ^= byte(i*i>>7) & 7 // texture
	}
	file := asJPEG(b, m)
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		if _, err := New(newShelf()).Add(b.Context(), file); err != nil {
			b.Fatal(err)
		}
	}
}
