package pass

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	var f keysFile
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("pass keys %s: %w", path, err)
	}
	k := &Keys{Signing: f.Signing, private: map[string]ed25519.PrivateKey{}}
	for _, key := range f.Keys {
		if len(key.Seed) != ed25519.SeedSize || key.KID == "" || k.private[key.KID] != nil || len(f.Keys) > maxKeys {
			return nil, fmt.Errorf("pass keys %s: want 1 to %d keys, each with its own kid and a seed of %d bytes", path, maxKeys, ed25519.SeedSize)
		}
		k.private[key.KID] = ed25519.NewKeyFromSeed(key.Seed)
	}
	if k.private[k.Signing] == nil {
		return nil, fmt.Errorf("pass keys %s: the signing key %q is not among the keys", path, k.Signing)
	}
	return k, nil
}

// EnsureKeys makes a keys file with one fresh key, readable by its owner only, unless the file exists.
func EnsureKeys(path string) error {
	kid := make([]byte, 6)
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(kid)
	_, _ = rand.Read(seed)
	name := base64.RawURLEncoding.EncodeToString(kid)
	b, err := json.MarshalIndent(keysFile{Signing: name, Keys: []keyFile{{KID: name, Seed: seed}}}, "", "  ")
	if err != nil {
		return err
	}
	return writeNew(path, b)
}

// writeNew writes a secret file that appears whole or not at all; an existing one is left alone, also when two processes begin
// at once.
func writeNew(path string, content []byte) error {
	if _, err := os.Stat(path); err == nil { // in a folder, maybe, where nothing can be written
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("make %s: %w", path, err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("make %s: %w", path, err)
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("make %s: %w", path, err)
	}
	return nil
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
	for kid, key := range k.private {
		public, _ := key.Public().(ed25519.PublicKey)
		set.Keys = append(set.Keys, jwk{"OKP", "Ed25519", "EdDSA", "sig", kid, base64.RawURLEncoding.EncodeToString(public)})
	}
	b, _ := json.Marshal(set) // of strings: cannot fail
	return b
}
