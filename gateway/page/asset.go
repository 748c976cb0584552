package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html/template"
	"mime"
	"path"
	"strings"
)

//go:embed *.css *.js
var assetFiles embed.FS

// AssetPath is where assets are served, each under a name that carries a digest of its content: it may be kept for ever.
const AssetPath = "/assets/"

// Asset is a file that pages link to.
type Asset struct {
	Type string // media type
	Body []byte
	Gzip []byte // the same, compressed as well as gzip can
}

// assets are all files by their served name, and served names by file.
var assets, assetNames = func() (map[string]Asset, map[string]string) {
	all, names := map[string]Asset{}, map[string]string{}
	entries, err := assetFiles.ReadDir(".")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		body := file(e.Name())
		sum := sha256.Sum256(body)
		kind := path.Ext(e.Name())
		served := strings.TrimSuffix(e.Name(), kind) + "-" + hex.EncodeToString(sum[:6]) + kind
		all[served] = Asset{Type: mime.TypeByExtension(kind), Body: body, Gzip: squeeze(body)}
		names[e.Name()] = served
	}
	return all, names
}()

// FindAsset returns the asset with a served name.
func FindAsset(served string) (a Asset, ok bool) {
	a, ok = assets[served]
	return a, ok
}

func file(name string) []byte {
	b, err := assetFiles.ReadFile(name)
	if err != nil {
		panic("page: " + err.Error())
	}
	return b
}

func squeeze(body []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is a valid one
	_, _ = w.Write(body)                                  // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

// assetURL is the address of a file, for templates.
func assetURL(name string) (string, error) {
	served, ok := assetNames[name]
	if !ok {
		return "", fmt.Errorf("no asset %q", name)
	}
	return AssetPath + served, nil
}

// inlineStyle and inlineScript put files into a page that must paint without a second request. Inlined is what the policy then allows.
func inlineStyle(names ...string) template.CSS { return template.CSS(joined(names)) }
func inlineScript(names ...string) template.JS { return template.JS(joined(names)) }
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// joined puts files together without their comments and indentation: the waiting room's page has to fit into the first packets. Only lines
// that are nothing but a comment go, so no file may have text of several lines.
func joined(names []string) string {
	var b strings.Builder
	for _, name := range names {
		for line := range strings.Lines(string(file(name))) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
				b.WriteString(line + "\n")
			}
		}
	}
	return b.String()
}
