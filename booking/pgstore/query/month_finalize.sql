-- Ends what month_detach began and did not end, because somebody was in its way. %[1]s the table, %[2]s the month as in its name.
ALTER TABLE %[1]s DETACH PARTITION %[1]s_%[2]s FINALIZE
