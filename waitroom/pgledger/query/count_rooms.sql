SELECT count(*) FROM rooms
