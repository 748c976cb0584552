// Package images holds the words of events' pictures: what a picture is called, in which shapes it is kept, where it is found, and what a store
// of pictures must promise. It has no dependency; package intake makes the shapes, folder and s3 keep them.
//
// A picture is named by the SHA-256 of the file that was imported, and what is kept under a name never changes: anybody may keep a copy for ever.
// The file itself is not kept. It may say where and by whom it was taken, which does not belong to where everybody can fetch it.
package images

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Digest names a picture: the SHA-256 of the file that was imported.
type Digest [sha256.Size]byte

// Of returns the name of a file.
func Of(file []byte) Digest { return sha256.Sum256(file) }

// String is the digest in 64 lowercase hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// parseDigest reads what String writes and nothing else: one picture has one address.
func parseDigest(s string) (d Digest, ok bool) {
	if len(s) != hex.EncodedLen(len(d)) || strings.ToLower(s) != s {
		return d, false
	}
	_, err := hex.Decode(d[:], []byte(s))
	return d, err == nil
}

// Variant is a shape in which a picture is kept.
type Variant string

// The variants.
const (
	Thumb Variant = "thumb" // a square for lists: 160 px wide at double density
	Card  Variant = "card"  // 16:9, as wide as a phone
	Wide  Variant = "wide"  // the same for large screens, and for previews elsewhere
	Full  Variant = "full"  // all of the picture, in the proportions it has
)

// Shape is what a variant looks like. Pictures are never enlarged: one that is smaller has the proportions only.
type Shape struct {
	Variant       Variant
	Width, Height int  // pixels
	Whole         bool // the picture fits into it; otherwise it fills it and is cut
	Bytes         int  // what it should weigh at most: together less than 1 MB an event
}

// Shapes are all variants in the order in which they are stored: who has the last one has all.
var Shapes = []Shape{
	{Thumb, 320, 320, false, 40_000},
	{Card, 800, 450, false, 110_000},
	{Wide, 1600, 900, false, 330_000},
	{Full, 1600, 1600, true, 480_000},
}

// Name is what one variant of a picture is called.
type Name struct {
	Digest  Digest
	Variant Variant
}

const suffix = ".jpg"

// String is the name as a path of two segments: "…/thumb.jpg".
func (n Name) String() string { return n.Digest.String() + "/" + string(n.Variant) + suffix }

// ParseName reads the two segments of a name. What String would not write is none.
func ParseName(digest, file string) (n Name, ok bool) {
	n.Digest, ok = parseDigest(digest)
	if !ok || !strings.HasSuffix(file, suffix) {
		return n, false
	}
	n.Variant = Variant(strings.TrimSuffix(file, suffix))
	for _, s := range Shapes {
		if s.Variant == n.Variant {
			return n, true
		}
	}
	return n, false
}

// Path begins the addresses of pictures on a gateway.
const Path = "/images/"

// Stored is what an event keeps of its picture: the path of the full variant on any gateway. It names no host, so that hosts may change.
func Stored(d Digest) string { return Path + Name{d, Full}.String() }

// ours returns the picture that an event keeps; false for the address of a picture elsewhere, or none.
func ours(stored string) (d Digest, ok bool) {
	digest, file, _ := strings.Cut(strings.TrimPrefix(stored, Path), "/")
	n, ok := ParseName(digest, file)
	return n.Digest, ok && Stored(n.Digest) == stored
}
