// Package address reads the URLs that name stores: who asks, which hosts answer, and whom to believe that they are who they say.
// Its errors never quote a URL: there may be a password in it.
package address

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
)

const (
	maxLength = 4096    // characters of a URL
	maxHosts  = 64      // hosts of one URL
	maxFile   = 1 << 20 // bytes of a file of certificates
	maxSecret = 4096    // bytes of a file that holds a password
)

// Address is a store's URL, taken apart: scheme://user:password@host:port,host:port/path?option=value.
type Address struct {
	Scheme         string
	User, Password string
	Hosts          []string // host:port, one at least
	Path           string   // without its slash
	Options        url.Values
}

// errForm is the answer to whatever is no URL of ours.
var errForm = errors.New("want scheme://user@host:port with the password in a file of its own, or its special characters percent-encoded (@ is %40, / is %2F, # is %23)")

// Parse takes a URL apart. The port is needed; the options are those that are named, and each stands once.
func Parse(text string, options ...string) (Address, error) {
	scheme, authority, rest, err := split(text)
	if err != nil {
		return Address{}, err
	}
	a := Address{Scheme: scheme}
	hosts := authority
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		hosts = authority[at+1:]
		user, password, _ := strings.Cut(authority[:at], ":")
		var err1, err2 error
		a.User, err1 = url.PathUnescape(user)
		a.Password, err2 = url.PathUnescape(password)
		if err1 != nil || err2 != nil {
			return Address{}, errForm
		}
	}
	a.Hosts = strings.Split(hosts, ",")
	if len(a.Hosts) > maxHosts {
		return Address{}, fmt.Errorf("%d hosts are more than %d", len(a.Hosts), maxHosts)
	}
	for _, host := range a.Hosts {
		if name, port, err := net.SplitHostPort(host); err != nil || name == "" || port == "" {
			return Address{}, errForm
		}
	}
	path, query, _ := strings.Cut(rest, "?")
	if a.Path, err = url.PathUnescape(strings.TrimPrefix(path, "/")); err != nil {
		return Address{}, errForm
	}
	if a.Options, err = url.ParseQuery(query); err != nil {
		return Address{}, errForm
	}
	for name, values := range a.Options {
		if !slices.Contains(options, name) || len(values) != 1 {
			return Address{}, fmt.Errorf("an option of the URL is unknown or stands twice; it may have: %s", strings.Join(options, ", "))
		}
	}
	return a, nil
}

// WithPassword puts a password into a URL that has none, or into each of several that are separated by commas.
func WithPassword(text, password string) (string, error) {
	if strings.Count(text, "://") > 1 {
		all := strings.Split(text, ",")
		for i, one := range all {
			var err error
			if strings.Count(one, "://") != 1 {
				return "", errForm
			}
			if all[i], err = WithPassword(one, password); err != nil {
				return "", err
			}
		}
		return strings.Join(all, ","), nil
	}
	scheme, authority, rest, err := split(text)
	if err != nil {
		return "", err
	}
	user, hosts := "", authority
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		user, hosts = authority[:at], authority[at+1:]
	}
	if strings.Contains(user, ":") {
		return "", errors.New("the URL has a password already: give it in one place only")
	}
	return scheme + "://" + user + url.UserPassword("", password).String() + "@" + hosts + rest, nil
}

// split cuts a URL before and behind its authority.
func split(text string) (scheme, authority, rest string, err error) {
	scheme, behind, found := strings.Cut(text, "://")
	if !found || scheme == "" || len(text) > maxLength || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return "", "", "", errForm
	}
	end := strings.IndexAny(behind, "/?#")
	if end < 0 {
		end = len(behind)
	}
	if authority, rest = behind[:end], behind[end:]; authority == "" || strings.Contains(rest, "#") || strings.Contains(rest, "@") {
		return "", "", "", errForm // an @ behind the hosts was meant to stand before them: a password with a bare slash
	}
	return scheme, authority, rest, nil
}

// TLS returns how to speak to the hosts under TLS: verified by the authorities of the PEM file that the option ca names, else by those of
// the system. The caller sets ServerName where its library does not.
func (a Address) TLS() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	file := a.Options.Get("ca")
	if file == "" {
		return c, nil
	}
	text, err := readFile(file, maxFile)
	if err != nil {
		return nil, fmt.Errorf("certificates of ca=%s: %w", file, err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca=%s holds no certificate in PEM form", file)
	}
	return c, nil
}

// Secret returns what a file holds, without the line's end: a password or a token, 1 to 4,096 bytes.
func Secret(file string) (string, error) {
	text, err := readFile(file, maxSecret)
	if err != nil {
		return "", err
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" || strings.ContainsAny(secret, "\r\n\x00") {
		return "", fmt.Errorf("%s must hold the secret in one line and nothing else", file)
	}
	return secret, nil
}

// readFile reads a file of at most most bytes.
func readFile(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s has more than %d bytes", name, most)
	}
	return text, err
}
