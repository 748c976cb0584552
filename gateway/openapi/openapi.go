// Package openapi holds the description of the API, OpenAPI 3.1, one document for each port.
package openapi

import _ "embed"

// Public is the document of the public port.
//
//go:embed public.json
var Public []byte

// Admin is the document of the admin port.
//
//go:embed admin.json
var Admin []byte
