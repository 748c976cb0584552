package waitroom

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"sync"
	"time"

	"usher/internal/id"
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
type Sealer struct {
	current byte
	keys    map[byte]*sync.Pool // of *stamp: an HMAC state is made once, not for each poll
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
	var f secretsFile
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("secrets %s: %w", path, err)
	}
	s := &Sealer{current: f.Current, keys: map[byte]*sync.Pool{}}
	for _, k := range f.Keys {
		if len(k.Key) != sha256.Size || s.keys[k.ID] != nil || len(f.Keys) > maxSecrets {
			return nil, fmt.Errorf("secrets %s: want 1 to %d keys of %d bytes, each with its own id", path, maxSecrets, sha256.Size)
		}
		s.keys[k.ID] = &sync.Pool{New: func() any { return &stamp{Hash: hmac.New(sha256.New, k.Key)} }}
	}
	if s.keys[s.current] == nil {
		return nil, fmt.Errorf("secrets %s: the current key %d is not among the keys", path, s.current)
	}
	return s, nil
}

// EnsureSecrets makes a secrets file with one fresh key, readable by its owner only, unless the file exists.
func EnsureSecrets(path string) error {
	if _, err := os.Stat(path); err == nil { // in a folder, maybe, where nothing can be written
		return nil
	}
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key)
	b, err := json.MarshalIndent(secretsFile{Current: 1, Keys: []secretFile{{ID: 1, Key: key}}}, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("make %s: %w", path, err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("make %s: %w", path, err)
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("make %s: %w", path, err)
	}
	return nil
}

func (s *Sealer) seal(kind byte, payload []byte) string {
	b := make([]byte, 0, 2+len(payload)+macLen)
	b = append(b, kind, s.current)
	b = append(b, payload...)
	sum := mac(s.keys[s.current], b)
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
	if len(sealed) > maxSealed {
		return nil, false
	}
	b, err := sealText.AppendDecode(buf[:0], []byte(sealed))
	if err != nil || len(b) < 2+macLen || b[0] != kind {
		return nil, false
	}
	pool := s.keys[b[1]]
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
