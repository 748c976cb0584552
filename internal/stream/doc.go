// Package stream is the rim to Kafka: it writes whole batches, reads a partition from a given offset, and says where a
// log begins and ends and which log it is. What the messages mean is not its business. A message's key decides its partition.
package stream
