package testenv

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// patience bounds what testenv does for one test.
const patience = time.Minute

// Migrate makes a database's schema. It must be a plain function, not a closure: its name stands for what it does.
type Migrate func(ctx context.Context, dsn string) error

// Postgres returns the URL of a fresh database, dropped when the test ends. With migrate it has that schema: the schema
// is made once in a run, in a template database, and copied.
func Postgres(t testing.TB, migrate Migrate) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	server, err := ours.Postgres(ctx)
	must(t, "start Postgres", err)
	name := databasePrefix(ours.Run()) + randomName()
	must(t, "create a database", withAdmin(ctx, server, func(admin *pgx.Conn) error {
		from := "template1"
		if migrate != nil {
			var err error
			if from, err = template(ctx, admin, server, migrate); err != nil {
				return err
			}
		}
		return createDatabase(ctx, admin, name, from)
	}))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		must(t, "drop the database", withAdmin(ctx, server, func(admin *pgx.Conn) error { return dropDatabase(ctx, admin, name) }))
	})
	return databaseURL(server, name)
}

// template returns the name of a database that migrate has run on, in this run. Many test processes may ask at once: an
// advisory lock lets one make it, and its name is given when it is complete.
func template(ctx context.Context, admin *pgx.Conn, server string, migrate Migrate) (string, error) {
	function := runtime.FuncForPC(reflect.ValueOf(migrate).Pointer()).Name()
	name := databasePrefix(ours.Run()) + fmt.Sprintf("of_%x", sha256.Sum256([]byte(function)))[:15]
	if _, err := admin.Exec(ctx, "SELECT pg_advisory_lock(hashtext($1))", name); err != nil {
		return "", err
	}
	var exists bool
	err := admin.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists)
	if err == nil && !exists {
		err = makeTemplate(ctx, admin, server, name, migrate)
	}
	_, unlockErr := admin.Exec(ctx, "SELECT pg_advisory_unlock(hashtext($1))", name)
	return name, errors.Join(err, unlockErr)
}

func makeTemplate(ctx context.Context, admin *pgx.Conn, server, name string, migrate Migrate) error {
	draft := name + "_draft"
	if err := dropDatabase(ctx, admin, draft); err != nil {
		return err
	}
	if err := createDatabase(ctx, admin, draft, "template1"); err != nil {
		return err
	}
	if err := migrate(ctx, databaseURL(server, draft)); err != nil {
		return fmt.Errorf("migrate the template: %w", err)
	}
	return retryInUse(ctx, func() error {
		_, err := admin.Exec(ctx, "ALTER DATABASE "+quote(draft)+" RENAME TO "+quote(name))
		return err
	})
}

func createDatabase(ctx context.Context, admin *pgx.Conn, name, from string) error {
	return retryInUse(ctx, func() error {
		_, err := admin.Exec(ctx, "CREATE DATABASE "+quote(name)+" TEMPLATE "+quote(from))
		return err
	})
}

func dropDatabase(ctx context.Context, admin *pgx.Conn, name string) error {
	_, err := admin.Exec(ctx, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)")
	return err
}

// retryInUse tries again while a connection to the database that is copied or renamed is just ending.
func retryInUse(ctx context.Context, do func() error) error {
	for {
		err := do()
		var fault *pgconn.PgError
		if !errors.As(err, &fault) || fault.Code != "55006" || ctx.Err() != nil { // object_in_use
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// dropDatabases removes all databases of a run.
func dropDatabases(ctx context.Context, server, run string) error {
	return withAdmin(ctx, server, func(admin *pgx.Conn) error {
		rows, err := admin.Query(ctx, "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", databasePrefix(run))
		if err != nil {
			return err
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, name := range names {
			err = errors.Join(err, dropDatabase(ctx, admin, name))
		}
		return err
	})
}

func withAdmin(ctx context.Context, server string, do func(*pgx.Conn) error) error {
	admin, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer admin.Close(ctx)
	return do(admin)
}

func databasePrefix(run string) string { return "usher_test_" + run + "_" }

func databaseURL(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server // pgx has connected with it, so this does not happen
	}
	u.Path = "/" + name
	return u.String()
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
