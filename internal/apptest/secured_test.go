package apptest

import (
	"bytes"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"usher/internal/testenv"
)

// securedStores starts stores that speak TLS and ask for the passwords that `usher secrets` makes. Usher's user in Redis has the rights of the
// file of users that it makes, and no more.
func (s *System) securedStores() []string {
	t := s.t
	t.Helper()
	dir := filepath.Join(t.TempDir(), "secrets")
	s.must("secrets", dir)
	cert := testenv.NewCertificate(t)

	s.Postgres = testenv.SecurePostgres(t, cert)
	at, err := url.Parse(s.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := at.User.Password()
	file := write(t, t.TempDir(), "postgres-password", password)

	// The user who asks whether the server is up may ask for nothing else.
	users := strings.Replace(read(t, dir, "redis-users.acl"), "user default off", "user default on nopass -@all +info", 1)
	s.Redis = testenv.SecureRedis(t, cert, users)
	kafka := testenv.SecureKafka(t, cert, "usher", read(t, dir, "kafka-password"))
	return []string{
		"USHER_POSTGRES=postgres://" + at.User.Username() + "@" + at.Host + at.Path + "?sslmode=verify-full&sslrootcert=" + cert.CA, "USHER_POSTGRES_PASSWORD_FILE=" + file,
		"USHER_REDIS=rediss://usher@" + s.Redis + "?ca=" + cert.CA, "USHER_REDIS_PASSWORD_FILE=" + filepath.Join(dir, "redis-password"),
		"USHER_KAFKA=kafkas://usher@" + kafka + "?ca=" + cert.CA, "USHER_KAFKA_PASSWORD_FILE=" + filepath.Join(dir, "kafka-password"),
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// setting is the value of a variable of the system's processes.
func (s *System) setting(name string) (value string) {
	for _, v := range s.env {
		if v, found := strings.CutPrefix(v, name+"="); found {
			value = v
		}
	}
	return value
}

// TestAFanWalksUnderTLSAndPasswords is the same way with stores that trust nobody. Whoever is refused by one learns why, and no text tells a password.
func TestAFanWalksUnderTLSAndPasswords(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Gateways: 2, Catalog: threeEvents(40), Rooms: walkRooms, Secured: true, Env: map[string]string{"USHER_LOG_LEVEL": "debug"}})
	walk(t, s)

	var secrets []string
	for _, file := range []string{"USHER_POSTGRES_PASSWORD_FILE", "USHER_REDIS_PASSWORD_FILE", "USHER_KAFKA_PASSWORD_FILE"} {
		secrets = append(secrets, read(t, "/", s.setting(file)))
	}
	told := func(text string) bool {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				return true
			}
		}
		return false
	}
	if !told("x" + secrets[1] + "x") {
		t.Error("the search for secrets finds none")
	}
	s.mu.Lock()
	for name, p := range s.procs {
		if log := p.log.String(); told(log) {
			t.Errorf("the log of %s tells a password", name)
		}
	}
	s.mu.Unlock()

	other, wrong := testenv.NewCertificate(t).CA, write(t, t.TempDir(), "wrong", "not-the-password")
	f := func(want, command string, env ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), s.binary, command)
		cmd.Env = append(append([]string{}, s.env...), env...)
		out, err := cmd.CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte(want)) || told(string(out)) {
			t.Errorf("%s with %q: %v, want an error with %q:\n%s", command, env, err, want, out)
		}
	}
	postgres, kafka := s.setting("USHER_POSTGRES"), s.setting("USHER_KAFKA")
	f("certificate", "migrate", "USHER_POSTGRES="+postgres[:strings.LastIndex(postgres, "=")+1]+other)
	f("password authentication failed", "migrate", "USHER_POSTGRES_PASSWORD_FILE="+wrong)
	f("certificate", "topics", "USHER_KAFKA="+kafka[:strings.LastIndex(kafka, "=")+1]+other)
	f("user and password", "topics", "USHER_KAFKA_PASSWORD_FILE="+wrong)
	f("has a password already", "migrate", "USHER_POSTGRES="+strings.Replace(postgres, "@", ":"+url.PathEscape(secrets[0])+"@", 1))
	f("sslmode", "migrate", "USHER_POSTGRES="+strings.Replace(postgres, "verify-full", "often", 1))
	f("redis address", "relay", "USHER_REDIS=redis://a:1,b:1")
}

// TestAFanWalksOnARedisCluster is the same way with the line and the holds on three masters.
func TestAFanWalksOnARedisCluster(t *testing.T) {
	t.Parallel()
	walk(t, Start(t, Options{Gateways: 2, Catalog: threeEvents(40), Rooms: walkRooms, RedisCluster: true}))
}
