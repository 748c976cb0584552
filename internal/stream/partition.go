package stream

import "hash/fnv"

// Partition returns the partition of a key among n: FNV-1a of its bytes, 32 bits, modulo n. It is part of the data: the golden
// vectors in the test never change.
func Partition(key string, n int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	return int(h.Sum32() % uint32(n))
}
