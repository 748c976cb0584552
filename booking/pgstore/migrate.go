package pgstore

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrateLock serialises processes that migrate at once; any constant does.
const migrateLock = 0x75736865

// migratePause is how long a process waits before it asks again whether another still migrates.
const migratePause = 200 * time.Millisecond

// Migrate brings the schema up to date. Processes that start together wait for each other.
func Migrate(ctx context.Context, dsn string) error {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return fmt.Errorf("postgres address: %w", err)
	}
	db := stdlib.OpenDB(*config)
	defer func() { _ = db.Close() }()
	lock, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer func() { _ = lock.Close() }() // ends the session and with it the lock
	for mine := false; !mine; {
		if err := lock.QueryRowContext(ctx, query("migrate_lock"), migrateLock).Scan(&mine); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		if !mine {
			select {
			case <-ctx.Done():
				return fmt.Errorf("migrate: %w", ctx.Err())
			case <-time.After(migratePause):
			}
		}
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	_, err = lock.ExecContext(ctx, query("migrate_unlock"), migrateLock)
	return err
}
