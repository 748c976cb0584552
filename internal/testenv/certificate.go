package testenv

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certificate is what a server shows under TLS, and the authority that vouches for it.
type Certificate struct {
	CA        string // file of the authority's certificate
	Cert, Key string // PEM
}

// NewCertificate makes an authority and a certificate for 127.0.0.1; no other test trusts it.
func NewCertificate(t testing.TB) Certificate {
	t.Helper()
	year := time.Now().Add(-time.Hour)
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a test's authority"}, NotBefore: year, NotAfter: year.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	server := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "a test's store"}, NotBefore: year, NotAfter: year.AddDate(1, 0, 0),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, "make a key", err)
	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, "make a key", err)
	authorityBytes, err := x509.CreateCertificate(rand.Reader, authority, authority, &authorityKey.PublicKey, authorityKey)
	must(t, "make a certificate", err)
	serverBytes, err := x509.CreateCertificate(rand.Reader, server, authority, &serverKey.PublicKey, authorityKey)
	must(t, "make a certificate", err)
	key, err := x509.MarshalPKCS8PrivateKey(serverKey)
	must(t, "write a key", err)
	c := Certificate{CA: filepath.Join(t.TempDir(), "ca.pem"), Cert: text("CERTIFICATE", serverBytes), Key: text("PRIVATE KEY", key)}
	must(t, "write a certificate", os.WriteFile(c.CA, []byte(text("CERTIFICATE", authorityBytes)), 0o600))
	return c
}

// Server is how a server of this process shows it.
func (c Certificate) Server(t testing.TB) *tls.Config {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(c.Cert), []byte(c.Key))
	must(t, "read a certificate", err)
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
}

func text(kind string, bytes []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}))
}
