package gateway

import (
	"net/http"
	"testing"
)

func checked(t *testing.T) http.RoundTripper { return http.DefaultTransport.(*http.Transport).Clone() }
