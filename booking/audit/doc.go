// Package audit checks a live system's promises against one snapshot of Postgres and the log of commands. It explains every difference and repairs
// nothing. The rules are data; what reads them is handed over, so that the judge can be tried on a truth that somebody has broken.
package audit
