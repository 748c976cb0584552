package waitroom

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"usher/internal/id"
	"usher/internal/keyfile"
)

// A sealed token is, in unpadded base64url:
//
//	kind (1) · key id (1) · payload · first 16 bytes of HMAC-SHA256 over all before
//
// visitor payload: visitor (16). cursor payload: id (8). place payload: visitor (16) · number (8) · issued ms (8) · room length (1) · room · run.
const (
	kindVisitor = 'v'
	kindPlace   = 'p'
	kindCursor  = 'a' // of the audit log
	macLen      = 16
	maxSealed   = 400 // characters
	maxSecrets  = 16
)

var sealText = base64.RawURLEncoding.Strict()

// Sealer seals and opens visitor tokens and places. One key seals, all open.
type Sealer struct{ secrets atomic.Pointer[Secrets] }

// Secrets are the keys of a secrets file.
type Secrets struct {
	current byte
	keys    map[byte]*sync.Pool // of *stamp: an HMAC state is made once, not for each poll
	first   []byte              // the oldest key
}

// stamp is the state of an HMAC, and room for what it is of and its sum.
type stamp struct {
	hash.Hash
	text [maxSealed]byte // decoded
	sum  [sha256.Size]byte
}

type secretsFile struct {
	Current byte         `json:"current"`
	Keys    []secretFile `json:"keys"`
}

type secretFile struct {
	ID  byte   `json:"id"`
	Key []byte `json:"key"` // 32 bytes, base64
}

// LoadSecrets reads a secrets file.
func LoadSecrets(path string) (*Sealer, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	secrets, err := ParseSecrets(b)
	if err != nil {
		return nil, fmt.Errorf("secrets %s: %w", path, err)
	}
	s := &Sealer{}
	s.Use(secrets)
	return s, nil
}

// Use takes other keys from now on. What was sealed with a key that is not among them is refused.
func (s *Sealer) Use(secrets *Secrets) { s.secrets.Store(secrets) }

// Derive returns a key for another purpose. It stays the same until the oldest key is retired.
func (s *Sealer) Derive(purpose string) []byte {
	h := hmac.New(sha256.New, s.secrets.Load().first)
	h.Write([]byte(purpose))
	return h.Sum(nil)
}

// ParseSecrets reads the content of a secrets file.
func ParseSecrets(b []byte) (*Secrets, error) {
	var f secretsFile
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, err
	}
	s := &Secrets{current: f.Current, keys: map[byte]*sync.Pool{}}
	for _, k := range f.Keys {
		if len(k.Key) != sha256.Size || s.keys[k.ID] != nil || len(f.Keys) > maxSecrets {
			return nil, fmt.Errorf("want 1 to %d keys of %d bytes, each with its own id", maxSecrets, sha256.Size)
		}
		s.keys[k.ID] = &sync.Pool{New: func() any { return &stamp{Hash: hmac.New(sha256.New, k.Key)} }}
	}
	if s.keys[s.current] == nil {
		return nil, fmt.Errorf("the current key %d is not among the keys", s.current)
	}
	s.first = f.Keys[0].Key
	return s, nil
}

// EnsureSecrets makes a secrets file with one fresh key, readable by its owner only, unless the file exists.
func EnsureSecrets(path string) error {
	b, err := json.MarshalIndent(secretsFile{Current: 1, Keys: []secretFile{newSecret(1)}}, "", "  ")
	if err != nil {
		return err
	}
	return keyfile.Make(path, b)
}

func newSecret(name byte) secretFile {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key)
	return secretFile{ID: name, Key: key}
}

// AnnouncedSecrets returns the content of a secrets file with a fresh key, which opens and does not seal yet.
func AnnouncedSecrets(content []byte) ([]byte, error) {
	return changedSecrets(content, func(f *secretsFile) {
		name := f.Keys[len(f.Keys)-1].ID + 1
		for slices.ContainsFunc(f.Keys, func(k secretFile) bool { return k.ID == name }) {
			name++
		}
		f.Keys = append(f.Keys, newSecret(name))
	})
}

// SwitchedSecrets returns the content of a secrets file in which the newest key seals.
func SwitchedSecrets(content []byte) ([]byte, error) {
	return changedSecrets(content, func(f *secretsFile) { f.Current = f.Keys[len(f.Keys)-1].ID })
}

