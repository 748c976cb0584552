package elastic

import (
	"testing"

	"usher/internal/testenv"
	"usher/search/indextest"
)

func TestIndex(t *testing.T) {
	t.Parallel()
	indextest.Run(t, func(t testing.TB) indextest.Indexed {
		url, prefix := testenv.Elasticsearch(t), testenv.Prefix(t)
		c, err := Open([]string{url}, prefix)
		indextest.Must(t, err)
		return indextest.Elasticsearch(t, c, url, prefix)
	})
}
