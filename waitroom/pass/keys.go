package pass

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"

	"usher/internal/keyfile"
)

// Keys are the Ed25519 keys of passes. One signs; all verify, so that a new key can be announced before it signs and an
// old one verifies until its last pass has run out.
type Keys struct {
	Signing string // kid of the key that signs
	private map[string]ed25519.PrivateKey
}

type keysFile struct {
	Signing string    `json:"signing"`
	Keys    []keyFile `json:"keys"`
}

type keyFile struct {
	KID  string `json:"kid"`
	Seed []byte `json:"seed"` // 32 bytes, base64
}

// maxKeys bounds a keys file.
const maxKeys = 16

// LoadKeys reads a keys file.
func LoadKeys(path string) (*Keys, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("pass keys: %w", err)
	}
	k, err := ParseKeys(b)
	if err != nil {
		return nil, fmt.Errorf("pass keys %s: %w", path, err)
	}
	return k, nil
}

// ParseKeys reads the content of a keys file.
func ParseKeys(b []byte) (*Keys, error) {
	var f keysFile
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, err
	}
	k := &Keys{Signing: f.Signing, private: map[string]ed25519.PrivateKey{}}
	for _, key := range f.Keys {
		if len(key.Seed) != ed25519.SeedSize || key.KID == "" || k.private[key.KID] != nil || len(f.Keys) > maxKeys {
			return nil, fmt.Errorf("want 1 to %d keys, each with its own kid and a seed of %d bytes", maxKeys, ed25519.SeedSize)
		}
		k.private[key.KID] = ed25519.NewKeyFromSeed(key.Seed)
	}
	if k.private[k.Signing] == nil {
		return nil, fmt.Errorf("the signing key %q is not among the keys", k.Signing)
	}
	return k, nil
}

// EnsureKeys makes a keys file with one fresh key, readable by its owner only, unless the file exists.
func EnsureKeys(path string) error {
	key := newKey()
	b, err := json.MarshalIndent(keysFile{Signing: key.KID, Keys: []keyFile{key}}, "", "  ")
	if err != nil {
		return err
	}
	return keyfile.Make(path, b)
}

func newKey() keyFile {
	kid := make([]byte, 6)
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(kid)
	_, _ = rand.Read(seed)
	return keyFile{KID: base64.RawURLEncoding.EncodeToString(kid), Seed: seed}
}

// Announced returns the content of a keys file with a fresh key, which verifies and does not sign yet.
func Announced(content []byte) ([]byte, error) {
	return changed(content, func(f *keysFile) { f.Keys = append(f.Keys, newKey()) })
}

// Switched returns the content of a keys file in which the newest key signs.
func Switched(content []byte) ([]byte, error) {
	return changed(content, func(f *keysFile) { f.Signing = f.Keys[len(f.Keys)-1].KID })
}

// Retired returns the content of a keys file that is left with the key that signs: passes of others are refused from now on.
func Retired(content []byte) ([]byte, error) {
	return changed(content, func(f *keysFile) {
		f.Keys = slices.DeleteFunc(f.Keys, func(k keyFile) bool { return k.KID != f.Signing })
	})
}

// changed checks a keys file before and after.
func changed(content []byte, change func(*keysFile)) ([]byte, error) {
	return keyfile.Changed(content, func(b []byte) error { _, err := ParseKeys(b); return err }, change)
}

// JWKS is the document of /.well-known/jwks.json.
func (k *Keys) JWKS() []byte {
	type jwk struct {
		KTY string `json:"kty"`
		CRV string `json:"crv"`
		ALG string `json:"alg"`
		USE string `json:"use"`
		KID string `json:"kid"`
		X   string `json:"x"`
	}
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: []jwk{}}
	for _, kid := range slices.Sorted(maps.Keys(k.private)) {
		key := k.private[kid]
		public, _ := key.Public().(ed25519.PublicKey)
		set.Keys = append(set.Keys, jwk{"OKP", "Ed25519", "EdDSA", "sig", kid, base64.RawURLEncoding.EncodeToString(public)})
	}
	b, _ := json.Marshal(set) // of strings: cannot fail
	return b
}
