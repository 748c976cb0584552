package poster

import (
	"fmt"
	"testing"
)

// BenchmarkDraw draws posters of all scenes in turn: `make run` draws 56 of them when it starts for the first time.
func BenchmarkDraw(b *testing.B) {
	for i := range b.N {
		Draw(fmt.Sprint("act ", i%12))
	}
}
