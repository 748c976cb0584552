package audit

import "usher/internal/audit"

// Rules are the promises about seats, bookings and payments, the gravest first. Those about the log follow in log.go.
var Rules = []audit.Rule{
	{Name: "one_owner", Says: "a seat has at most one live booking",
		Why: "the seat is sold twice. Stop sales of the event, keep the database as it is, and decide which booking stands"},
	{Name: "seat_agrees", Says: "a seat and its owner agree",
		Why: "the seat names another booking than the one that owns it: something else than the worker has written. Stop sales of the event"},
	{Name: "booking_has_seats", Says: "a live booking owns the seats that it names",
		Why: "somebody has a booking and not its seats. Block the seats until it is known who owns them"},
	{Name: "dead_owns_nothing", Says: "a booking that is over owns no seat",
		Why: "the seat can be bought by nobody. Its booking must be settled by a command, not by hand"},
	{Name: "seat_state", Says: "a seat is in the state of its booking",
		Why: "fans see a seat that is paid for as free, or the other way round; the next command for it fails and says so"},
	{Name: "acknowledged", Says: "what was answered is there: a command that made, paid or changed a booking left a booking",
		Why: "a fan was told of a booking that does not exist: rows were lost, by hand or by a restore that is older than the log"},
	{Name: "seats_add_up", Says: "free + reserved + paying + booked + blocked = capacity, for every event on sale",
		Why: "tickets are missing, or are too many, or are in no state that exists"},
	{Name: "one_attempt", Says: "a booking has at most one payment that may still take money",
		Why: "it may be charged twice. Void one of the attempts at the provider"},
	{Name: "overdue", Says: "a reservation that has run out is over within a minute", Late: true,
		Why: "no relay sweeps, or no worker decides: see usher_relay_leading and usher_worker_lag_messages"},
	{Name: "unsettled", Says: "a payment comes to a definite end within ten minutes", Late: true,
		Why: "the provider does not answer, or no relay asks it: see usher_payment_errors_total. The seats stay with the booking"},
	{Name: "untold", Says: "the world is told of a change within a minute", Late: true,
		Why: "no relay leads, or Kafka does not take messages: seat maps and the search index are behind"},
	{Name: "set_aside", Says: "every message can be read", Late: true,
		Why: "somebody else writes to the topic, or a newer version did. The message is in poison_messages; delete the row when it is understood"},
}

// What Run adds to the rules of the snapshot.
var (
	charges = audit.Rule{Name: "charges", Says: "no charge without a ticket, no ticket without a charge, none twice, and the amount is right",
		Why: "money and tickets disagree. Refund at the provider, or find out what has undone the booking"}
	uncompared = audit.Rule{Name: "uncompared", Says: "the books of every provider were looked at", Late: true,
		Why: "nobody knows whether these payments are right: give the audit the provider's key, --stripe-key-file"}
	answered = audit.Rule{Name: "answered", Says: "every command of the log that a worker has passed has an end that can be asked for",
		Why: "somebody waits for an answer that never comes: the offset moved without the command's result"}
	undecided = audit.Rule{Name: "undecided", Says: "no command was deleted before a worker had decided it",
		Why: "the topic's retention is shorter than the workers were away: those commands had no effect, and their fans got a refusal or none"}
	behind = audit.Rule{Name: "behind", Says: "a command is decided within a minute", Late: true,
		Why: "the workers are behind, or none owns the partition"}
	ahead = audit.Rule{Name: "ahead", Says: "no worker is ahead of the log",
		Why: "the broker has lost messages that were acknowledged: it was restored from an old state, or acknowledges before it keeps. The worker goes on at the log's end and counts usher_worker_missing_messages_total"}
)
