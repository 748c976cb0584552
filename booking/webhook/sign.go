package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// secretPrefix marks secrets, so that people and scanners know one.
const secretPrefix = "whsec_"

const secretSize = 32 // bytes; the standard wants 24 to 64

// newSecret draws a secret.
func newSecret() []byte {
	secret := make([]byte, secretSize)
	_, _ = rand.Read(secret) // never fails since Go 1.24
	return secret
}

// SecretText is a secret as receivers get it.
func SecretText(secret []byte) string {
	return secretPrefix + base64.StdEncoding.EncodeToString(secret)
}

// signatures is the value of the header webhook-signature: one signature a secret over the message's id, the time and the body, each as
// "v1," and the base64 of an HMAC-SHA256. A receiver that knows any of the secrets finds its own.
func signatures(secrets [][]byte, message string, at time.Time, body []byte) string {
	var out []string
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(message + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		mac.Write(body)
		out = append(out, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(out, " ")
}