// RetiredSecrets returns the content of a secrets file that is left with the key that seals: places and visitors of others are refused from now on.
func RetiredSecrets(content []byte) ([]byte, error) {
	return changedSecrets(content, func(f *secretsFile) {
		f.Keys = slices.DeleteFunc(f.Keys, func(k secretFile) bool { return k.ID != f.Current })
	})
}

// changedSecrets checks a secrets file before and after.
func changedSecrets(content []byte, change func(*secretsFile)) ([]byte, error) {
	return keyfile.Changed(content, func(b []byte) error { _, err := ParseSecrets(b); return err }, change)
}

func (s *Sealer) seal(kind byte, payload []byte) string {
	k := s.secrets.Load()
	b := make([]byte, 0, 2+len(payload)+macLen)
	b = append(b, kind, k.current)
	b = append(b, payload...)
	sum := mac(k.keys[k.current], b)
	return sealText.EncodeToString(append(b, sum[:]...))
}

// mac returns the beginning of the HMAC of b. What a hash.Hash is handed goes to the heap: here it is there already.
func mac(pool *sync.Pool, b []byte) (sum [macLen]byte) {
	s, _ := pool.Get().(*stamp)
	s.Reset()
	_, _ = s.Write(append(s.text[:0], b...))
	copy(sum[:], s.Sum(s.sum[:0]))
	pool.Put(s)
	return sum
}

// open returns the payload of a token of the kind, in buf if it fits.
func (s *Sealer) open(kind byte, sealed string, buf []byte) ([]byte, bool) {
	if len(sealed) > maxSealed || strings.IndexByte(sealed, '\n') >= 0 || strings.IndexByte(sealed, '\r') >= 0 { // which the decoder passes over
		return nil, false
	}
	b, err := sealText.AppendDecode(buf[:0], []byte(sealed))
	if err != nil || len(b) < 2+macLen || b[0] != kind {
		return nil, false
	}
	pool := s.secrets.Load().keys[b[1]]
	if pool == nil {
		return nil, false
	}
	body := b[:len(b)-macLen]
	sum := mac(pool, body)
	if subtle.ConstantTimeCompare(sum[:], b[len(body):]) != 1 {
		return nil, false
	}
	return body[2:], true
}

// SealVisitor returns the token of a visitor.
func (s *Sealer) SealVisitor(v id.Visitor) string { return s.seal(kindVisitor, v[:]) }

// OpenVisitor reads a visitor token. ErrVisitorInvalid.
func (s *Sealer) OpenVisitor(sealed string) (v id.Visitor, err error) {
	var buf [maxSealed]byte
	b, ok := s.open(kindVisitor, sealed, buf[:])
	if !ok || len(b) != len(v) {
		return v, ErrVisitorInvalid
	}
	copy(v[:], b)
	return v, nil
}

// SealPlace returns the token of a place.
func (s *Sealer) SealPlace(p Place) string {
	b := make([]byte, 0, 33+len(p.Room)+len(p.Run))
	b = append(b, p.Visitor[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(p.Number))
	b = binary.BigEndian.AppendUint64(b, uint64(p.IssuedAt.UnixMilli()))
	b = append(b, byte(len(p.Room)))
	b = append(b, p.Room...)
	return s.seal(kindPlace, append(b, p.Run...))
}

// OpenPlace reads a place. ErrPlaceInvalid.
func (s *Sealer) OpenPlace(sealed string) (p Place, err error) {
	var buf [maxSealed]byte
	b, ok := s.open(kindPlace, sealed, buf[:])
	if !ok || len(b) < 33 || len(b) < 33+int(b[32]) {
		return p, ErrPlaceInvalid
	}
	copy(p.Visitor[:], b)
	p.Number = int64(binary.BigEndian.Uint64(b[16:]))
	p.IssuedAt = time.UnixMilli(int64(binary.BigEndian.Uint64(b[24:]))).UTC()
	n := int(b[32])
	names := string(b[33:])
	p.Room, p.Run = names[:n], names[n:]
	return p, nil
}

func (s *Sealer) sealCursor(entry int64) string {
	return s.seal(kindCursor, binary.BigEndian.AppendUint64(nil, uint64(entry)))
}

// openCursor reads the cursor of an audit log. ErrBadCursor.
func (s *Sealer) openCursor(sealed string) (entry int64, err error) {
	var buf [maxSealed]byte
	b, ok := s.open(kindCursor, sealed, buf[:])
	if !ok || len(b) != 8 {
		return 0, ErrBadCursor
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}
